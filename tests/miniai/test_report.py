"""ReportCB: what it says, when, and that it is true."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from miniai.callbacks.series import scalars
from miniai.learner import (
    FuncCB,
    Learner,
    MetricsCB,
)
from miniai.run.events import Alerted, EpochEnded, EpochStarted, Progressed, Scalars, decode, encode

Make = Callable[..., Learner]
Hear = Callable[..., Any]


def lasting(heard: Any, seconds: float) -> FuncCB:
    """Each batch takes so long."""
    return FuncCB(after_predict=lambda learn: heard.time.pass_(seconds))


def test_a_quiet_fit(make_learner: Make, hear: Hear) -> None:
    heard, losses, values = hear(), list[float](), list[dict[str, float]]()
    spies = FuncCB(
        after_step=lambda learn: losses.append(learn.loss.item()),
        after_epoch=lambda learn: values.append(heard.metrics.values()),
    )
    learn = make_learner([*heard.cbs, spies])
    learn.fit(2)
    starts = [(s.epoch, s.phase, s.batches, s.step) for s in heard.of(EpochStarted)]
    assert starts == [(0, "train", 3, 0), (0, "valid", 2, 3), (1, "train", 3, 3), (1, "valid", 2, 6)]
    ends = heard.of(EpochEnded)
    assert [(e.epoch, e.phase, e.batches, e.of, e.samples, e.step, e.ended) for e in ends] == [
        (0, "train", 3, 3, 12, 3, "complete"),
        (0, "valid", 2, 2, 10, 3, "complete"),
        (1, "train", 3, 3, 12, 6, "complete"),
        (1, "valid", 2, 2, 10, 6, "complete"),
    ]
    for end, value in zip(ends, values, strict=True):
        assert list(end.metrics) == ["loss", "accuracy"]
        assert end.metrics == pytest.approx(value, rel=1e-6)
    assert heard.series("loss") == [(i + 1, pytest.approx(loss, rel=1e-6)) for i, loss in enumerate(losses)]
    assert heard.series("valid_loss") == [(3, ends[1].metrics["loss"]), (6, ends[3].metrics["loss"])]
    assert heard.series("lr") == [(1, 0.1)]
    assert not heard.of(Alerted)
    assert all(decode(encode(fact)) == fact for fact in heard.facts)


def test_running_values_are_those_of_the_half_so_far(make_learner: Make, hear: Hear) -> None:
    heard = hear(every=0.0, progress_every=0.0)
    truth: list[dict[str, float]] = []
    learn = make_learner([*heard.cbs, FuncCB(after_batch=lambda learn: truth.append(heard.metrics.values()), order=5)])
    learn.fit(1)
    said = heard.of(Progressed)
    assert [(p.phase, p.batch, p.samples) for p in said] == [
        ("train", 1, 5), ("train", 2, 10), ("train", 3, 12), ("valid", 1, 7), ("valid", 2, 10),
    ]  # fmt: skip
    for progress, values in zip(said, truth, strict=True):
        assert list(progress.metrics) == ["loss", "accuracy"]
        assert progress.metrics == pytest.approx(values, rel=1e-6)


def test_rates_are_bounded_and_no_loss_is_missing(make_learner: Make, hear: Hear) -> None:
    heard = hear()
    learn = make_learner([*heard.cbs, lasting(heard, 0.01)])
    learn.dls.train = learn.dls.train * 400  # 1,200 batches: 12 seconds
    learn.fit(1, valid=False)
    assert [step for step, _ in heard.series("loss")] == list(range(1, 1201))
    assert 55 <= len([f for f in heard.of(Scalars) if f.name == "loss"]) <= 110
    assert 40 <= len(heard.of(Progressed)) <= 49
    gaps = [b.at - a.at for a, b in zip(heard.of(Progressed), heard.of(Progressed)[1:], strict=False)]
    assert min(gaps) >= 0.25 - 1e-9
    assert len(heard.series("lr")) == 1


def test_a_days_run_stays_small(make_learner: Make, hear: Hear) -> None:
    """Bytes of an hour after the lively beginning, times 24, with ten batches a second."""
    heard = hear()
    heard.time.pass_(1000.0)
    sizes: list[int] = []
    heard.cb.emit = lambda fact: sizes.append(len(encode(fact)) + 1)
    learn = make_learner([*heard.cbs, lasting(heard, 0.1)])
    learn.dls.train = learn.dls.train * 200  # a minute
    learn.fit(1, valid=False)
    assert sum(sizes) * 60 * 24 < 33e6


def test_waiting_and_pauses(make_learner: Make, hear: Hear) -> None:
    heard = hear(progress_every=0.0)
    batch = torch.rand(2, 1, 4, 4), torch.zeros(2, dtype=torch.long)

    class Slow:
        def __len__(self) -> int:
            return 3

        def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
            for _ in range(3):
                heard.time.pass_(0.5)
                yield batch

    def prepare(learn: Learner) -> None:  # an augmentation is no waiting
        heard.time.pass_(0.25)

    def pause(learn: Learner) -> None:
        heard.cb.flush()
        heard.clock.stop()
        heard.time.pass_(1000.0)
        heard.clock.go()

    cbs = [lasting(heard, 1.0), FuncCB(before_batch=prepare), FuncCB(after_batch=pause, order=1000)]
    learn = make_learner([*heard.cbs, *cbs], dls=SimpleNamespace(train=Slow()))
    learn.fit(1, valid=False)
    (end,) = heard.of(EpochEnded)
    assert end.seconds == pytest.approx(3 * 1.75)
    last = heard.of(Progressed)[-1]
    assert last.waited == pytest.approx(3 * 0.5)
    assert last.seconds == pytest.approx(3 * 1.75)
    assert heard.of(Progressed)[1].batch == 1


def test_steps_go_on_over_fits(make_learner: Make, hear: Hear) -> None:
    heard = hear()
    learn = make_learner(heard.cbs)
    learn.fit(1)
    learn.fit(1)
    assert [step for step, _ in heard.series("loss")] == [1, 2, 3, 4, 5, 6]


def test_the_first_loss_that_is_not_finite_is_said_once(make_learner: Make, hear: Hear) -> None:
    def spoil(learn: Learner) -> None:
        if learn.iter >= 1:
            learn.loss = learn.loss * (math.inf if learn.iter == 1 else math.nan)

    heard = hear()
    learn = make_learner([FuncCB(after_loss=spoil), *heard.cbs])
    learn.fit(2)
    alerts = heard.of(Alerted)
    assert [(a.topic, a.step) for a in alerts] == [("nan", 2), ("nan", 3)]
    assert "training loss is inf at step 2" in alerts[0].text
    assert "validation loss" in alerts[1].text
    assert [v for _, v in heard.series("loss")][1:3] == ["inf", "nan"]


def test_learning_rates_of_a_schedule(make_learner: Make, hear: Hear) -> None:
    def change(learn: Learner) -> None:
        if learn.steps != 2:
            learn.opt.param_groups[0]["lr"] /= 2

    heard = hear()
    learn = make_learner([*heard.cbs, FuncCB(after_batch=change)], lr=0.5)
    learn.fit(1)
    assert heard.series("lr") == [(1, 0.5), (2, 0.25)]
    learn.fit(1, lr=0.25)
    assert heard.series("lr") == [(1, 0.5), (2, 0.25), (4, 0.25), (5, 0.125), (6, 0.0625)]


def test_a_rate_on_the_device_is_not_read(make_learner: Make, hear: Hear) -> None:
    heard = hear()
    learn = make_learner(heard.cbs, opt_func=lambda p, lr: torch.optim.Adam(p, torch.tensor(lr), foreach=False))
    learn.fit(1)
    assert heard.series("lr") == []


def test_without_metrics_and_without_a_length(make_learner: Make, hear: Hear) -> None:
    heard = hear()
    learn = make_learner([heard.cb])
    learn.dls.train = iter(learn.dls.train)
    learn.fit(1)
    assert [s.batches for s in heard.of(EpochStarted)] == [0, 2]
    assert [(e.of, e.metrics) for e in heard.of(EpochEnded)] == [(3, {}), (2, {})]


def test_metrics_print_again_afterwards(make_learner: Make, hear: Hear, capsys: pytest.CaptureFixture[str]) -> None:
    heard = hear()
    learn = make_learner([heard.metrics])
    learn.fit(1, cbs=heard.cb)
    assert capsys.readouterr().out == ""
    learn.fit(1)
    assert "accuracy" in capsys.readouterr().out


@given(st.lists(st.tuples(st.integers(1, 60), st.floats(allow_nan=False, width=32)), max_size=40))
def test_series_hold_every_point_in_order(points: list[tuple[int, float]]) -> None:
    facts = list(scalars("x", points, lambda: 1.0))
    back = [(f.first + i * f.stride, float(v)) for f in facts for i, v in enumerate(f.values)]
    assert [step for step, _ in back] == [step for step, _ in points]
    assert [value for _, value in back] == pytest.approx([value for _, value in points], rel=1e-6)
    assert all(f.stride > 0 for f in facts)


def test_series_are_few() -> None:
    every_tenth = [(step, 1.0) for step in range(10, 1000, 10)]
    assert len(list(scalars("x", every_tenth, lambda: 0.0))) == 1
    assert list(scalars("x", [], lambda: 0.0)) == []


def test_model_without_images(make_learner: Make, hear: Hear) -> None:
    """Regression reports its loss like everything else."""
    heard = hear()
    data = [(torch.rand(4, 3), torch.rand(4, 1))] * 2
    from miniai.learner import TrainCB

    learn = Learner(nn.Linear(3, 1), SimpleNamespace(train=data, valid=data), cbs=[TrainCB(), MetricsCB(), heard.cb])
    learn.fit(1)
    assert [list(e.metrics) for e in heard.of(EpochEnded)] == [["loss"], ["loss"]]
