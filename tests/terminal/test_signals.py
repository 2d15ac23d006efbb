"""INT, TERM and QUIT to the screen ask the trainer to stop, and leave the terminal as it was found."""

from __future__ import annotations

import base64
import re
import signal

import pytest

from tests.terminal.place import Place
from tests.terminal.term import Term

WORKERS = ["process", "thread"]


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("worker", WORKERS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT])
def test_a_signal_stops_training_and_restores_the_terminal(place: Place, worker: str, number: int) -> None:
    term = place.term(place.fit("--worker", worker))
    term.until(lambda: place.step > 20, "some batches")
    term.wait("● training")
    assert {1000, 1003, 1006, 1049, 2004, 25} <= term.modes
    term.signal(signal.SIGUSR2)  # means nothing, and must not end anything
    term.signal(number)
    assert term.exit() == 128 + number
    assert term.sane
    assert "fashion, mlp: stopped" in term.text
    assert str(place.run.name) in term.text
    assert place.ended == "stopped"
    term.until(lambda: place.info()["ended"] == "stopped", "run.json says so too")
    term.until(place.trainer_is_gone, "the trainer's end")
    assert place.facts("EpochEnded")[-1]["ended"] == "stopped"


def test_a_signal_before_the_trainer_says_a_word(place: Place) -> None:
    """It runs already and does not listen yet: it is asked as soon as it does."""
    term = place.term(place.fit(), "late:1")
    term.until(place.trainers, "a trainer process")
    term.wait("○ starting")
    assert place.facts() == []
    term.signal(signal.SIGTERM)
    assert term.exit() == 128 + signal.SIGTERM
    assert term.sane
    assert "fashion, mlp: stopped" in term.text
    term.until(lambda: not place.trainers(), "the trainer's end")
    assert place.facts("EpochStarted") == []
    assert place.ended == place.info()["ended"] == "stopped"


@pytest.mark.parametrize("worker", WORKERS)
def test_a_signal_while_torch_is_loaded(place: Place, worker: str) -> None:
    term = place.term(place.fit("--worker", worker))
    term.until(lambda: place.facts("StageReached"), "the first stage")
    term.signal(signal.SIGTERM)
    assert term.exit() == 128 + signal.SIGTERM
    assert term.sane
    term.until(place.trainer_is_gone, "the trainer's end")
    assert place.facts("EpochStarted") == []
    assert place.ended == place.info()["ended"] == "stopped"


@pytest.mark.parametrize("worker", WORKERS)
def test_a_signal_as_soon_as_there_is_a_screen(place: Place, worker: str) -> None:
    """Whatever was begun by then: no training begins, and none goes on behind our back."""
    term = place.term(place.fit("--worker", worker))
    term.until(lambda: 1049 in term.modes, "the screen")
    term.signal(signal.SIGTERM)
    assert term.exit() == 128 + signal.SIGTERM
    assert term.sane
    term.until(lambda: not place.trainers(), "the trainer's end")
    assert place.facts("EpochStarted") == []
    assert place.ended == ("stopped" if place.facts("RunStarted") else "")


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("worker", WORKERS)
def test_ctrl_c_asks_what_to_do(place: Place, worker: str) -> None:
    term = place.term(place.fit("--worker", worker), rows=24, cols=80, modern=True)
    term.wait("● training")
    assert {2048, 1016} <= term.modes
    term.send("\x03")
    term.wait("stop the run.*")
    term.send("\x03")  # a second one does not mean yes
    term.until(lambda: "stop the run" not in term.text, "the closed question")
    term.resize(40, 120)
    term.send("\x1b[48;40;120;800;1200t")
    term.wait("4 images")
    term.send("\x03")
    term.wait("after this batch")
    term.send("s")
    term.wait("■ stopped")
    term.send("\x03")
    assert term.exit() == 0
    assert term.sane


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("worker", WORKERS)
def test_ctrl_c_copies_what_is_selected(place: Place, worker: str) -> None:
    term = place.term(place.fit("--worker", worker))
    term.wait("│ +1 +train")
    row, line = next((n, x) for n, x in enumerate(term.text.split("\n"), 1) if re.search("│ +1 +train", x))
    left = line.rindex("train") + 1
    term.send(f"\x1b[<0;{left};{row}M\x1b[<32;{left + 3};{row}M\x1b[<32;{left + 5};{row}M\x1b[<0;{left + 5};{row}m")
    term.send("\x03")
    term.until(lambda: copied(term), "a word to the clipboard")
    assert copied(term)[0].startswith("train")
    assert "stop the run" not in term.text
    term.send("\x03")  # nothing is selected any more
    term.wait("stop the run.*")
    term.send("s")
    term.wait("■ stopped")
    assert len(copied(term)) == 1


def copied(term: Term) -> list[str]:
    """What the program has asked the terminal to copy (OSC 52)."""
    return [base64.b64decode(data).decode() for data in re.findall(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)", bytes(term.raw))]
