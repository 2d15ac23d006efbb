"""Pictures as sixels: where the terminal answers, and only there; where their cells are, and nowhere else."""

from __future__ import annotations

import signal
from typing import Any

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

from tests.terminal.place import Place
from tests.terminal.sixels import SixelTerm
from tests.tui.canvas import squares

Terms = list[SixelTerm]
pytestmark = pytest.mark.usefixtures("forked")


def started(place: Place, terms: Terms, *options: str, epochs: int = 100, **more: Any) -> SixelTerm:
    env = more.pop("env", {})
    poison = more.pop("poison", "slow:0.02")
    term = SixelTerm(place.fit(*options, epochs=epochs), place.folder, place.env(poison, **env), **more)
    terms.append(term)
    return term


def previews(place: Place) -> list[NDArray[np.uint8]]:
    """The pictures of all preview files that are still there."""
    files = sorted((place.run / "preview").glob("*.safetensors"))
    return [pixels for file in files for pixels in load_file(file)["pixels"]]


def seen(term: SixelTerm, place: Place, side: int) -> int:
    """How many pictures of the preview are on the screen, of so many pixels a side; there is nothing else."""
    assert not term.canvas.wrong
    return len(squares(term.canvas, previews(place), side)) if term.canvas.drawn else 0


def wait_for(term: SixelTerm, place: Place, side: int = 120, n: int = 6) -> None:
    """Until so many are there, and nothing else: what was drawn before may be in its old place for a moment."""

    def clean() -> bool:
        try:
            return seen(term, place, side) >= n
        except AssertionError:
            return False

    term.until(clean, f"{n} of the very pictures of the preview, {side} pixels a side, and nothing else")
    assert not term.canvas.wrong


def paused(term: SixelTerm, place: Place, side: int = 120) -> None:
    term.wait("● training")
    term.send(" ")
    term.wait("‖ paused")
    wait_for(term, place, side)


def test_pictures_stand_where_the_pane_is(place: Place, terms: Terms) -> None:
    term = started(place, terms)
    paused(term, place)
    many, sent = seen(term, place, 120), len(term.canvas.sixels)

    term.send("y")  # another pane draws: nothing of the pictures is sent again
    term.wait("log y")
    assert len(term.canvas.sixels) == sent
    assert seen(term, place, 120) == many

    term.send("?")
    term.wait("All keys|all keys|Keys|keys")
    term.until(lambda: not term.canvas.drawn, "no pictures under the popup")
    term.send("\x1b[27u")
    wait_for(term, place, n=many)

    sent = len(term.canvas.sixels)
    term.send("\x0c")
    term.until(lambda: len(term.canvas.sixels) > sent, "all of them sent again")
    wait_for(term, place, n=many)
    term.send("4n")
    term.until(lambda: "2/" in term.text, "the next page")
    wait_for(term, place, n=1)
    term.send("2f")
    term.until(lambda: not term.canvas.drawn, "another pane over all")

    term.stop_and_quit()
    assert not term.canvas.drawn
    assert not term.canvas.wrong


def test_another_size_of_window_and_of_cells(place: Place, terms: Terms) -> None:
    term = started(place, terms)
    paused(term, place)
    asked = term.asked
    term.resize(60, 200)
    term.until(lambda: term.asked > asked, "the question for the size of a cell")
    term.until(lambda: term.canvas.drawn and max(h for h, _ in term.canvas.sixels) > 120, "larger ones")
    wait_for(term, place, max(h for h, _ in term.canvas.sixels))
    term.resize(8, 30)
    term.until(lambda: not term.canvas.drawn, "a screen that is too small")
    term.resize(40, 120)
    wait_for(term, place)
    for cell, side in (((34, 16), 192), ((17, 8), 96)):  # cells of 6 x 34 and 12 x 16 pixels a picture
        term.zoom(cell)
        wait_for(term, place, side)
    assert not term.canvas.wrong


def test_the_system_may_know_the_size_of_a_cell(place: Place, terms: Terms) -> None:
    term = started(place, terms, cell=(0, 0), answers="")
    term.wait("● training")
    term.until(lambda: "▀" in term.text, "half blocks")
    term.window((20, 10))
    term.send("\x1b[?62;4c")
    paused(term, place)
    term.window((17, 8))
    term.canvas.zoom((17, 8))
    wait_for(term, place, 96)


@pytest.mark.parametrize(
    ("options", "more"),
    [
        ([], {"cell": (0, 0)}),
        ([], {"answers": "\x1bP>|tmux 3.5a\x1b\\\x1b[?62;4c"}),
        (["--graphics", "sixel"], {"env": {"TMUX": "/tmp/x,1,0"}}),
    ],
)
def test_without_a_clear_answer_there_is_nothing_but_half_blocks(
    place: Place, terms: Terms, options: list[str], more: dict[str, Any]
) -> None:
    term = started(place, terms, *options, **more)
    term.wait("● training")
    term.until(lambda: "▀" in term.text, "half blocks")
    term.send(" ")
    term.wait("‖ paused")
    assert b"\x1bP" not in term.raw
    assert len(place.facts("Paused")) == 1
    assert not place.facts("Refused", "BatchSkipped", "EpochSkipped", "Stepped")  # no answer came in as a key


def test_who_knows_better_may_say_so(place: Place, terms: Terms) -> None:
    paused(started(place, terms, "--graphics", "sixel", answers="\x1b[?62;22c"), place)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGTSTP])
def test_the_terminal_is_given_back_without_pictures(place: Place, terms: Terms, number: int) -> None:
    term = started(place, terms)
    term.until(lambda: term.canvas.drawn, "pictures")
    term.signal(number)
    if number == signal.SIGTERM:
        assert term.exit() == 128 + number
        assert not term.canvas.drawn
        assert term.sane
        return
    term.until(lambda: psutil.Process(term.pid).status() == psutil.STATUS_STOPPED, "a stopped screen")
    term.pump()
    assert not term.canvas.drawn
    assert term.sane
    term.signal(signal.SIGCONT)
    term.until(lambda: term.canvas.drawn, "pictures again")
    paused(term, place)


def test_a_stalled_terminal_is_given_back_by_hand_without_pictures(place: Place, terms: Terms) -> None:
    """In the middle of a sixel, perhaps."""
    term = started(place, terms)
    term.until(lambda: term.canvas.drawn, "pictures")
    steps = place.step
    term.until(lambda: place.step > steps + 20, "a screen that cannot be written", read=False)
    term.signal(signal.SIGTERM)
    assert term.exit(40, read=False) == 128 + signal.SIGTERM
    term.pump(0.5)
    assert not term.canvas.drawn
    assert term.sane


def test_samples_of_a_dataset(place: Place, terms: Terms) -> None:
    """A page of another screen; and how many bytes it takes."""
    argv = [*place.fit()[:3], "data", "fashion", "--data-dir", str(place.data)]
    term = SixelTerm(argv, place.folder, place.env(""))
    terms.append(term)
    term.wait("images ─ train")
    term.until(lambda: term.canvas.drawn and len(term.canvas.sixels) >= 3, "pictures")
    assert len(term.canvas.sixels) <= 8
    assert len(term.raw) < 200_000
    term.send("q")
    assert term.exit() == 0
    assert not term.canvas.drawn
    assert not term.canvas.wrong
