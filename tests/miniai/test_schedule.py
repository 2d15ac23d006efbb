"""Schedulers: the rates of every batch equal torch's own, in any fit that is cut, repeated or too long."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn, optim
from torch.optim import lr_scheduler

from miniai.errors import LearnerError
from miniai.learner import CancelBatchException, CancelEpochException, FuncCB, Learner, MetricsCB, TrainCB
from miniai.sgd import BaseSchedCB, BatchSchedCB, EpochSchedCB

Make = Callable[..., Learner]

SCHEDULERS: dict[str, Callable[[Any], Any]] = {
    "onecycle": partial(lr_scheduler.OneCycleLR, max_lr=0.5, total_steps=12),
    "exponential": partial(lr_scheduler.ExponentialLR, gamma=0.7),
    "cosine": partial(lr_scheduler.CosineAnnealingLR, T_max=12),
    "step": partial(lr_scheduler.StepLR, step_size=2),
    "lambda": partial(lr_scheduler.LambdaLR, lr_lambda=lambda step: 1 / (1 + step)),
}


class Rates(FuncCB):
    """The rate and the momentum of each training batch."""

    def __init__(self) -> None:
        super().__init__(after_step=self.note)
        self.lrs: list[float] = []
        self.momenta: list[float] = []

    def note(self, learn: Learner) -> None:
        self.lrs.append(learn.opt.param_groups[0]["lr"])
        self.momenta.append(learn.opt.param_groups[0]["momentum"])


def torchs(sched: Callable[[Any], Any], steps: int) -> tuple[list[float], list[float]]:
    """The same from torch's own loop."""
    opt = optim.SGD([nn.Parameter(torch.zeros(1))], 0.1, momentum=0.9)
    made = sched(opt)
    lrs, momenta = [], []
    for i in range(steps):
        lrs.append(opt.param_groups[0]["lr"])
        momenta.append(opt.param_groups[0]["momentum"])
        opt.step()
        if i < steps - 1:
            made.step()
    return lrs, momenta


def sgd(params: Any, lr: float) -> optim.SGD:
    return optim.SGD(params, lr, momentum=0.9)


@pytest.mark.parametrize("name", SCHEDULERS)
@pytest.mark.parametrize("opt_func", [sgd, None], ids=["new", "kept"])
def test_by_batch_equals_torch_in_both_fits(make_learner: Make, name: str, opt_func: Any) -> None:
    sched = SCHEDULERS[name]
    cb, rates = BatchSchedCB(sched), Rates()
    learn = make_learner([cb, rates], opt_func=opt_func)
    for _ in range(2):
        learn.opt = sgd(learn.model.parameters(), 0.1)
        rates.lrs.clear()
        rates.momenta.clear()
        learn.fit(4)
        lrs, momenta = torchs(sched, 12)
        assert rates.lrs == pytest.approx(lrs, rel=1e-12)
        assert rates.momenta == pytest.approx(momenta, rel=1e-12)


@pytest.mark.parametrize("name", SCHEDULERS)
def test_by_epoch_equals_torch(make_learner: Make, name: str) -> None:
    rates = Rates()
    make_learner([EpochSchedCB(SCHEDULERS[name]), rates], opt_func=sgd).fit(4)
    assert rates.lrs == pytest.approx([lr for lr in torchs(SCHEDULERS[name], 4)[0] for _ in range(3)], rel=1e-12)


@settings(max_examples=20, deadline=None)
@given(total=st.integers(2, 30), extra=st.integers(0, 10))
def test_past_its_end_a_cycle_holds_its_last_rate(total: int, extra: int) -> None:
    sched = partial(lr_scheduler.OneCycleLR, max_lr=0.5, total_steps=total)
    rates = Rates()
    x = [(torch.ones(1, 1), torch.zeros(1, 1))] * (total + extra)
    cbs = [TrainCB(), BatchSchedCB(sched), rates]
    Learner(nn.Linear(1, 1), SimpleNamespace(train=x), cbs=cbs, opt_func=sgd).fit(1, valid=False)
    lrs, _ = torchs(sched, total)
    assert rates.lrs == pytest.approx([*lrs, *[lrs[-1]] * extra], rel=1e-12)


def test_the_end_of_a_cycle_is_said_once(make_learner: Make, caplog: pytest.LogCaptureFixture) -> None:
    cycle = partial(lr_scheduler.OneCycleLR, max_lr=0.5, total_steps=6)
    learn = make_learner([BatchSchedCB(cycle)], opt_func=sgd)
    learn.fit(2)
    assert caplog.text == ""
    learn.fit(4)
    assert caplog.text.count("past its end") == 1


def test_a_repeated_fit_begins_at_the_beginning(make_learner: Make) -> None:
    rates = Rates()
    learn = make_learner([BatchSchedCB(SCHEDULERS["exponential"]), rates], opt_func=sgd)
    learn.fit(1)
    learn.fit(1)
    assert rates.lrs[:3] == rates.lrs[3:]


def test_an_optimizer_that_is_kept_may_be_scheduled_again(make_learner: Make) -> None:
    rates = Rates()
    learn = make_learner([BatchSchedCB(SCHEDULERS["onecycle"]), rates], opt_func=None)
    learn.opt = sgd(learn.model.parameters(), 0.1)
    learn.fit(2)
    learn.fit(2)
    assert rates.lrs[6:] == rates.lrs[:6]


def at(place: int, error: type[Exception]) -> Callable[[Learner], None]:
    def cancel(learn: Learner) -> None:
        if learn.training and learn.iter == place:
            raise error

    return cancel


@pytest.mark.parametrize(("hook", "steps"), [("before_batch", 2), ("after_backward", 2), ("after_step", 3)])
def test_as_many_steps_as_the_optimizer_makes(make_learner: Make, hook: str, steps: int) -> None:
    cb = BatchSchedCB(SCHEDULERS["exponential"])
    hooks: dict[str, Any] = {hook: at(1, CancelBatchException)}
    make_learner([cb, FuncCB(**hooks)]).fit(1)
    assert cb.schedo.last_epoch == steps


def test_no_warning_when_nothing_was_trained(make_learner: Make) -> None:
    """Warnings are errors here: torch has one for a schedule that steps before the optimizer."""
    cb = EpochSchedCB(SCHEDULERS["exponential"])
    make_learner([cb, FuncCB(before_batch=at(0, CancelEpochException))]).fit(3)
    assert cb.schedo.last_epoch == 3


def test_validation_alone_does_not_step(make_learner: Make) -> None:
    batch, epoch = BatchSchedCB(SCHEDULERS["exponential"]), EpochSchedCB(SCHEDULERS["exponential"])
    make_learner([batch, epoch]).fit(2, train=False)
    assert batch.schedo.last_epoch == epoch.schedo.last_epoch == 0


def test_plateau_sees_the_validation_loss(make_learner: Make) -> None:
    cb = EpochSchedCB(
        partial(lr_scheduler.ReduceLROnPlateau, patience=0, factor=0.5, threshold=10, threshold_mode="abs")
    )
    metrics, losses = MetricsCB(), list[float]()
    metrics.quiet = True
    spy = FuncCB(after_epoch=lambda learn: losses.append(metrics.values()["loss"]), order=1)
    learn = make_learner([cb, metrics, spy])
    learn.fit(3)
    assert learn.opt.param_groups[0]["lr"] == 0.1 * 0.5**2  # no epoch after the first is better by 10
    assert math.isclose(cb.schedo.best, losses[1])
    with pytest.raises(LearnerError, match="MetricsCB"):
        make_learner([cb]).fit(1)
    with pytest.raises(LearnerError, match="EpochSchedCB"):
        make_learner([BatchSchedCB(cb.sched), metrics]).fit(1)


@pytest.mark.parametrize("training", [True, False])
def test_plateau_looks_only_where_a_validation_was_done_in_full(make_learner: Make, training: bool) -> None:
    """A half that is skipped, of either kind, gives it no loss; a skipped training half is still validated."""

    def skip(learn: Learner) -> None:
        if learn.epoch == 1 and learn.training == training:
            raise CancelEpochException

    cb, metrics = EpochSchedCB(partial(lr_scheduler.ReduceLROnPlateau, patience=9)), MetricsCB()
    metrics.quiet = True
    make_learner([cb, metrics, FuncCB(after_loss=skip)]).fit(3)
    assert cb.schedo.last_epoch == (3 if training else 2)


def test_what_is_no_scheduler_is_refused(make_learner: Make) -> None:
    with pytest.raises(LearnerError, match="cannot step"):
        make_learner([BaseSchedCB(lambda opt: None)]).fit(1)
