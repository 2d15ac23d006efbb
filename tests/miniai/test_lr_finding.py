"""The jobs of the trainer that train nothing for keeps: a search for a learning rate, a look at the data."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from safetensors.numpy import load_file

from miniai.config import RunConfig
from miniai.describing import pick
from miniai.fitting import Fitting
from miniai.lr_finding import RateFinding
from miniai.run import events as ev
from miniai.run.control import RunControl
from miniai.run.directory import RunDir, create_run
from miniai.run.reporter import Reporter
from miniai.run.requests import Stop
from miniai.trainer import host
from tests.idx import write_idx


@pytest.fixture(autouse=True)
def private_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def idx(tmp_path: Path) -> Path:
    """Small data that can be learned."""
    folder = tmp_path / "idx"
    folder.mkdir()
    return write_idx(folder, 640, 100, packed=False)


def config(idx: Path, **more: object) -> RunConfig:
    return RunConfig(**{"job": "lr-find", "data_dir": str(idx), "bs": 64, "device": "cpu", **more})  # type: ignore[arg-type]


def done(
    folder: Path, asked: RunConfig, control: RunControl | None = None
) -> tuple[RunDir, list[ev.Fact], ev.FitEnded]:
    run, facts = create_run(folder / "runs", asked), list[ev.Fact]()
    ended = host(run, control or RunControl(), [facts.append])
    assert [ev.decode(line) for line in run.journal.read_bytes().splitlines()] == facts
    return run, facts, ended


def curve(facts: list[ev.Fact]) -> tuple[list[float], list[float]]:
    tried = [fact for fact in facts if isinstance(fact, ev.RatesTried)]
    rates = [rate for fact in tried for rate in fact.rates]
    assert [fact.first for fact in tried] == [sum(len(f.rates) for f in tried[:i]) for i in range(len(tried))]
    return rates, [float(loss) for fact in tried for loss in fact.losses]


def test_a_search_tells_its_curve_and_suggests_a_rate(tmp_path: Path, idx: Path) -> None:
    _, facts, ended = done(tmp_path, config(idx))
    rates, losses = curve(facts)
    (found,) = [fact for fact in facts if isinstance(fact, ev.RateSuggested)]
    assert ended.reason == "done"
    assert ended.step == len(rates) > 20
    assert rates == pytest.approx([1e-5 * 1.3**i for i in range(len(rates))])
    assert found.rate is not None
    assert found.rate == float(f"{found.rate:.2g}")
    assert rates[0] < found.rate < rates[-1]
    assert losses[-1] > 3 * min(losses) or not math.isfinite(losses[-1]) or rates[-1] >= 100
    assert not [fact for fact in facts if isinstance(fact, ev.Alerted) and fact.topic == "nan"]


def test_it_is_learn_lr_find_and_leaves_the_model_alone(tmp_path: Path, idx: Path) -> None:
    asked = config(idx, lr_factor=1.5)
    run, facts, _ = done(tmp_path, asked)
    reporter = ev_reporter([])
    fitting = RateFinding(run, asked, RunControl(), reporter)
    learn = fitting.prepare()
    before = {name: value.clone() for name, value in learn.model.state_dict().items()}
    finder = learn.lr_find(1.5)
    assert curve(facts)[1] == pytest.approx(finder.losses, rel=1e-5)
    assert all(torch.equal(before[name], value) for name, value in learn.model.state_dict().items())
    assert not [m for m in learn.model.modules() if m._forward_hooks or m._forward_pre_hooks or m._backward_hooks]


def ev_reporter(heard: list[ev.Fact]) -> Reporter:
    return Reporter([heard.append])


def test_a_loss_that_is_nan_at_once_is_said_plainly(tmp_path: Path, idx: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.nn.functional, "cross_entropy", lambda preds, targets: preds.sum() * math.nan)
    _, facts, ended = done(tmp_path, config(idx))
    (found,) = [fact for fact in facts if isinstance(fact, ev.RateSuggested)]
    assert ended.reason == "done"
    assert found.rate is None
    assert "not finite at the lowest rate already" in found.why


def test_a_loss_that_never_diverges_ends_at_the_highest_rate(
    tmp_path: Path, idx: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.nn.functional, "cross_entropy", lambda preds, targets: preds.sum() * 0 + 2.0)
    _, facts, _ = done(tmp_path, config(idx, lr_factor=4.0))
    rates, _ = curve(facts)
    (found,) = [fact for fact in facts if isinstance(fact, ev.RateSuggested)]
    assert rates[-2] < 100 <= rates[-1]
    assert "had not diverged" in found.ended
    assert "never fell" in found.why


def test_a_stop_suggests_from_what_was_tried(tmp_path: Path, idx: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from miniai.callbacks.rates import RatesCB

    control, after_batch = RunControl(), RatesCB.after_batch

    def stop_soon(self: RatesCB, learn: object) -> None:
        after_batch(self, learn)  # type: ignore[arg-type]
        if self.tried == 12:
            control.submit(Stop(id="enough"))

    monkeypatch.setattr(RatesCB, "after_batch", stop_soon)
    _, facts, ended = done(tmp_path, config(idx), control)
    (found,) = [fact for fact in facts if isinstance(fact, ev.RateSuggested)]
    assert ended.reason == "stopped"
    assert ended.step == len(curve(facts)[0]) == 12
    assert "stopped on request after 12 batches" in found.ended
    assert [fact.request for fact in facts if isinstance(fact, ev.StopPlanned)] == ["enough"]


def test_the_data_are_described_with_images_of_every_class(tmp_path: Path, idx: Path) -> None:
    run, facts, ended = done(tmp_path, config(idx, job="data"))
    (told,) = [fact for fact in facts if isinstance(fact, ev.DatasetDescribed)]
    assert ended.reason == "done"
    assert told.about["classes"][0] == "T-shirt/top"
    assert [split["classes"] for split in told.about["splits"]] == [[64] * 10, [10] * 10]
    assert told.files.keys() == {"train", "valid"}
    held = load_file(run.path / told.files["valid"])
    assert held["labels"].tolist() == list(range(10)) * 10
    assert (held["pixels"].mean((1, 2, 3)) // 25).tolist() == held["labels"].tolist()


def test_data_that_are_not_there_are_a_failure_in_one_line(tmp_path: Path) -> None:
    _, _, ended = done(tmp_path, config(tmp_path, job="data"))
    assert ended.reason == "failed"
    assert str(tmp_path) in ended.error


def test_pictures_come_in_rounds_and_are_few() -> None:
    labels = torch.tensor([2, 0, 0, 1, 0, 2, 2, 7])
    assert pick(labels, 3, 2).tolist() == [1, 3, 0, 2, 5]
    assert pick(labels, 3, 0).tolist() == [1, 3, 0]
    assert pick(labels, 0, 5).tolist() == []
    assert len(pick(torch.zeros(1000, dtype=torch.long), 1, 10**9)) == 60


def test_a_fit_is_a_fit() -> None:
    from miniai.trainer import _job

    assert _job(RunConfig()) is Fitting
