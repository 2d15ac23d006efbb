"""INT and TERM to the screen ask the trainer to stop, and leave the terminal as it was found."""

from __future__ import annotations

import signal

import pytest

from tests.terminal.place import Place

WORKERS = ["process", "thread"]


@pytest.mark.parametrize("worker", WORKERS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_training_and_restores_the_terminal(place: Place, worker: str, number: int) -> None:
    term = place.term(place.fit("--worker", worker))
    term.until(lambda: place.step > 20, "some batches")
    term.wait("● training")
    assert {1000, 1003, 1006, 1049, 2004, 25} <= term.modes
    term.signal(signal.SIGUSR1)  # means nothing yet, and must not end anything
    term.signal(number)
    assert term.exit() == 128 + number
    assert term.sane
    assert "fashion, mlp: stopped" in term.text
    assert str(place.run.name) in term.text
    assert place.ended == "stopped"
    term.until(lambda: place.info()["ended"] == "stopped", "run.json says so too")
    term.until(place.trainer_is_gone, "the trainer's end")
    assert place.facts("EpochEnded")[-1]["ended"] == "stopped"


@pytest.mark.parametrize("worker", WORKERS)
def test_a_signal_before_the_trainer_listens(place: Place, worker: str) -> None:
    """Asked to stop while torch is loaded, or earlier: no training begins, and none goes on behind our back."""
    term = place.term(place.fit("--worker", worker))
    term.until(lambda: 1049 in term.modes, "the screen")
    term.signal(signal.SIGTERM)
    assert term.exit() == 128 + signal.SIGTERM
    assert term.sane
    if place.facts():
        term.until(place.trainer_is_gone, "the trainer's end")
        assert place.ended == "stopped"
    assert place.facts("EpochStarted") == []


def test_ctrl_c_asks_what_to_do(place: Place) -> None:
    term = place.term(place.fit(), rows=24, cols=80, modern=True)
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
