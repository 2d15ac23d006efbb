"""A trainer that does not stop when the screen was asked to leave: it gets its time, then the screen leaves."""

from __future__ import annotations

import os
import signal

import pytest

from tests.terminal.place import Place
from tests.terminal.term import Term

pytestmark = pytest.mark.usefixtures("forked")

NUMBERS = [signal.SIGINT, signal.SIGTERM]


def stuck(place: Place, *options: str) -> Term:
    """A screen that waits one second instead of ten, on a trainer that never comes back from batch 30."""
    term = place.term(place.fit(*options), "slow:0.005,stick:30,patience:1")
    term.wait("● training")
    term.until(lambda: "stuck" in place.log, "the batch without an end")
    return term


@pytest.mark.parametrize("number", NUMBERS)
def test_process_worker(place: Place, number: int) -> None:
    """The trainer is left alone: it stops when it can."""
    term = stuck(place)
    term.signal(number)
    assert term.exit() == 128 + number
    assert term.sane
    assert "fashion, mlp: left running; it was asked to stop and has not yet" in term.text
    assert f"attach runs/{place.run.name}" in term.text
    assert place.trainer().is_running()
    assert not place.ended


@pytest.mark.parametrize("number", NUMBERS)
def test_thread_worker(place: Place, number: int) -> None:
    """Training ends with the screen's process; what it had said can be read."""
    term = stuck(place, "--worker", "thread")
    term.signal(number)
    assert term.exit() == 128 + number
    assert term.sane
    assert "fashion, mlp: ended with the screen; it was asked to stop and has not yet" in term.text
    assert f"attach runs/{place.run.name}" in term.text
    assert place.step > 0
    assert not place.ended
    again = place.term(place.command("attach", "last"))
    again.wait("the trainer does not answer")
    again.send("q")
    assert again.exit() == 1


def test_the_request_is_obeyed_after_the_screen_has_left(place: Place) -> None:
    """A trainer that was held up (here: stopped by the system) reads it when it goes on."""
    term = place.term(place.fit(), "slow:0.02,patience:1")
    term.wait("● training")
    trainer = place.trainer()
    os.kill(trainer.pid, signal.SIGSTOP)
    term.signal(signal.SIGTERM)
    assert term.exit() == 128 + signal.SIGTERM
    assert "left running" in term.text
    assert not place.ended
    os.kill(trainer.pid, signal.SIGCONT)
    term.until(lambda: place.ended == "stopped", "the stop that was asked for")
    term.until(place.trainer_is_gone, "the trainer's end")
