"""docs/settings.md: its example can be loaded, and it names every field, every pane and every key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tui.cli import main
from tui.keys import GROUPS, RESERVED, key_names
from tui.places import PANES
from tui.settings import Settings, load

DOC = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_example_is_valid_and_shows_every_field(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", DOC.read_text(), re.DOTALL)
    file = tmp_path / "settings.toml"
    file.write_text(example)
    settings = load(file)
    assert settings.keys == {"skip_batch": "B", "help": "?, f1"}
    assert settings != Settings()
    for field in Settings.__struct_fields__:
        assert re.search(rf"^(\[{field}\]|{field} = )", example, re.MULTILINE), field


def test_every_field_and_its_default_is_there() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|[^|]*\|[^|]*\|$", DOC.read_text(), re.MULTILINE))
    assert rows.keys() == set(Settings.__struct_fields__)
    for field in ("theme", "layout", "calm", "bell", "graphics"):
        value = getattr(Settings(), field)
        assert rows[field] == (f"`{str(value).lower()}`" if isinstance(value, bool) else f'`"{value}"`')
    assert ", ".join(f"`{pane}`" for pane in PANES) in DOC.read_text()
    assert ", ".join(f"`{key}`" for key in RESERVED) in DOC.read_text()


def test_every_key_has_its_row() -> None:
    rows = DOC.read_text().splitlines()
    for _, bindings in GROUPS:
        for b in bindings:
            keys = " ".join(f"`{key}`" for key in key_names(b.key).split(" "))
            assert f"| `{b.id}` | {keys} | {b.description.removesuffix(' ...')} |" in rows


def test_help_names_the_file(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    assert "docs/settings.md" in said
    assert "~/.config/miniai-tui/settings.toml" in said
