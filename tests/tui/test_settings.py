"""The settings file: what it may say, what is wrong with it in one line, and what is remembered beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from miniai.errors import UsageError
from tui.keys import GROUPS, RESERVED
from tui.places import PANES
from tui.remembered import Preferences, memory_file
from tui.settings import LAYOUTS, THEMES, Settings, is_key, load, settings_file, split_keys

WHOLE = """\
theme = "light"
layout = "wide"
calm = true
[keys]
skip_batch = "B"
help = "?, f1"
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's file, which is not there yet."""
    monkeypatch.delenv("MINIAI_TUI_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    path = tmp_path / "config" / "miniai-tui" / "settings.toml"
    path.parent.mkdir(parents=True)
    return path


def test_without_a_file_there_are_defaults(file: Path) -> None:
    assert settings_file() == file
    assert load() == Settings() == Settings("dark", "grid", False, {})


def test_a_file_says_all(file: Path) -> None:
    file.write_text(WHOLE)
    assert load() == Settings("light", "wide", True, {"skip_batch": "B", "help": "?, f1"})


def test_another_file_can_be_named(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "other.toml"
    monkeypatch.setenv("MINIAI_TUI_CONFIG", str(other))
    with pytest.raises(UsageError, match=r"other\.toml .* does not exist"):
        load()
    other.write_text('theme = "contrast"')
    assert load().theme == "contrast"


def test_a_relative_config_home_counts_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MINIAI_TUI_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", "here")
    assert settings_file() == Path("~/.config/miniai-tui/settings.toml").expanduser()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('theme = "dork"', "theme = 'dork' is not known: choose dark, light or contrast"),
        ('layout = "x"', "choose grid, wide, tall or focus"),
        ("layout = 3", "layout = 3 is not known"),
        ('calm = "yes"', "calm = 'yes' is not known: choose true or false"),
        ("calm = 1", "choose true or false"),
        ('thme = "dark"', "'thme' is not known: choose theme, layout, calm, keys, bell, graphics or panes"),
        ("theme = ", "not readable as TOML"),
        ('panes = "loss"', "panes = 'loss': a list of different names out of loss, metrics, layers"),
        ('panes = ["loss", "los"]', "panes = [... 'los' ...] is not known: a list"),
        ('panes = ["log", "loss", "log"]', "panes = [... 'log' twice ...]: a list"),
        ("panes = [1, {}]", "panes = [... 1 ...] is not known"),
        ('keys = "b"', "keys is a table"),
        ("[keys]\nskip_batch = 3", "keys is a table"),
        ('[keys]\nskip_bach = "b"', "no key is called 'skip_bach' in [keys]: did you mean skip_batch?"),
        ('[keys]\nzzzzz = "b"', "choose "),
        ('[keys]\nskip_batch = "spce"', "'spce' in [keys] is no key"),
        ('[keys]\nskip_batch = ""', "lacks a key"),
        ('[keys]\nskip_batch = "b,"', "lacks a key"),
        ('[keys]\nskip_batch = "e"', "'e' in [keys] would be both"),
        ('[keys]\nskip_batch = "z"\nskip_epoch = "z"', "'z' in [keys] would be both skip_batch and skip_epoch"),
        ('[keys]\nskip_batch = "tab"', "would be both the screen itself and skip_batch"),
    ],
)
def test_what_is_wrong_is_one_line_with_the_file_s_name(file: Path, text: str, words: str) -> None:
    file.write_text(text)
    with pytest.raises(UsageError) as caught:
        load()
    message = str(caught.value)
    assert message.startswith(f"{file}: ")
    assert words in message
    assert "\n" not in message


def test_bytes_that_are_no_text_are_said(file: Path) -> None:
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not readable as TOML"):
        load()


def test_keys_may_change_places(file: Path) -> None:
    file.write_text('[keys]\nskip_batch = "e"\nskip_epoch = "b"')
    assert load().keys == {"skip_batch": "e", "skip_epoch": "b"}


def test_our_own_keys_are_keys_and_none_is_there_twice() -> None:
    own = [key for _, bindings in GROUPS for b in bindings for key in split_keys(b.key)]
    assert all(is_key(key) for key in own)
    assert len(own) == len(set(own))
    assert not set(own) & set(RESERVED)


@pytest.mark.parametrize("key", ["b", "B", "f5", "ctrl+b", "space", "?", "full_stop", "shift+left", "comma", "é"])
def test_what_a_key_is_called(key: str) -> None:
    assert all(is_key(one) for one in split_keys(key))


@pytest.mark.parametrize("key", ["bb", "ctrl+", "hold+b", "f99"])
def test_what_no_key_is_called(key: str) -> None:
    assert not is_key(key)


# -- what is remembered --------------------------------------------------------------------------------------------


def test_a_choice_is_remembered_and_the_file_left_alone(file: Path) -> None:
    file.write_text(WHOLE)
    Preferences.of_user({}).remember("theme", "contrast")
    Preferences.of_user({}).remember("layout", "tall")
    again = Preferences.of_user({}).settings
    assert (again.theme, again.layout, again.calm) == ("contrast", "tall", True)
    assert file.read_text() == WHOLE


def test_a_changed_file_counts_more_than_a_choice_from_before(file: Path) -> None:
    Preferences.of_user({}).remember("theme", "contrast")
    file.write_text('theme = "light"')
    assert Preferences.of_user({}).settings.theme == "light"


def test_what_is_typed_counts_most_and_is_not_remembered(file: Path) -> None:
    Preferences.of_user({}).remember("theme", "contrast")
    assert Preferences.of_user({"theme": "light", "calm": True}).settings == Settings("light", calm=True)
    assert Preferences.of_user({}).settings.theme == "contrast"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"theme": 3}', '{"theme": {"chosen": "x", "instead_of": "dark"}}',
                                  '{"calm": {"chosen": "x", "instead_of": "False"}}', '{"panes": ["loss"]}',
                                  '{"panes": {"chosen": "loss los", "instead_of": "%"}}'])  # fmt: skip
def test_a_torn_memory_is_none(file: Path, text: str) -> None:
    memory = memory_file()
    memory.parent.mkdir(parents=True)
    memory.write_text(text.replace("%", " ".join(PANES)))
    assert Preferences.of_user({}).settings == Settings()
    Preferences.of_user({}).remember("layout", "wide")
    assert Preferences.of_user({}).settings.layout == "wide"


def test_places_are_remembered(file: Path) -> None:
    order = (*PANES[4:], *PANES[:4])
    Preferences.of_user({}).remember("panes", " ".join(order))
    assert Preferences.of_user({}).settings.panes == order
    file.write_text('panes = ["log", "loss"]')
    assert Preferences.of_user({}).settings.panes == ("log", "loss")


def test_a_damaged_memory_is_told_and_what_was_not_chosen_is_not(file: Path) -> None:
    assert Preferences.of_user({}).trouble == ""
    memory_file().parent.mkdir(parents=True)
    memory_file().write_text("{")
    assert "remembered.json is damaged" in Preferences.of_user({}).trouble
    Preferences.of_user({}).remember("layout", "wide")
    assert Preferences.of_user({}).trouble == ""


def test_a_memory_that_cannot_be_written_is_no_trouble(file: Path, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where a folder should be")
    Preferences.of_user({}).remember("layout", "wide")
    assert Preferences.of_user({}).settings.layout == "grid"


def test_without_a_memory_nothing_is_written(tmp_path: Path) -> None:
    Preferences().remember("theme", THEMES[1])
    assert list(tmp_path.iterdir()) == []
    assert LAYOUTS[0] == Preferences().settings.layout
