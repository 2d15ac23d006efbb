"""How the screen looks, from the command line: wrong values end in one line before anything is started."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui import cli, launch, terminal
from tui.remembered import Preferences


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Preferences of the screens that were started."""
    import tui.screen

    seen: list[object] = []

    def start(run: object, worker: str, preferences: object, launch: object) -> int:
        seen.append(preferences)
        return 0

    monkeypatch.setattr(launch, "_one_is_idle", bool)  # no trainer ahead of a screen that is none
    monkeypatch.setattr(terminal, "why_not", str)
    monkeypatch.setattr(tui.screen, "fit_on_screen", start)
    monkeypatch.setenv("MINIAI_TUI_CONFIG", str(tmp_path / "settings.toml"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return seen


def test_what_is_typed_reaches_the_screen(started: list[object], tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('layout = "wide"')
    assert cli.main(["fit", "fashion", "--theme", "light", "--calm"]) == 0
    (look,) = started
    assert isinstance(look, Preferences)
    assert (look.settings.theme, look.settings.layout, look.settings.calm) == ("light", "wide", True)


def test_a_wrong_settings_file_starts_nothing(
    started: list[object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "settings.toml").write_text('theme = "drk"')
    assert cli.main(["fit", "fashion"]) == 2
    assert "theme = 'drk' is not known: choose dark, light or contrast" in capsys.readouterr().err
    assert not started
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("command", ["fit fashion", "attach last", "lr-find fashion", "data fashion"])
def test_a_wrong_name_is_answered_with_all(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main([*command.split(), "--layout", "round"])
    assert caught.value.code == 2
    assert "choose grid, wide, tall or focus" in capsys.readouterr().err
