"""A trainer that fails, dies or never starts is said on the screen at once, with the end of its log."""

from __future__ import annotations

import os
import signal

import pytest

from tests.terminal.place import Place


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("worker", ["process", "thread"])
def test_an_exception_in_training(place: Place, worker: str) -> None:
    term = place.term(place.fit("--worker", worker), "slow:0.005,raise:30")
    term.wait("ValueError: poisoned in batch 30")
    term.wait("the end of its log")
    term.wait("in misbehave")  # the traceback's last lines
    term.wait("✗ failed", 1)
    term.send("\x1b")
    term.wait("╭─ 1 loss")
    term.send("q")
    assert term.exit() == 1
    assert term.sane
    assert "fashion, mlp: failed: ValueError: poisoned in batch 30" in term.text
    (ended,) = place.facts("FitEnded")
    assert (ended["reason"], ended["step"]) == ("failed", 29)
    assert place.facts("EpochEnded")[-1]["ended"] == "failed"
    assert place.info()["ended"] == "failed"
    assert place.log.count("Traceback") == 1


@pytest.mark.usefixtures("forked")
def test_data_that_is_not_there(place: Place) -> None:
    argv = [word if word != str(place.data) else "/nowhere" for word in place.fit()]
    term = place.term(argv)
    term.wait("✗ failed")
    term.wait("error: .*/nowhere")  # from the log
    term.send("q")
    assert term.exit() == 1
    assert term.sane
    assert "Traceback" not in place.log


def test_killed_trainer(place: Place) -> None:
    term = place.term(place.fit())
    term.wait("● training")
    os.kill(place.trainer().pid, signal.SIGKILL)
    term.wait(r"the trainer was ended by signal 9 \(SIGKILL\)", 5)
    term.wait("✗ failed", 1)
    term.send("q")
    assert term.exit() == 1
    assert term.sane
    assert not place.ended


def test_a_trainer_that_ends_before_its_first_word(place: Place) -> None:
    term = place.term(place.fit(), "mute")
    term.wait("ended with exit code 3 before it could say why")
    term.wait("poisoned: this trainer says nothing to anybody")
    term.signal(signal.SIGTERM)  # nothing to stop and nothing to wait for
    assert term.exit(3) == 128 + signal.SIGTERM
    assert term.sane


def test_a_trainer_that_cannot_be_started(place: Place) -> None:
    term = place.term(place.fit(), "lost")
    term.wait("the trainer could not be started: No such file or directory")
    term.send("\x03")
    assert term.exit() == 1
    assert term.sane
    assert "could not be started" in term.text


@pytest.mark.usefixtures("forked")
def test_a_screen_that_fails_leaves_the_run_alone(place: Place) -> None:
    term = place.term(place.fit(epochs=2), "slow:0.02,crash")
    term.wait("● training")
    term.send("\x0c")
    assert term.exit() == 1
    assert term.sane
    assert "the screen failed" in term.text
    assert "left running" in term.text
    assert "poisoned screen" in place.log
    term.until(lambda: place.ended == "done", "the run's own end")
