"""Pictures in full detail: where the terminal answers, and only there; gone whenever it is given back."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

from tests.terminal.kitty import DA1, KITTY, WEZTERM, YES, KittyTerm
from tests.terminal.place import Place

Terms = list[KittyTerm]
pytestmark = pytest.mark.usefixtures("forked")


def started(
    place: Place, terms: Terms, answers: str, *options: str, epochs: int = 100, poison: str = "slow:0.02", **env: Any
) -> KittyTerm:
    argv = place.fit(*options, epochs=epochs)
    term = KittyTerm(argv, place.folder, place.env(poison, **env), answers)
    terms.append(term)
    return term


def sent(place: Place) -> list[NDArray[np.uint8]]:
    """The pictures of all preview files that are still there, as the terminal should have them."""
    images = []
    for file in sorted((place.run / "preview").glob("*.safetensors")):
        for pixels in load_file(file)["pixels"]:
            grey = np.moveaxis(pixels, 0, -1).repeat(3 // pixels.shape[0], axis=2)
            images.append(grey)
    return images


def matches(term: KittyTerm, place: Place) -> int:
    """How many of the pictures on the screen are, pixel by pixel, some of the preview's."""
    known = {image.tobytes() for image in sent(place)}
    found = 0
    for number in term.pictures():
        pixels = term.images[number].pixels
        times = pixels.shape[0] // 28
        assert pixels.shape == (28 * times, 28 * times, 3)
        small = pixels[::times, ::times]
        assert (small.repeat(times, 0).repeat(times, 1) == pixels).all()
        found += small.tobytes() in known
    return found


def test_pictures_are_sent_and_stand_where_the_pane_is(place: Place, terms: Terms) -> None:
    term = started(place, terms, YES + KITTY + "\x1b[6;20;10t" + "\x1b[?62;4c")  # rather than sixels
    term.wait("● training")
    term.send(" ")
    term.wait("‖ paused")
    term.until(lambda: len(term.pictures()) >= 6, "pictures")
    term.until(lambda: matches(term, place) == len(term.pictures()), "the very pictures of the preview")
    assert not term.wrong
    assert term.asked == 1

    term.send("?")  # dimmed: no number of a picture may be changed, so there are none
    term.wait("All keys|all keys|Keys|keys")
    term.until(lambda: not term.placeholders, "no pictures under the popup")
    term.send("\x1b[27u")
    term.until(lambda: len(term.pictures()) >= 6, "pictures again")

    before = set(term.images)
    term.send("\x0c")
    term.until(lambda: term.images and not before & set(term.images) and term.pictures(), "all of them sent again")
    term.resize(60, 200)
    term.until(lambda: any(image.rows > 6 for image in term.images.values()), "larger ones")
    term.until(lambda: len(term.pictures()) >= 6 and not term.wrong, "in place")

    term.stop_and_quit()
    assert not term.images
    assert not term.wrong
    assert not term.placeholders
    assert b"\x1bP" not in term.raw


@pytest.mark.parametrize(
    "answers",
    [
        "",  # silence
        DA1,  # no graphics
        YES + DA1,  # graphics by nobody we know
        YES + WEZTERM + DA1,  # graphics without placeholders
        "\x1b_Gi=31;ENOTSUP:sesbs\x1b\\" + KITTY + DA1,
        "\x1b_Gi=31;sesbs" + KITTY,  # torn, and no end
        "\x1b_G;;;=\xff\x00\x1b[?;;;q\x1bP>|" + "y" * 5000,
    ],
)  # fmt: skip
def test_without_a_clear_answer_there_is_nothing_but_half_blocks(place: Place, terms: Terms, answers: str) -> None:
    term = started(place, terms, answers, epochs=1)
    term.until(lambda: "▀" in term.text, "half blocks")
    term.wait("■ done|✓ done|done")
    assert not term.seen
    assert not term.placeholders
    assert not place.facts("Paused", "Refused", "BatchSkipped", "EpochSkipped")  # no answer came in as a key
    assert place.ended == "done"
    assert term.asked == 1

    def left() -> bool:
        """What is typed in the seconds in which the end of a torn answer may still come is lost with it."""
        term.send("q")
        return term.process.poll() is not None

    term.until(left, "the end")
    assert term.exit() == 0
    assert term.sane


@pytest.mark.parametrize(
    ("options", "env"),
    [
        (["--graphics", "off"], {}),
        ([], {"COLORTERM": ""}),
        ([], {"NO_COLOR": "1"}),
        (["--graphics", "kitty"], {"TMUX": "/tmp/x,1,0"}),
    ],
)
def test_where_pictures_cannot_be_nobody_is_asked(
    place: Place, terms: Terms, options: list[str], env: dict[str, Any]
) -> None:
    term = started(place, terms, YES + KITTY + DA1, *options, **env)
    term.wait("● training")
    term.until(lambda: "▀" in term.text, "half blocks")
    assert term.asked == 0
    assert b"\x1b_G" not in term.raw
    assert not term.placeholders


def test_who_knows_better_may_say_so(place: Place, terms: Terms) -> None:
    term = started(place, terms, YES + WEZTERM + DA1, "--graphics", "kitty")
    term.until(lambda: len(term.pictures()) >= 6, "pictures")
    term = started(place, terms, WEZTERM + DA1, "--graphics", "kitty", epochs=1)
    term.until(lambda: "▀" in term.text, "half blocks all the same")
    assert not term.seen


def test_late_answers_in_pieces_between_keys(place: Place, terms: Terms) -> None:
    """What is typed meanwhile arrives, what is answered does not arrive as keys."""
    term = started(place, terms, "")
    term.wait("● training")
    term.wait("1 loss ─")
    for piece in ("y\x1b_G", "i=3", "1;OK\x1b", "\\", "\x1bP>|kit", "ty(0.40.1)\x1b\\", "\x1b[?6", "2;4c "):
        os.write(term.master, piece.encode())
        assert not term.seen
        term.pump(0.005)
    term.wait("‖ paused")
    assert "log y" in term.text
    term.until(lambda: len(term.pictures()) >= 6, "pictures")
    assert len(place.facts("Paused")) == 1
    assert not place.facts("Refused", "BatchSkipped", "EpochSkipped", "Stepped")
    assert not term.wrong


def test_the_first_frame_waits_for_no_answer(place: Place, terms: Terms) -> None:
    began = time.monotonic()
    term = started(place, terms, "")
    term.wait("miniai-tui")
    silent = time.monotonic() - began
    assert silent < 5  # on any machine; it is about 0.4 s on an idle one, with and without the question


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGTSTP])
def test_the_terminal_is_given_back_without_pictures(place: Place, terms: Terms, number: int) -> None:
    term = started(place, terms, YES + KITTY + DA1)
    term.until(lambda: len(term.pictures()) >= 6, "pictures")
    term.signal(number)
    if number == signal.SIGTERM:
        assert term.exit() == 128 + number
        assert not term.images
        assert term.sane
        return
    term.until(lambda: psutil.Process(term.pid).status() == psutil.STATUS_STOPPED, "a stopped screen")
    term.pump()
    assert not term.images
    assert term.sane
    term.signal(signal.SIGCONT)
    term.until(lambda: len(term.pictures()) >= 6, "pictures again")
    assert term.asked == 1
    assert not term.wrong


def test_a_screen_that_fails_leaves_no_pictures(place: Place, terms: Terms) -> None:
    term = started(place, terms, YES + KITTY + DA1, poison="slow:0.02,crash", epochs=1)
    term.until(lambda: len(term.pictures()) >= 6, "pictures")
    term.send("\x0c")
    assert term.exit() == 1
    assert not term.images
    assert term.sane


def test_a_stalled_terminal_is_given_back_by_hand_without_pictures(place: Place, terms: Terms) -> None:
    term = started(place, terms, YES + KITTY + DA1)
    term.until(lambda: len(term.pictures()) >= 6, "pictures")
    steps = place.step
    term.until(lambda: place.step > steps + 20, "a screen that cannot be written", read=False)
    term.signal(signal.SIGTERM)
    assert term.exit(40, read=False) == 128 + signal.SIGTERM
    term.pump(0.5)
    assert not term.images
    assert term.sane
