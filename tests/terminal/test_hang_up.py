"""A terminal that is closed, or a screen that is killed, never ends the run."""

from __future__ import annotations

import re
import signal
import time
from typing import Any

import psutil
import pytest

from tests.terminal.place import Place, eventually
from tests.terminal.term import Term

IGNORED = [pytest.param((), id="hup"), pytest.param(("SIGHUP",), id="hup-ignored")]


def training(place: Place, *options: str, epochs: int = 2, **more: Any) -> Term:
    """A screen on a run that trains."""
    term = place.term(place.fit(*options, epochs=epochs), **more)
    term.until(lambda: place.step > 10, "some batches")
    term.wait("● training")
    return term


@pytest.mark.parametrize("ignore", IGNORED)
def test_closed_terminal_process_worker(place: Place, ignore: tuple[str, ...]) -> None:
    term = training(place, ignore=ignore)
    trainer = place.trainer()
    term.hang_up()
    assert term.exit() == (0 if ignore else 128 + signal.SIGHUP)
    assert trainer.is_running()
    assert not place.ended
    eventually(lambda: place.ended == "done", "the run's own end")
    assert [fact["ended"] for fact in place.facts("EpochEnded")] == ["complete"] * 4
    eventually(place.trainer_is_gone, "the trainer's end")


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("ignore", IGNORED)
def test_closed_terminal_thread_worker(place: Place, ignore: tuple[str, ...]) -> None:
    term = training(place, "--worker", "thread", ignore=ignore)
    process = psutil.Process(term.pid)
    term.hang_up()
    begun, used, step = time.monotonic(), cpu(process), place.step
    eventually(lambda: place.step > step + 50, "training without a screen")
    share = (cpu(process) - used) / (time.monotonic() - begun)
    assert share < 0.7, f"{share:.0%} of a core: something spins"
    assert term.exit() == 0
    assert place.ended == "done"
    assert [fact["ended"] for fact in place.facts("EpochEnded")] == ["complete"] * 4
    assert place.info()["ended"] == "done"


def cpu(process: psutil.Process) -> float:
    """Seconds of processor time that a process has used."""
    times = process.cpu_times()
    return float(times.user + times.system)


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("worker", ["process", "thread"])
def test_closed_terminal_over_a_paused_run(place: Place, worker: str) -> None:
    """Nobody is left who could let it go on: it does so by itself, and says so."""
    term = training(place, "--worker", worker, epochs=1)
    term.send(" ")
    term.wait("‖ paused")
    term.hang_up()
    assert term.exit() == (0 if worker == "thread" else 128 + signal.SIGHUP)
    eventually(lambda: place.ended == "done", "the run's own end")
    assert len(place.facts("Paused")) == len(place.facts("Continued")) == 1
    assert [fact["ended"] for fact in place.facts("EpochEnded")] == ["complete"] * 2


def test_hang_up_before_the_trainer_speaks(place: Place) -> None:
    term = place.term(place.fit(epochs=1), "slow:0.001,late:2")
    term.until(place.trainers, "a trainer process")
    term.wait("○ starting")
    assert place.facts() == []
    term.hang_up()
    assert term.exit() == 128 + signal.SIGHUP
    assert place.facts() == []
    eventually(lambda: place.ended == "done", "the run's own end", 40)
    assert [fact["ended"] for fact in place.facts("EpochEnded")] == ["complete"] * 2


def test_killed_screen_and_attach(place: Place) -> None:
    """kill -9 of the screen: the run goes on. Another screen controls it and is ended by TERM: it still goes on."""
    term = training(place, epochs=4)
    term.signal(signal.SIGKILL)
    assert term.exit() == -signal.SIGKILL
    step = place.step
    again = place.term(place.command("attach", "last"))
    again.wait("● (training|validating)")
    again.until(lambda: place.step > step, "more batches")
    again.send(" ")
    again.wait("‖ paused at step [0-9]+")
    again.send(" ")
    again.until(lambda: place.facts("Continued"), "the run going on")
    again.signal(signal.SIGTERM)
    assert again.exit() == 128 + signal.SIGTERM
    assert again.sane
    assert not place.ended
    eventually(lambda: place.ended == "done", "the run's own end")
    last = place.term(place.command("attach", "last"))
    last.wait("✓ done")
    last.wait("4/4 epochs")
    last.send("q")
    assert last.exit() == 0
    assert last.sane
    assert "fashion, mlp: done" in last.text


@pytest.mark.usefixtures("forked")
def test_killed_thread_worker_leaves_a_readable_journal(place: Place) -> None:
    term = training(place, "--worker", "thread")
    term.signal(signal.SIGKILL)
    assert term.exit() == -signal.SIGKILL
    assert place.step > 10
    assert not place.ended
    again = place.term(place.command("attach", "last"))
    again.wait("the trainer does not answer")
    again.send("q")
    assert again.exit() == 1
    assert again.sane


@pytest.mark.usefixtures("forked")
def test_quit_and_leave_it_running(place: Place) -> None:
    term = training(place)
    term.send("q")
    term.wait("leave it running")
    term.send("l")
    assert term.exit() == 0
    assert term.sane
    assert re.search("fashion, mlp: left running", term.text)
    assert f"it goes on; stop it: miniai-tui ctl runs/{place.run.name} stop" in term.text
    assert f"open it again: miniai-tui attach runs/{place.run.name}" in term.text
    eventually(lambda: place.ended == "done", "the run's own end")


@pytest.mark.usefixtures("forked")
def test_quit_and_leave_it_paused(place: Place) -> None:
    """It stands still for as long as nobody lets it go on, which the last words say."""
    term = training(place, epochs=1)
    term.send(" ")
    term.wait("‖ paused")
    term.send("q")
    term.wait("leave it paused")
    term.send("l")
    assert term.exit() == 0
    assert "fashion, mlp: left paused" in term.text
    assert f"it stands still; let it go on: miniai-tui ctl runs/{place.run.name} resume" in term.text
    again = place.term(place.command("attach", "last"))
    again.wait("‖ paused")
    again.send(" ")
    again.wait("✓ done")
    assert place.ended == "done"


@pytest.mark.usefixtures("forked")
def test_a_frozen_link_that_is_cut_in_the_end(place: Place) -> None:
    """The terminal takes nothing any more, and much later it is closed: the run has not noticed either."""
    term = training(place, epochs=3)
    for _ in range(60):
        term.send("f")  # so much is drawn that the screen blocks
    step = place.step
    term.until(lambda: place.step > step + 60, "batches while the terminal stands still", read=False)
    term.hang_up()
    assert term.exit() == 128 + signal.SIGHUP
    eventually(lambda: place.ended == "done", "the run's own end")
    assert [fact["ended"] for fact in place.facts("EpochEnded")] == ["complete"] * 6


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("worker", ["process", "thread"])
def test_no_answer_to_the_question_changes_nothing(place: Place, worker: str) -> None:
    term = training(place, "--worker", worker, epochs=1)
    term.send("q")
    term.wait("stop and quit")
    term.send("\x1b[27u")
    term.until(lambda: "stop and quit" not in term.text, "the closed question")
    term.wait("✓ done")
    assert place.facts("StopPlanned", "Paused") == []
    term.send("q")
    assert term.exit() == 0


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("worker", ["process", "thread"])
def test_kill_from_the_keyboard(place: Place, worker: str) -> None:
    term = training(place, "--worker", worker)
    term.send("q")
    term.wait("kill it at once")
    assert ("leave it running" in term.text) == (worker == "process")
    assert ("started with --worker thread" in term.text) == (worker == "thread")
    term.send("k")
    assert term.exit() == (0 if worker == "process" else 128 + signal.SIGKILL)
    assert term.sane
    eventually(place.trainer_is_gone, "the trainer's end")
    assert not place.ended
