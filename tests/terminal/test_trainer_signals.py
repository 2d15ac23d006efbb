"""Signals to the trainer process itself, while a screen looks on: it stops at the batch edge, which the screen says."""

from __future__ import annotations

import os
import signal

import pytest

from tests.terminal.place import Place

pytestmark = pytest.mark.usefixtures("forked")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_at_the_batch_edge(place: Place, number: signal.Signals) -> None:
    term = place.term(place.fit())
    term.until(lambda: place.step > 5, "some batches")
    term.wait("● training")
    os.kill(place.trainer().pid, number)
    term.wait("■ stopped")
    term.wait(f"! {number.name} asked the trainer to stop")
    term.until(place.trainer_is_gone, "the trainer's end")
    last = place.facts("EpochEnded")[-1]
    assert (last["ended"], last["step"]) == ("stopped", place.step)
    assert place.ended == place.info()["ended"] == "stopped"
    assert 1049 in term.modes  # the screen stays
    term.send("q")
    assert term.exit() == 0
    assert term.sane
    assert "fashion, mlp: stopped" in term.text


def test_a_second_interrupt_ends_it_now(place: Place) -> None:
    term = place.term(place.fit(), "slow:0.005,stick:30")
    term.wait("● training")
    term.until(lambda: "stuck" in place.log, "the batch without an end")
    trainer = place.trainer()
    os.kill(trainer.pid, signal.SIGINT)
    term.until(lambda: caught(trainer.pid, signal.SIGINT), "the first one taken")
    term.send("m")  # an answer of the screen: so much time has passed
    term.wait("3 layers ─+ standard deviation")
    assert not place.facts("FitEnded")
    os.kill(trainer.pid, signal.SIGINT)
    term.wait("■ stopped")
    term.wait("^ interrupted")
    assert place.ended == "stopped"
    assert place.facts("FitEnded")[0]["step"] == 29
    term.send("q")
    assert term.exit() == 0
    assert term.sane
    assert "fashion, mlp: stopped: interrupted" in term.text


def caught(pid: int, number: int) -> bool:
    """Whether the system has nothing more of this signal to deliver."""
    with open(f"/proc/{pid}/status") as status:
        waiting = [int(line.split()[1], 16) for line in status if line.startswith(("SigPnd", "ShdPnd"))]
    return not any(mask >> (number - 1) & 1 for mask in waiting)


def test_a_hang_up_means_nothing_to_it(place: Place) -> None:
    term = place.term(place.fit(epochs=1), "slow:0.01")
    term.until(lambda: place.step > 5, "some batches")
    os.kill(place.trainer().pid, signal.SIGHUP)
    term.wait("✓ done")
    assert [fact["ended"] for fact in place.facts("EpochEnded")] == ["complete"] * 2
    assert [fact for fact in place.facts("Alerted") if fact["topic"] == "signal"] == []
    term.send("q")
    assert term.exit() == 0
