"""INT and TERM to the screen ask the trainer to stop, and leave the terminal as it was found."""

from __future__ import annotations

import signal

import pytest
from place import Place

WORKERS = ["process", "thread"]


@pytest.mark.parametrize("worker", WORKERS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_training_and_restores_the_terminal(place: Place, worker: str, number: int) -> None:
    term = place.term(place.fit("--worker", worker))
    term.until(lambda: place.step > 20, "some batches")
    term.wait("● training")
    assert {1000, 1003, 1006, 1049, 2004, 25} <= term.modes
    assert not term.sane
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
