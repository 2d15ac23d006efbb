"""A whole run in this process: its facts, its files, its numbers, and that watching changes nothing."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from miniai import trainer
from miniai.callbacks.base import Callback
from miniai.config import RunConfig, read_config
from miniai.fitting import Fitting
from miniai.run import events as ev
from miniai.run.control import RunControl
from miniai.run.directory import RunDir, create_run
from miniai.run.reporter import Reporter
from miniai.run.requests import AnyRequest, Pause, SkipEpoch, Stop


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def new_run(root: Path, data_dir: Path, **options: Any) -> RunDir:
    settings: dict[str, Any] = {"data_dir": str(data_dir), "epochs": 2, "bs": 64, "device": "cpu", **options}
    return create_run(root, RunConfig(**settings))


def journal(run: RunDir) -> list[Any]:
    return [ev.decode(line) for line in run.journal.read_bytes().splitlines()]


def names(facts: list[Any]) -> list[str]:
    return [type(f).__name__ for f in facts]


def test_a_run_leaves_a_true_journal_and_no_open_end(tmp_path: Path, data_dir: Path) -> None:
    run = new_run(tmp_path, data_dir)
    ended = trainer.host(run, RunControl())
    facts = journal(run)
    assert (ended.reason, ended.step, facts[-1]) == ("done", 20, ended)
    assert isinstance(facts[0], ev.RunStarted)
    assert facts[0].schema == ev.SCHEMA
    assert [s for s in names(facts) if s in ("DataLoaded", "FitStarted", "EpochEnded")] == [
        "DataLoaded", "FitStarted", *["EpochEnded"] * 4,
    ]  # fmt: skip
    losses = [v for f in facts if isinstance(f, ev.Scalars) and f.name == "loss" for v in f.values]
    assert len(losses) == 20
    assert [f.at for f in facts] == sorted(f.at for f in facts)
    assert run.read_info().ended == "done"
    assert not Path(run.read_info().socket).exists()
    assert any(isinstance(f, ev.LayersMeasured) for f in facts)


def test_the_preview_is_what_the_model_said(tmp_path: Path, data_dir: Path) -> None:
    run = new_run(tmp_path, data_dir, epochs=1)
    trainer.host(run, RunControl())
    last = [f for f in journal(run) if isinstance(f, ev.PreviewSaved)][-1]
    saved = load_file(run.path / last.file)
    assert saved["pixels"].dtype == np.uint8
    assert saved["pixels"].shape == (last.count, 1, 28, 28)
    for name in ("labels", "predictions", "confidences"):
        assert saved[name].shape == (last.count,)


def weights(run: RunDir, control: RunControl | None = None) -> list[torch.Tensor]:
    fitting = Fitting(run, read_config(run.config_file), control or RunControl(), Reporter([]))
    fitting.run()
    assert fitting.learn is not None
    return [p.detach().clone() for p in fitting.learn.model.parameters()]


def test_watching_changes_no_bit(tmp_path: Path, data_dir: Path) -> None:
    plain = weights(new_run(tmp_path, data_dir, stats=False))
    watching: list[dict[str, Any]] = [{"stats": True}, {"stats_every": 1}]
    for n, options in enumerate(watching):
        watched = weights(new_run(tmp_path / str(n), data_dir, **options))
        assert all(torch.equal(a, b) for a, b in zip(plain, watched, strict=True))


def test_another_seed_gives_other_weights(tmp_path: Path, data_dir: Path) -> None:
    a, b = (weights(new_run(tmp_path / str(seed), data_dir, seed=seed)) for seed in (1, 2))
    assert not all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("model", ["mlp", "conv"])
def test_the_metrics_are_those_of_an_independent_pass(tmp_path: Path, data_dir: Path, model: str) -> None:
    run = new_run(tmp_path, data_dir, model=model, epochs=1)
    heard: list[Any] = []
    fitting = Fitting(run, read_config(run.config_file), RunControl(), Reporter([heard.append]))
    fitting.run()
    assert fitting.learn is not None
    valid = fitting.learn.dls.valid
    with torch.no_grad():
        batches = [(fitting.learn.model(x), y) for x, y in valid]
    out, y = torch.cat([b[0] for b in batches]), torch.cat([b[1] for b in batches])
    row = [f for f in heard if isinstance(f, ev.EpochEnded) and f.phase == "valid"][-1]
    assert row.samples == 200
    assert row.metrics["loss"] == pytest.approx(torch.nn.functional.cross_entropy(out, y).item(), rel=1e-5)
    assert row.metrics["accuracy"] == pytest.approx((out.argmax(1) == y).float().mean().item(), abs=1e-6)


def test_a_stop_before_the_first_batch_ends_the_preparation(tmp_path: Path, data_dir: Path) -> None:
    control = RunControl()
    control.stop(signal.SIGTERM)
    ended = trainer.host(new_run(tmp_path, data_dir), control)
    assert (ended.reason, ended.step) == ("stopped", 0)
    assert trainer.exit_code(ended, control) == 143


def test_requests_reach_the_loop_and_leave_no_hook(tmp_path: Path, data_dir: Path) -> None:
    control = RunControl()
    asked: list[AnyRequest] = [SkipEpoch(id="e", epoch=0, phase="train"), Stop(id="s")]
    for request in asked:
        control.submit(request)
    run = new_run(tmp_path, data_dir, stats_every=1)
    heard: list[Any] = []
    fitting = Fitting(run, read_config(run.config_file), control, Reporter([heard.append]))
    control.stop_asked = False  # the stop is for the loop, not for the preparation
    assert fitting.run() == "stopped"
    assert fitting.learn is not None
    assert all(not m._forward_hooks for m in fitting.learn.model.modules())
    assert all(p.grad is None or not p.grad.any() for p in fitting.learn.model.parameters())


def test_what_the_data_lack_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    run = new_run(tmp_path, tmp_path / "empty")
    ended = trainer.host(run, RunControl())
    assert ended.reason == "failed"
    assert str(tmp_path / "empty") in ended.error
    assert capsys.readouterr().err == f"error: {ended.error}\n"
    assert trainer.exit_code(ended, RunControl()) == 1


class Breaks(Callback):
    """Fails in the third batch."""

    def after_loss(self, learn: Any) -> None:
        if learn.iter == 2:
            raise ValueError("first line\nsecond line")


def test_an_exception_in_training_is_told_and_the_rows_are_closed(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    callbacks = Fitting._callbacks
    monkeypatch.setattr(Fitting, "_callbacks", lambda self, *more: [*callbacks(self, *more), Breaks()])
    run = new_run(tmp_path, data_dir)
    ended = trainer.host(run, RunControl())
    assert (ended.reason, ended.error, ended.step) == ("failed", "ValueError: first line", 2)
    row = next(f for f in journal(run) if isinstance(f, ev.EpochEnded))
    assert (row.ended, row.batches) == ("failed", 2)
    assert "second line" in capsys.readouterr().err
    assert run.read_info().ended == "failed"


def test_a_listener_hears_what_the_journal_holds(tmp_path: Path, data_dir: Path) -> None:
    heard: list[Any] = []
    run = new_run(tmp_path, data_dir, epochs=1)
    trainer.host(run, RunControl(), [heard.append])
    assert heard == journal(run)


def test_a_request_waiting_at_the_end_is_answered(tmp_path: Path, data_dir: Path) -> None:
    control, run = RunControl(), new_run(tmp_path, data_dir, epochs=1)

    def late(fact: ev.Fact) -> None:
        if isinstance(fact, ev.EpochEnded) and fact.phase == "valid":
            control.submit(Pause(id="late"))

    trainer.host(run, control, [late])
    assert [f.request for f in journal(run) if isinstance(f, ev.Refused)] == ["late"]


def test_signals_inherited_as_ignored_stay_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    set_: list[int] = []
    monkeypatch.setattr(signal, "getsignal", lambda n: signal.SIG_IGN if n == signal.SIGINT else signal.SIG_DFL)
    monkeypatch.setattr(signal, "signal", lambda n, handler: set_.append(n))
    trainer.obey_signals(RunControl(), hangup="stop")
    assert set_ == [signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP]


@pytest.mark.parametrize(
    ("reason", "number", "code"), [("done", 15, 0), ("stopped", 0, 0), ("stopped", 2, 130), ("failed", 15, 1)]
)
def test_exit_codes(reason: Any, number: int, code: int) -> None:
    control = RunControl()
    control.signal = number
    assert trainer.exit_code(ev.FitEnded(at=0, reason=reason, step=1), control) == code
