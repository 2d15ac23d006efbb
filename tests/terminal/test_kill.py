"""kill -9 at any moment: nothing that was written is lost, and the run goes on as if it had not happened."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest

from miniai.config import RunConfig
from miniai.errors import RunError
from miniai.run import checkpoint
from miniai.run import events as ev
from miniai.run.directory import RunDir, create_run
from miniai.run.resuming import alone, resumption
from miniai.run.status import status
from tests.miniai.resumed import Told, ended_with, journal
from tests.terminal.nursery import Nursery, Order
from tests.terminal.place import Place
from tui.app import MonitorApp
from tui.attach import AttachedSession
from tui.cli import main

KILLS = int(os.environ.get("MINIAI_KILLS", "8"))
"""`make soak` asks for more."""
EPOCHS = 10 * KILLS
BATCHES = 10
"""Of each epoch."""


@pytest.fixture(scope="module")
def nursery(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    nursery = Nursery(Place(tmp_path_factory.mktemp("nursery"), data).env())
    yield nursery
    nursery.close()


class Killed:
    """A run whose trainers are killed, and all that was known of it before the last kill."""

    def __init__(self, run: RunDir, nursery: Nursery, seed: int) -> None:
        self.run, self.nursery, self.random = run, nursery, Random(seed)
        self.journal = b""
        """Whole lines of the journal when it was last looked at."""
        self.seconds = 0.0
        """How long the last trainer took to its first batch."""

    def while_starting(self) -> None:
        pid = self.nursery.start(Order(str(self.run.path)))
        self._listen_until(lambda lines: False, self.random.uniform(0.0, 1.2 * self.seconds))
        self._kill(pid)

    def in_a_batch(self) -> None:
        begun, steps = time.monotonic(), self.random.randrange(1, 90)
        pid = self.nursery.start(Order(str(self.run.path)))
        self._listen_until(lambda lines: sum(line.startswith(b"step") for line in lines) >= 1)
        self.seconds = time.monotonic() - begun
        self._listen_until(lambda lines: sum(line.startswith(b"step") for line in lines) >= steps)
        if not self.journal:  # before its first checkpoint a run can only be begun anew
            self._listen_until(lambda lines: any(b'"is":"Saved"' in line for line in lines))
        self._kill(pid)

    def while_saving(self) -> None:
        """By itself, at a call of the system that only the generator knows."""
        self.nursery.start(Order(str(self.run.path), dies=self.random.randrange(1, 80)))
        self.lines: list[bytes] = []
        self._look_back()

    def _listen_until(self, enough: Any, seconds: float = 60.0) -> None:
        self.lines = getattr(self, "lines", [])
        end = time.monotonic() + seconds
        while not enough(self.lines) and time.monotonic() < end:
            self.lines += self.nursery.lines(min(0.05, max(0.0, end - time.monotonic())))

    def _kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        self._look_back()

    def _look_back(self) -> None:
        assert self.nursery.ended() == -signal.SIGKILL, self.run.log_tail()
        self.lines += self.nursery.lines()

    def check(self) -> None:
        """What must hold after every kill."""
        lines, self.lines = self.lines, []
        *whole, _torn = self.run.journal.read_bytes().split(b"\n")
        before, self.journal = self.journal, b"".join(line + b"\n" for line in whole)
        assert self.journal.startswith(before), "an earlier byte was lost"
        facts = [ev.decode(line) for line in whole]
        told = {line[5:] for line in lines if line.startswith(b"fact ")}
        kinds = {json.loads(line)["is"] for line in told}
        held_back = "RunResumed" in kinds and "EpochStarted" not in kinds  # the run has not gone on yet
        assert held_back or told <= set(whole), "a fact was told and is not in the journal"
        _rows, series = journal([Told(facts)])
        steps = [line.split() for line in lines if line.startswith(b"step")]
        lasted = float(steps[-1][2]) if steps else 0.0
        known = {int(step) for _, step, at in steps if float(at) < lasted - 1.0}
        assert known <= set(series.get("loss", ())), "more than the last second is lost"
        self._check_checkpoints(facts)

    def _check_checkpoints(self, facts: list[Any]) -> None:
        names = checkpoint.names(self.run.checkpoints)
        for name in names:
            state = checkpoint.read_state(self.run.checkpoints / name)
            assert f"-{state.step}" in name
            for file in (checkpoint.MODEL, checkpoint.OPTIMIZER):
                assert checkpoint.read_tensors(self.run.checkpoints / name / file)
        saved = [fact for fact in facts if isinstance(fact, ev.Saved)]
        if saved:
            goes_on = resumption(self.run)
            assert goes_on is not None
            assert goes_on.broken == {}
            assert goes_on.state.step >= saved[-1].step, "a checkpoint that was told is gone"


def new_run(root: Path, data: Path, epochs: int = EPOCHS) -> RunDir:
    """Small, and with all that a checkpoint must hold; saved often."""
    config = RunConfig(
        data_dir=str(data), epochs=epochs, bs=200, device="cpu", threads=1, opt="adamw", sched="onecycle",
        save_every=5, save_minutes=0.001, save_best="loss",
    )  # fmt: skip
    return create_run(root, config)


@pytest.mark.timeout(100 + 15 * KILLS)
async def test_killed_wherever_it_was(
    place: Place, nursery: Nursery, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(place.folder / "state"))
    run = new_run(place.runs, place.data)
    killed = Killed(run, nursery, seed=KILLS)
    for n in range(KILLS):
        (killed.in_a_batch, killed.while_saving, killed.while_starting)[n % 3]()
        killed.check()
        assert status(run).state == "crashed"
        assert main(["runs", "--json", "--run-dir", str(place.runs)]) == 0
        (listed,) = json.loads(capsys.readouterr().out)
        assert listed["status"]["state"] == "crashed"
        if n in (2, 4):
            await opens(run)
    for name in (".part-step-7", ".gone-best-3"):  # as kills leave them, if they come at the right moment
        (run.checkpoints / name).mkdir(exist_ok=True)
    process = place.process(place.command("fit", "--resume", "last", "--run-dir", str(place.runs), "--headless"), "")
    assert process.communicate(timeout=60 + KILLS)[1] == b""
    assert process.returncode == 0
    assert [name for name in os.listdir(run.checkpoints) if name.startswith((".", "broken"))] == []
    whole = new_run(place.folder / "whole", place.data)
    nursery.start(Order(str(whole.path)))
    assert nursery.ended() == 0
    assert ended_with(run) == ended_with(whole)


async def opens(run: RunDir) -> None:
    """`attach` shows what there is and says that nobody trains it."""
    app = MonitorApp(AttachedSession(run))
    async with app.run_test(size=(120, 40)) as pilot:
        end = time.monotonic() + 20
        while not app.state.over:
            await pilot.pause(0.02)
            assert time.monotonic() < end
        assert app.state.status == "failed"
        app.exit()


def test_killed_at_each_call_of_the_system_that_a_checkpoint_makes(place: Place, nursery: Nursery) -> None:
    """Every checkpoint that can be seen is whole, at least one as new as the last that was complete."""
    run = create_run(place.runs, RunConfig())
    for _ in range(4):
        nursery.start(Order(str(run.path), saves_only=True))
        assert nursery.ended() == 0
    dies = 0
    while True:
        dies += 1
        newest = whole_ones(run)[-1]
        nursery.start(Order(str(run.path), dies=dies, saves_only=True))
        code = nursery.ended()
        assert whole_ones(run)[-1] in (newest, newest + 1)
        if code == 0:
            break
        assert code == -signal.SIGKILL
    assert dies > 30
    assert [name for name in os.listdir(run.checkpoints) if name.startswith(".")] == []


def test_two_that_resume_it_at_the_same_moment(place: Place, nursery: Nursery) -> None:
    """One goes on and the other is told so, whichever it is; nothing is trained twice."""
    run = new_run(place.runs, place.data, epochs=20)
    killed = Killed(run, nursery, seed=2)
    killed.in_a_batch()
    again = place.command("fit", "--resume", "last", "--run-dir", str(place.runs), "--headless")
    processes = [place.process(again, "") for _ in range(2)]
    errors = [(process.communicate(timeout=60)[1], process.returncode) for process in processes]
    assert sorted(code for _, code in errors) == [0, 1], errors
    (said,) = (error for error, code in errors if code)
    assert said.count(b"\n") == 1
    assert b"is being trained in process" in said or b"another process trains" in said
    facts = [ev.decode(line) for line in run.journal.read_bytes().splitlines()]
    assert sum(isinstance(fact, ev.RunResumed) for fact in facts) == 1
    assert set(journal([Told(facts)])[1]["loss"]) == set(range(1, 20 * BATCHES + 1))
    assert status(run).state == "done"


_HOLDS = """
import os, signal, sys
from pathlib import Path
from miniai.run.directory import RunDir
from miniai.run.resuming import alone
with alone(RunDir(Path(sys.argv[1]))):
    child = os.fork()
    if child:
        print(child, flush=True)
    signal.pause()
"""


def test_the_lock_ends_with_its_process_though_a_child_of_it_lives(place: Place) -> None:
    """As the processes of a loader may, for a moment."""
    run = create_run(place.runs, RunConfig())
    process = place.process([sys.executable, "-c", _HOLDS, str(run.path)])
    assert process.stdout is not None
    child = int(process.stdout.readline())
    try:
        with pytest.raises(RunError, match="another process trains"), alone(run):
            pass
        process.kill()
        process.wait(10)
        assert psutil.pid_exists(child)
        with alone(run):
            pass
    finally:
        os.kill(child, signal.SIGKILL)


def whole_ones(run: RunDir) -> list[int]:
    """The steps of all checkpoints, each of them read in full."""
    names = checkpoint.names(run.checkpoints)
    for name in names:
        step = checkpoint.read_state(run.checkpoints / name).step
        tensors = checkpoint.read_tensors(run.checkpoints / name / checkpoint.MODEL)
        assert set(tensors["w"].tolist()) == {step} == {int(name.split("-")[1])}
    assert len(names) >= 3
    return [int(name.split("-")[1]) for name in names]
