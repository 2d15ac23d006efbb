"""A trainer that is started before there is a screen: whoever follows it takes it over, or it is asked to stop."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from textual.message import Message

from miniai.config import RunConfig
from miniai.run import events as ev
from miniai.run.directory import RunDir, create_run
from tests.tui.driving import driving
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import Recording
from tui import launch, start
from tui.follow import Follower
from tui.in_process import ProcessSession
from tui.messages import Reported, TrainerGone

WAITS = ["/bin/sh", "-c", "exec sleep 60"]


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    return create_run(tmp_path / "runs", RunConfig())


@pytest.fixture(autouse=True)
def trainers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """What was started in a trainer's place on an idle machine; none of it outlives the test."""
    started: list[subprocess.Popen[bytes]] = []
    real = launch.start_trainer

    def begin(run: RunDir) -> subprocess.Popen[bytes]:
        started.append(real(run))
        return started[-1]

    monkeypatch.setattr(launch, "start_trainer", begin)
    monkeypatch.setattr(launch, "trainer_command", lambda run: WAITS)
    monkeypatch.setattr(launch, "_one_is_idle", lambda: True)
    yield started
    for trainer in started:
        with suppress(ProcessLookupError):
            trainer.kill()
        trainer.wait(10)


def test_what_was_taken_goes_on(run: RunDir, trainers: list[subprocess.Popen[bytes]]) -> None:
    with launch.ahead(run) as begun:
        (trainer,) = trainers
        assert begun.begun
        assert begun.take() is trainer
    with pytest.raises(subprocess.TimeoutExpired):
        trainer.wait(0.1)
    assert len(trainers) == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt, ImportError, SystemExit])
def test_what_nobody_took_is_asked_to_stop(
    run: RunDir, trainers: list[subprocess.Popen[bytes]], error: type[BaseException]
) -> None:
    with pytest.raises(error), launch.ahead(run):
        raise error
    assert trainers[0].wait(10) == -signal.SIGTERM


def hit_by(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    threading.Event().wait(10)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
def test_a_signal_before_there_is_a_screen_ends_both(
    run: RunDir, trainers: list[subprocess.Popen[bytes]], number: signal.Signals
) -> None:
    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as caught, launch.ahead(run):
        hit_by(number)
    assert caught.value.code == 128 + number
    assert trainers[0].wait(10) == -signal.SIGTERM
    assert signal.getsignal(number) is before


def test_a_signal_while_it_is_being_started_ends_both(
    run: RunDir, trainers: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = launch.start_trainer

    def interrupted(run: RunDir) -> subprocess.Popen[bytes]:
        trainer = begin(run)
        os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(0.01)
        return trainer

    monkeypatch.setattr(launch, "start_trainer", interrupted)
    with pytest.raises(KeyboardInterrupt), launch.ahead(run):
        pytest.fail("it went on")
    assert trainers[0].wait(10) == -signal.SIGTERM


def test_the_handlers_of_a_screen_stay_and_what_is_ignored_stays_ignored(run: RunDir) -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGQUIT)}
    try:
        signal.signal(signal.SIGQUIT, signal.SIG_IGN)
        with launch.ahead(run):
            assert signal.getsignal(signal.SIGQUIT) is signal.SIG_IGN
            signal.signal(signal.SIGTERM, signal.default_int_handler)
        assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_where_it_may_not_begin_whoever_takes_it_begins(
    run: RunDir, trainers: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with launch.ahead(run, wanted=False) as begun:  # the trainer is to be a thread
        assert not begun.begun
    monkeypatch.setattr(launch, "_one_is_idle", lambda: False)
    with launch.ahead(run) as begun:
        assert not trainers
        assert begun.take() is trainers[0]
    monkeypatch.setattr(launch, "_one_is_idle", lambda: True)
    run.journal.write_bytes(b"{}\n")
    with launch.ahead(run) as begun:  # it resumes, and its session has not looked yet where the journal ends
        assert not begun.begun


def test_a_machine_without_processes_is_told_by_whoever_takes_it(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(run: RunDir) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(launch, "start_trainer", fail)
    with launch.ahead(run) as begun, pytest.raises(BlockingIOError):
        begun.take()


@pytest.mark.parametrize(
    ("running", "idle"), [("0.5 0.1 0.1 1/99 7", True), ("0.5 0.1 0.1 2/99 7", False), ("hidden", True)]
)
def test_a_busy_machine_draws_first(running: str, idle: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(Path, "read_text", lambda _: running)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    assert launch._one_is_idle() is idle


def test_a_session_reads_what_its_trainer_wrote_before_there_was_a_session(
    run: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = ev.RunStarted, ev.StageReached, ev.FitEnded
    facts = [fact for fact in Recording(epochs=1).whole() if isinstance(fact, kinds)]
    (run.path / "facts").write_bytes(b"".join(ev.encode(fact) + b"\n" for fact in facts))
    script = f"cat '{run.path}/facts' > '{run.journal}'"
    monkeypatch.setattr(launch, "trainer_command", lambda run: ["/bin/sh", "-c", script])
    posted: list[Message] = []
    with launch.ahead(run) as begun:
        begun.begin().wait(10)
        assert run.begun
        session = ProcessSession(run, begun)

        def post(message: Message) -> None:
            posted.append(message)
            if isinstance(message, Reported):
                message.taken.set()
                session.close()

        session.run(post)
    assert [fact for m in posted if isinstance(m, Reported) for fact in m.facts] == facts
    assert not [m for m in posted if isinstance(m, TrainerGone)]


@pytest.mark.parametrize("command", ["fit", "lr_find", "data"])
def test_each_command_hands_its_trainer_to_the_screen(
    command: str, tmp_path: Path, run: RunDir, trainers: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    import tui.screen

    taken: list[object] = []

    def on_screen(run: RunDir, *rest: Any) -> int:
        taken.append(rest[-1].take())
        return 7

    monkeypatch.setattr(tui.screen, f"{command}_on_screen", on_screen)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    calls: dict[str, Callable[[], int]] = {
        "fit": lambda: start.fit(run, "process", None),
        "lr_find": lambda: start.lr_find(run, "process", None),
        "data": lambda: start.data("fashion", None, None),
    }
    try:
        assert calls[command]() == 7
    finally:
        gc.enable()
    assert taken == trainers != []


def test_it_is_looked_at_often_until_it_trains_and_no_longer(tmp_path: Path) -> None:
    follower = Follower(tmp_path / "j")
    waits: list[float] = []

    class Wake(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0.0)
            return True

    def look() -> float:
        answers = iter([True, False])
        follower.follow(bool, lambda: next(answers))
        return waits[-1]

    follower.wake = Wake()
    follower.hurry(1000.0)
    follower.hurry()  # a key in between
    assert look() < 0.05
    assert follower._hurry_until > time.monotonic() + 900
    follower.calm()
    assert follower._hurry_until < time.monotonic() + 2
    follower._hurry_until = 0.0
    follower.calm()
    assert look() >= 0.2


async def test_the_status_word_is_drawn_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with driving(FakeSession(tmp_path)) as driver:
        await driver.post(*Recording(epochs=1).until(0, 0))
        monkeypatch.setattr(driver.app.run_screen, "tick_soon", lambda: None)
        assert "training" not in driver.text("header")
        driver.session.post(*Recording(epochs=1).until(0, 3))
        await driver.pilot.pause()
        assert "● training" in driver.text("header")


def test_no_screen_s_module_is_loaded_before_the_trainer_is_started() -> None:
    code = "import sys, tui.start; print({'textual', 'torch', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "set()"
