"""`ctl` where something is odd: interrupted, a process that may be another's, a run that has just been resumed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import msgspec
import psutil
import pytest

from miniai.run import events as ev
from miniai.run import listener
from miniai.run.directory import RunDir
from miniai.run.requests import AnyRequest
from tests.tui.test_ctl import Trainer, trainer  # noqa: F401  # a fixture
from tui import answered, cli
from tui.position import Position, position


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing until it is ended."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True)
    yield process
    process.kill()
    process.wait(10)
    assert process.stdin is not None
    process.stdin.close()


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(("word", "more"), [("pause", ": what was asked may still be done"), ("status", "")])
def test_ctrl_c_is_one_line(
    trainer: Trainer,  # noqa: F811
    word: str,
    more: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(answered, "ask", interrupt)
    assert trainer.ctl(word) == 130
    assert capsys.readouterr() == ("", f"miniai-tui: interrupted{more}\n")


def test_ctrl_c_anywhere_else_is_one_line_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tui.overview.find_runs", interrupt)
    assert cli.main(["runs"]) == 130
    assert capsys.readouterr().err == "miniai-tui: interrupted\n"


def test_a_process_that_may_be_another_is_never_killed(
    trainer: Trainer,  # noqa: F811
    child: subprocess.Popen[bytes],
    capsys: pytest.CaptureFixture[str],
) -> None:
    trainer.listener.close()
    with socket.socket(socket.AF_UNIX) as somebody:  # listens and says nothing
        somebody.bind(trainer.listener.address)
        somebody.listen()
        began = psutil.Process(child.pid).create_time() - 1000
        trainer.run.update_info(pid=child.pid, pid_started=began)
        assert trainer.ctl("kill") == 1
    assert "is not answering: " in capsys.readouterr().err
    assert child.poll() is None


def test_a_process_that_may_not_be_killed_is_one_line(
    trainer: Trainer,  # noqa: F811
    child: subprocess.Popen[bytes],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    trainer.listener.close()
    trainer.run.update_info(pid=child.pid, pid_started=psutil.Process(child.pid).create_time())

    def deny(group: int, number: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "killpg", deny)
    assert trainer.ctl("kill") == 1
    assert capsys.readouterr().err == f"miniai-tui: process {child.pid} cannot be killed: Operation not permitted\n"


def test_a_run_that_came_to_its_end_was_not_killed(
    trainer: Trainer,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    def end() -> None:
        trainer.told(ev.FitEnded(at=10, reason="done", step=192))
        for client in list(trainer.listener._clients):
            trainer.listener._drop(client)

    trainer.listener._kill = end
    assert trainer.ctl("kill") == 1
    assert capsys.readouterr().err == "miniai-tui: the run ended before it could answer: done\n"


def test_a_stop_that_came_too_late_has_stopped_nothing(
    trainer: Trainer,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    def done(trainer: Trainer, request: AnyRequest) -> None:
        trainer.told(ev.FitEnded(at=10, reason="done", step=192))
        for client in list(trainer.listener._clients):
            trainer.listener._drop(client)

    trainer.reply = done
    assert trainer.ctl("stop") == 1
    assert capsys.readouterr().err == "miniai-tui: the run ended before it could answer: done\n"


def test_fewer_epochs_than_are_running_are_not_asked_for(
    trainer: Trainer,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert trainer.ctl("epochs", "1") == 1
    assert "epoch 2 is running already" in capsys.readouterr().err
    assert trainer.requests == []


def test_a_trainer_of_another_version_may_not_understand(
    trainer: Trainer,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def unknown(line: bytes) -> AnyRequest:
        raise msgspec.ValidationError("Invalid value 'Pause'")

    monkeypatch.setattr(listener, "decode", unknown)
    assert trainer.ctl("pause") == 1
    assert capsys.readouterr().err == "miniai-tui: the trainer does not understand it: Invalid value 'Pause'\n"


def test_a_run_that_goes_between_two_looks_has_ended(
    trainer: Trainer,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def ends(run: RunDir) -> Position:
        here = position(run)
        trainer.listener.close()
        trainer.told(ev.FitEnded(at=10, reason="done", step=192))
        return here

    monkeypatch.setattr(answered, "position", ends)
    assert trainer.ctl("pause") == 1
    assert capsys.readouterr().err == "miniai-tui: the run ended before it could answer: done\n"


def test_a_resumed_run_is_not_where_it_was_before(
    trainer: Trainer,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
) -> None:
    trainer.told(ev.RunResumed(at=20, step=118, epoch=1, batch=0, wall=1.9e9, pid=os.getpid()))
    assert trainer.ctl("status") == 0
    assert capsys.readouterr().out == "running, no batch has begun\n"
    trainer.told(ev.StageReached(at=21, stage="loading torch"))
    assert trainer.ctl("status") == 0
    assert capsys.readouterr().out == "running, loading torch\n"
    assert trainer.ctl("skip-epoch") == 1
    assert "has not begun" in capsys.readouterr().err
    trainer.told(ev.EpochStarted(at=22, epoch=1, phase="train", batches=118, step=118))
    assert trainer.ctl("status") == 0
    assert capsys.readouterr().out.startswith("running, epoch 2/5, training, batch 0/118")
