"""The README's example runs as it stands, and what it refers to exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (code,) = re.findall(r"```python\n(.*?)```", README, re.S)
    names: dict[str, object] = {"__name__": "example"}
    threads = torch.get_num_threads()
    exec(code, names)
    torch.set_num_threads(threads)
    rows = [line for line in capsys.readouterr().out.splitlines() if "eval" in line]
    accuracies = [float(found[1]) for row in rows if (found := re.search(r"'accuracy': '([\d.]+)'", row))]
    assert len(accuracies) == len(rows)
    assert accuracies[-1] > 0.7 >= max(accuracies[:-1], default=0.0)


def test_links_and_pictures_exist() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_commands_are_those_of_the_makefile_and_the_command_line() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for command in re.findall(r"^make (\w+)", README, re.M):
        assert re.search(rf"^{command}:", makefile, re.M), command
