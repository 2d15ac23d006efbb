"""The screens on hostile runs: what they draw holds nothing of what the runs would have the terminal do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.hostile import EVIL, hostile_run, pieces
from tests.terminal.place import Place
from tests.terminal.term import Term

KEYS = ["1", "f", "i", "g", "g", "g", "x", "f", "2", "f", "f", "3", "f", "f", "4", "f", "p", "p", "f", "5", "f", "f"]
KEYS += ["6", "f", "f", "7", "f", "f", "8", "f", "f", "a", "\x1b[27u", "?", "\x1b[27u", "0", "0", "t", "/"]


def press(term: Term, keys: list[str]) -> None:
    """Press keys one by one, and see what each has drawn."""
    for key in keys:
        term.send(key)
        term.pump(0.3)
        assert pieces(bytes(term.raw)) == [], key


@pytest.mark.parametrize("words", [["attach", "RUN"], ["attach", "RUN", "--speed", "1000"]])
def test_attach(place: Place, words: list[str]) -> None:
    place.runs.mkdir()
    run = hostile_run(place.runs)
    term = place.term(place.command(*[str(run.path) if word == "RUN" else word for word in words]))
    term.wait("fashionev")
    term.wait("failed")
    press(term, KEYS)
    press(term, ["e", "v", "\x1b[27u", "q"])
    assert term.exit() in (0, 1)
    assert term.sane
    assert pieces(bytes(term.raw)) == []
    assert "failed: x" in term.text


def test_compare(place: Place) -> None:
    place.runs.mkdir()
    runs = [hostile_run(place.runs, f"20260101-00000{n}", host=EVIL) for n in range(2)]
    term = place.term(place.command("compare", *[str(run.path) for run in runs]))
    term.wait("A .*il-mlp-ab00|ev")
    press(term, ["g", "g", "x", "d", "?", "\x1b[27u", "q"])
    assert term.exit() == 0
    assert pieces(bytes(term.raw)) == []


@pytest.mark.parametrize("width", [60, 200])
def test_runs_in_a_terminal(place: Place, width: int) -> None:
    place.runs.mkdir()
    hostile_run(place.runs)
    hostile_run(place.runs, "20260101-000001", host=EVIL).info_file.write_text(f'"{EVIL}')
    term = place.term(place.command("runs", "--run-dir", str(place.runs)), cols=width)
    assert term.exit() == 0
    assert "20260101" in term.text or "ab0" in term.text
    assert pieces(bytes(term.raw)) == []


def test_a_fit_into_a_folder_with_such_a_name(place: Place, data: Path) -> None:
    """Without a screen, from a folder whose name is hostile, and its last words."""
    folder = place.folder / EVIL.replace("\0", "")
    folder.mkdir()
    place.runs = folder / "runs"
    words = [word.replace(str(data), str(folder / "data")) for word in place.fit("--headless", epochs=1)]
    process = place.process([*words, "--run-dir", str(place.runs)], "", stdout=-1, stderr=-1)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1  # there are no data
    assert b"failed after 0 steps" in out
    assert b"error: " in err
    assert pieces(out + err) == []
