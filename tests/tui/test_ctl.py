"""`ctl`: what is typed becomes one request, one line says what came of it, and the exit code too."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from miniai.config import RunConfig
from miniai.run import events as ev
from miniai.run.directory import RunDir, create_run
from miniai.run.listener import Listener
from miniai.run.requests import (
    AnyRequest,
    Continue,
    Pause,
    Save,
    SetEpochs,
    SetLearningRate,
    SetValidation,
    SkipBatch,
    SkipEpoch,
    Step,
    Stop,
)
from tests.tui.recorded import Recording
from tui import cli
from tui.wanted import WORDS

Reply = Callable[["Trainer", AnyRequest], ev.Fact | None]


class Trainer:
    """Answers each request as it is told to; its journal stands in the second epoch."""

    def __init__(self, folder: Path) -> None:
        self.run: RunDir = create_run(folder, RunConfig())
        self.requests: list[AnyRequest] = []
        self.reply: Reply = lambda trainer, request: ev.Refused(at=9, request=request.id, why="just so")
        self.listener = Listener(self.run, self.take)
        self.run.update_info(socket=self.listener.address)
        self.told(*Recording().until(1, 74))

    def told(self, *facts: ev.Fact) -> None:
        with self.run.journal.open("ab") as file:
            file.writelines(ev.encode(fact) + b"\n" for fact in facts)

    def take(self, request: AnyRequest) -> None:
        self.requests.append(request)
        if fact := self.reply(self, request):
            self.listener.answer(fact)

    def ctl(self, *words: str) -> int:
        return cli.main(["ctl", str(self.run.path), *words])


@pytest.fixture
def trainer() -> Iterator[Trainer]:
    with tempfile.TemporaryDirectory(prefix="run-") as folder:
        trainer = Trainer(Path(folder))
        yield trainer
        trainer.listener.close()


def where(request: AnyRequest) -> tuple[int, str | None]:
    return request.epoch, request.phase


def paused(trainer: Trainer, request: AnyRequest) -> ev.Fact:
    return ev.Paused(at=9, epoch=1, phase="train", batch=74, step=192, request=request.id)


def changed(trainer: Trainer, request: AnyRequest) -> ev.Fact:
    return ev.Changed(at=9, what="lr", old=0.2, new=0.1, step=192, request=request.id)


def saved(trainer: Trainer, request: AnyRequest) -> ev.Fact:
    return ev.Saved(at=9, step=192, epoch=1, name="step-192", why="request", request=request.id)


CASES: list[tuple[str, type[Any], dict[str, Any], Reply, str]] = [
    ("pause", Pause, {}, paused, "paused at step 192"),
    ("step", Step, {"stood": 0.0}, paused, "paused at step 192"),
    ("resume", Continue, {}, lambda t, r: ev.Continued(at=9, paused=21, request=r.id), "goes on after a pause of 0:21"),
    ("skip-batch", SkipBatch, {"stood": 0.0},
     lambda t, r: ev.BatchSkipped(at=9, epoch=1, phase="train", batch=74, request=r.id), "batch 75 skipped"),
    ("skip-epoch", SkipEpoch, {},
     lambda t, r: ev.EpochSkipped(at=9, epoch=1, phase="train", at_batch=74, request=r.id),
     "training skipped at 74/118, on to validation"),
    ("validation off", SetValidation, {"on": False},
     lambda t, r: ev.Changed(at=9, what="valid", old=1, new=0, step=192, epoch=2, request=r.id),
     "validation off from epoch 3"),
    ("lr x0.5", SetLearningRate, {"factor": 0.5, "lr": 0.0, "seen": ""}, changed, "learning rate x0.5: 0.2 > 0.1"),
    ("lr 0.1", SetLearningRate, {"factor": 0.0, "lr": 0.1}, changed, "learning rate x0.5: 0.2 > 0.1"),
    ("epochs +3", SetEpochs, {"epochs": 8},
     lambda t, r: ev.Changed(at=9, what="epochs", old=5, new=8, step=192, request=r.id), "epochs 5 > 8"),
    ("save", Save, {}, saved, "saved at step 192"),
    ("stop --after epoch", Stop, {"when": "epoch"},
     lambda t, r: ev.StopPlanned(at=9, when="epoch", epoch=1, request=r.id), "stops after epoch 2"),
]  # fmt: skip


@pytest.mark.parametrize(("typed", "kind", "fields", "reply", "said"), CASES, ids=[case[0] for case in CASES])
def test_what_is_typed_is_asked_and_the_answer_printed(
    trainer: Trainer, capsys: pytest.CaptureFixture[str],
    typed: str, kind: type[Any], fields: dict[str, Any], reply: Reply, said: str,
) -> None:  # fmt: skip
    trainer.reply = reply
    assert trainer.ctl(*typed.split()) == 0
    (request,) = trainer.requests
    assert type(request) is kind
    assert {name: getattr(request, name) for name in fields} == fields
    assert where(request) == (1, "train")
    assert capsys.readouterr() == (said + "\n", "")


def test_every_word_has_a_case() -> None:
    assert {case[0].split()[0] for case in CASES} | {"status", "kill"} == set(WORDS)


def test_a_request_carries_the_pause_and_the_change_that_the_journal_tells(trainer: Trainer) -> None:
    trainer.told(
        ev.Changed(at=7, what="lr", old=0.2, new=0.1, step=192, request="other"),
        ev.Paused(at=8.125, epoch=1, phase="valid", batch=3, step=236),
    )
    for typed in ("step", "lr x0.5", "skip-epoch"):
        assert trainer.ctl(*typed.split()) == 1
    step, rate, skip = trainer.requests
    assert isinstance(step, Step)
    assert isinstance(rate, SetLearningRate)
    assert (step.stood, rate.seen, where(skip)) == (8.125, "other", (1, "valid"))


def test_a_refusal_is_exit_code_1_with_the_reason(trainer: Trainer, capsys: pytest.CaptureFixture[str]) -> None:
    assert trainer.ctl("pause") == 1
    assert capsys.readouterr() == ("", "miniai-tui: refused: just so\n")


def test_json(trainer: Trainer, capsys: pytest.CaptureFixture[str]) -> None:
    trainer.reply = paused
    assert trainer.ctl("pause", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    fact = said.pop("fact")
    assert fact["is"] == "Paused"
    assert said == {
        "run": trainer.run.id, "asked": "pause", "ok": True, "words": "paused at step 192", "state": "running"
    }  # fmt: skip
    trainer.reply = lambda trainer, request: ev.Refused(at=9, request=request.id, why="\x1b[2J\x9b\x7f")
    assert trainer.ctl("pause", "--json") == 1
    out = capsys.readouterr().out
    assert json.loads(out)["fact"]["why"] == "\x1b[2J\x9b\x7f"
    assert out.isascii()
    assert out[:-1].isprintable()


def test_no_answer_in_time(trainer: Trainer, capsys: pytest.CaptureFixture[str]) -> None:
    trainer.reply = lambda trainer, request: None
    assert trainer.ctl("pause", "--timeout", "0.2") == 1
    assert "no answer in time" in capsys.readouterr().err


def test_stop_waits_for_the_end(trainer: Trainer, capsys: pytest.CaptureFixture[str]) -> None:
    def stop(trainer: Trainer, request: AnyRequest) -> ev.Fact:
        trainer.told(ev.FitEnded(at=10, reason="stopped", step=192))
        threading.Thread(target=trainer.listener.close).start()  # as the trainer does at its end
        return ev.StopPlanned(at=9, when="batch", epoch=1, request=request.id)

    trainer.reply = stop
    assert trainer.ctl("stop") == 0
    assert capsys.readouterr().out == "stopped after 192 steps\n"


def test_a_stop_that_takes_longer_is_promised(trainer: Trainer, capsys: pytest.CaptureFixture[str]) -> None:
    trainer.reply = lambda trainer, request: ev.StopPlanned(at=9, when="batch", epoch=1, request=request.id)
    assert trainer.ctl("stop", "--timeout", "0.3") == 0
    assert capsys.readouterr().out == "stops after this batch\n"


def test_a_run_that_ends_before_it_answers(trainer: Trainer, capsys: pytest.CaptureFixture[str]) -> None:
    def end(trainer: Trainer, request: AnyRequest) -> None:
        trainer.told(ev.FitEnded(at=10, reason="done", step=192))
        threading.Thread(target=trainer.listener.close).start()

    trainer.reply = end
    assert trainer.ctl("pause") == 1
    assert "ended before it could answer: done" in capsys.readouterr().err


def test_kill(trainer: Trainer, capsys: pytest.CaptureFixture[str]) -> None:
    def end() -> None:
        for client in list(trainer.listener._clients):
            trainer.listener._drop(client)
        trainer.listener._server.close()

    trainer.listener._kill = end
    assert trainer.ctl("kill") == 0
    assert capsys.readouterr().out == "killed\n"
    assert trainer.requests == []


def test_a_trainer_that_does_not_answer_can_be_killed(trainer: Trainer, capsys: pytest.CaptureFixture[str]) -> None:
    trainer.listener.close()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True) as child:
        trainer.run.update_info(pid=child.pid, pid_started=psutil.Process(child.pid).create_time())
        assert trainer.ctl("pause") == 1
        assert "not answering" in capsys.readouterr().err
        assert child.poll() is None
        assert trainer.ctl("kill") == 0
        assert child.wait(10) == -9


@pytest.mark.parametrize("typed", ["pause", "kill", "stop --after epoch", "lr x0.5"])
def test_a_run_that_is_over(trainer: Trainer, typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    trainer.told(ev.FitEnded(at=10, reason="failed", step=192, error="ValueError: \x1b]0;x\x07bad"))
    assert trainer.ctl(*typed.split()) == 1
    said = capsys.readouterr()
    assert said == ("", f"miniai-tui: {trainer.run.id} is not running: failed: ValueError: ]0;xbad\n")
    assert trainer.requests == []


def test_nothing_is_skipped_before_training_has_begun(trainer: Trainer, capsys: pytest.CaptureFixture[str]) -> None:
    os.truncate(trainer.run.journal, 0)
    assert trainer.ctl("skip-epoch") == 1
    assert "has not begun" in capsys.readouterr().err
    assert trainer.requests == []


def test_status_says_how_far_it_is(trainer: Trainer, capsys: pytest.CaptureFixture[str]) -> None:
    assert trainer.ctl("status") == 0
    assert capsys.readouterr().out.startswith("running, epoch 2/5, training, batch 74/118, loss ")
    trainer.told(ev.FitEnded(at=10, reason="done", step=192))
    assert trainer.ctl("status") == 0
    assert capsys.readouterr().out.startswith("done, ")
    trainer.run.info_file.write_text("{")
    assert trainer.ctl("status") == 1
    assert "damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("paus", ["'paus'", "pause", "skip-batch", "or kill"]),
        ("lr", ["lr 0.01 or lr x0.5"]),
        ("lr fast", ["not a number"]),
        ("lr 0", ["above 0"]),
        ("lr x-1", ["above 0"]),
        ("epochs many", ["whole number"]),
        ("epochs", ["epochs 10"]),
        ("validation", ["validation on or validation off"]),
        ("validation maybe", ["'maybe'", "on", "off"]),
        ("pause now", ["write pause"]),
        ("pause --after epoch", ["--after goes with stop"]),
        ("stop --after tea", ["batch", "epoch"]),
        ("pause --timeout never", ["--timeout"]),
        ("pause --timeout 0", ["--timeout"]),
        ("", ["WORD"]),
    ],
)
def test_wrong_words_are_exit_code_2_and_name_what_is_allowed(
    trainer: Trainer, typed: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = trainer.ctl(*typed.split())
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    said = capsys.readouterr()
    assert (code, said.out, said.err.count("\n")) == (2, "", 1)
    assert all(word in said.err for word in words), said.err
    assert trainer.requests == []


def test_a_run_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["ctl", "last", "pause", "--run-dir", str(tmp_path)]) == 1
    assert "no run 'last'" in capsys.readouterr().err
