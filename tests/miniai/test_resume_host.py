"""Whole runs in a directory: stopped, killed and resumed by trainers as users start them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from miniai import trainer
from miniai.config import RunConfig
from miniai.errors import RunError
from miniai.run import checkpoint
from miniai.run import events as ev
from miniai.run.control import RunControl
from miniai.run.directory import RunDir, create_run
from miniai.run.requests import AnyRequest, Save, Stop
from miniai.run.resuming import alone
from tests.miniai.resumed import ended_with, told


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread: sums come out the same only where they are cut in the same pieces."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    torch.set_num_threads(1)


def new_run(root: Path, data_dir: Path, **options: Any) -> RunDir:
    settings: dict[str, Any] = {"data_dir": str(data_dir), "epochs": 3, "bs": 64, "device": "cpu", **options}
    return create_run(root, RunConfig(**settings))


def asking(control: RunControl, when: Callable[[ev.Fact], bool], request: AnyRequest) -> Callable[[ev.Fact], None]:
    """A listener that hands in a request at the first fact of a kind."""
    asked: list[bool] = []

    def hear(fact: ev.Fact) -> None:
        if not asked and when(fact):
            asked.append(True)
            control.submit(request)

    return hear


def stopped_in(run: RunDir, epoch: int, phase: str) -> ev.FitEnded:
    """Train until a half epoch has begun, and stop there."""
    control = RunControl()

    def begun(fact: ev.Fact) -> bool:
        return isinstance(fact, ev.EpochStarted) and (fact.epoch, fact.phase) == (epoch, phase)

    return trainer.host(run, control, [asking(control, begun, Stop(id="s"))])


@pytest.mark.parametrize(
    "options",
    [
        {"opt": "adamw", "sched": "onecycle", "augment": True},
        {"model": "conv", "sched": "cosine", "opt": "momentum"},
        {"from_scratch": True, "opt": "sgd"},
        {"amp": True, "opt": "rmsprop", "stats": False},
    ],
    ids=["augmented", "conv", "by-hand", "amp"],
)
def test_stopped_twice_and_resumed(tmp_path: Path, data_dir: Path, options: dict[str, Any]) -> None:
    whole = new_run(tmp_path / "whole", data_dir, **options)
    trainer.host(whole, RunControl())
    run = new_run(tmp_path / "parts", data_dir, **options)
    first, second = stopped_in(run, 1, "train"), stopped_in(run, 2, "valid")
    assert (first.reason, second.reason) == ("stopped", "stopped")
    assert 0 < first.step < second.step
    assert trainer.host(run, RunControl()).reason == "done"
    assert ended_with(run) == ended_with(whole)


def test_the_journal_of_a_resumed_run(tmp_path: Path, data_dir: Path) -> None:
    run = new_run(tmp_path, data_dir)
    step = stopped_in(run, 1, "train").step
    with run.journal.open("ab") as file:
        file.write(b'{"is":"Scalars","name":"lo')  # torn by a kill
    trainer.host(run, RunControl())
    facts = told(run)
    assert [type(fact).__name__ for fact in facts].count("RunStarted") == 1
    resumed = next(fact for fact in facts if isinstance(fact, ev.RunResumed))
    assert (resumed.step, resumed.epoch, resumed.phase, resumed.batch) == (step, 1, "train", step - 10)
    assert resumed.pid == os.getpid()
    assert [fact.at for fact in facts] == sorted(fact.at for fact in facts)
    after = facts[facts.index(resumed) :]
    assert [type(fact).__name__ for fact in after].count("FitStarted") == 1
    assert (run.read_info().ended, run.read_info().pid) == ("done", os.getpid())


def test_the_patience_of_alerts_goes_on(tmp_path: Path, data_dir: Path) -> None:
    still: dict[str, Any] = {"lr": 1e-12, "opt": "sgd", "epochs": 7, "stats": False}
    whole, run = (new_run(tmp_path / name, data_dir, **still) for name in ("whole", "parts"))
    trainer.host(whole, RunControl())
    stopped_in(run, 4, "train")
    trainer.host(run, RunControl())
    said = [[f.text for f in told(r) if isinstance(f, ev.Alerted) and f.topic == "plateau"] for r in (whole, run)]
    assert said[0] == said[1]
    assert len(said[0]) == 1


def test_other_data_than_it_began_with_is_one_line(tmp_path: Path, data_dir: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(data_dir, folder)
    run = new_run(tmp_path / "runs", folder, epochs=2)
    stopped_in(run, 1, "train")
    for name in ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"):
        shutil.copy(folder / name.replace("train", "t10k"), folder / name)
    ended = trainer.host(run, RunControl())
    assert ended.reason == "failed"
    assert "other data: an epoch had 10 training batches there, and has 4 here" in ended.error
    shutil.copytree(data_dir, folder, dirs_exist_ok=True)
    assert trainer.host(run, RunControl()).reason == "done"


def test_what_is_kept(tmp_path: Path, data_dir: Path) -> None:
    run = new_run(tmp_path, data_dir, epochs=5, keep=2, save_best="loss")
    trainer.host(run, RunControl())
    saved = [fact for fact in told(run) if isinstance(fact, ev.Saved)]
    assert [fact.name for fact in saved if fact.why == "epoch"] == [f"step-{10 * n}" for n in range(1, 6)]
    rows = {
        fact.step: fact.metrics["loss"]
        for fact in told(run)
        if isinstance(fact, ev.EpochEnded) and fact.phase == "valid"
    }
    best = min(rows, key=lambda step: float(rows[step]))
    assert checkpoint.names(run.checkpoints) == sorted([f"best-{best}", "step-40", "step-50"], key=lambda n: int(n[5:]))
    assert run.checkpoints.stat().st_mode & 0o777 == 0o700
    for path in run.checkpoints.rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)


def test_a_request_is_answered_once_and_at_the_batch_asked(tmp_path: Path, data_dir: Path) -> None:
    run, control = new_run(tmp_path, data_dir, epochs=1), RunControl()
    listener = asking(control, lambda fact: isinstance(fact, ev.EpochStarted), Save(id="w"))
    trainer.host(run, control, [listener])
    answers = [fact for fact in told(run) if getattr(fact, "request", "") == "w"]
    assert [(type(fact).__name__, fact.why, fact.step) for fact in answers] == [("Saved", "request", 1)]


def test_a_disk_that_refuses_never_hurts_the_run(tmp_path: Path, data_dir: Path) -> None:
    run, control = new_run(tmp_path, data_dir), RunControl()
    run.checkpoints.write_text("in the way")
    listener = asking(control, lambda fact: isinstance(fact, ev.EpochStarted), Save(id="w"))
    assert trainer._host(run, RunConfig(data_dir=str(data_dir), epochs=3, bs=64, device="cpu"), None, control,
                         [listener], bool, (), False).reason == "done"  # type: ignore[arg-type]  # fmt: skip
    facts = told(run)
    alerts = [fact.text for fact in facts if isinstance(fact, ev.Alerted) and fact.topic == "checkpoint"]
    assert len(alerts) == 1
    assert alerts[0].endswith("training goes on without")
    assert [fact.request for fact in facts if isinstance(fact, ev.Refused)] == ["w"]


def test_a_broken_checkpoint_is_passed_over_and_said(tmp_path: Path, data_dir: Path) -> None:
    run = new_run(tmp_path, data_dir, save_best="none")
    stopped_in(run, 2, "train")
    newest, older = reversed(checkpoint.names(run.checkpoints))
    file = run.checkpoints / newest / checkpoint.MODEL
    file.write_bytes(file.read_bytes()[:-1])
    assert trainer.host(run, RunControl()).reason == "done"
    facts = told(run)
    assert next(fact.step for fact in facts if isinstance(fact, ev.RunResumed)) == int(older.split("-")[1])
    assert any(isinstance(fact, ev.Alerted) and newest in fact.text and older in fact.text for fact in facts)
    assert newest not in checkpoint.names(run.checkpoints)


def test_without_a_checkpoint_it_is_one_line(tmp_path: Path, data_dir: Path) -> None:
    run = new_run(tmp_path, data_dir, epochs=1, save_every=0, save_best="none")
    trainer.host(run, RunControl())
    before = run.journal.read_bytes()
    with pytest.raises(RunError, match="has no checkpoint to go on from"):
        trainer.host(run, RunControl())
    assert run.journal.read_bytes() == before


def test_a_checkpoint_of_another_model_is_one_line(tmp_path: Path, data_dir: Path) -> None:
    run, other = new_run(tmp_path, data_dir), new_run(tmp_path, data_dir, model="conv", epochs=1)
    stopped_in(run, 1, "train")
    trainer.host(other, RunControl())
    for name in checkpoint.names(run.checkpoints):
        checkpoint.remove(run.checkpoints, name)
    os.rename(other.checkpoints / "step-10", run.checkpoints / "step-10")
    ended = trainer.host(run, RunControl())
    assert ended.reason == "failed"
    assert ended.error.startswith("the checkpoint is of another model: ")


def process(run: RunDir) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "miniai.trainer", str(run.path)], stderr=subprocess.PIPE)


def wait_for(run: RunDir, mark: bytes, times: int = 1) -> None:
    """Until the journal has so many of it."""
    wait_until(lambda: run.journal.exists() and run.journal.read_bytes().count(mark) >= times)


def wait_until(there: Callable[[], bool]) -> None:
    end, pause = time.monotonic() + 60, threading.Event()
    while not there():
        assert time.monotonic() < end
        pause.wait(0.001)


def test_sigusr1_saves(tmp_path: Path, data_dir: Path) -> None:
    run = new_run(tmp_path, data_dir, epochs=5000, save_every=0, save_best="none")
    with process(run) as trained:
        wait_for(run, b'"Progressed"')
        trained.send_signal(signal.SIGUSR1)
        wait_for(run, b'"why":"request"')
        trained.terminate()
        trained.communicate(timeout=60)
    assert trained.returncode == 128 + signal.SIGTERM
    saved = [fact.why for fact in told(run) if isinstance(fact, ev.Saved)]
    assert saved == ["request", "stop"]


def test_two_trainers_of_one_run(tmp_path: Path, data_dir: Path) -> None:
    run = new_run(tmp_path, data_dir)
    code = (
        "import sys; from pathlib import Path\nfrom miniai.run.directory import RunDir\n"
        "from miniai.run.resuming import alone\n"
        f"with alone(RunDir(Path({str(run.path)!r}))): print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(RunError, match="another process trains"):
            trainer.host(run, RunControl())
        assert not run.journal.exists()
        other.communicate(timeout=60)
    with alone(run):
        pass
