"""Learning rate, number of epochs and validation, changed while the fit runs."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.optim import lr_scheduler as torch_schedules

from miniai.callbacks.base import Callback
from miniai.callbacks.clock import TrainingClock
from miniai.callbacks.control import ControlCB
from miniai.callbacks.schedule import BaseSchedCB, BatchSchedCB, EpochSchedCB
from miniai.learner import Learner
from miniai.run import events as ev
from miniai.run.control import RunControl
from miniai.run.requests import AnyRequest, Continue, Pause, SetEpochs, SetLearningRate, SetValidation, Stop
from tests.miniai.controlled import TRAIN, VALID, WHOLE, Plan, fit, of, refusals, rows, short_learner

HALF = SetLearningRate(id="r", factor=0.5)


def changes(facts: list[Any]) -> list[ev.Changed]:
    return of(facts, ev.Changed)


# -- the rate ------------------------------------------------------------------------------------------------------


def test_the_rate_is_changed_at_the_next_batch_edge_and_said() -> None:
    facts, _, _ = fit({("after_loss", 0, "train", 1): [HALF]})
    assert changes(facts) == [ev.Changed(at=0, what="lr", old=0.1, new=0.05, step=2, request="r")]
    rates = {f.first + i * f.stride: float(v) for f in of(facts, ev.Scalars) if f.name == "lr"
             for i, v in enumerate(f.values)}  # fmt: skip
    assert rates == {1: pytest.approx(0.1), 3: pytest.approx(0.05)}
    before = facts[: facts.index(changes(facts)[0])]
    assert sum(len(f.values) for f in of(before, ev.Scalars) if f.name == "loss") == 2
    assert rows(facts) == WHOLE


def test_a_typed_rate_is_set_exactly() -> None:
    learner, _ = running({1: SetLearningRate(id="r", lr=0.03)}, None)
    assert learner.opt.param_groups[0]["lr"] == 0.03


def test_the_rate_can_be_changed_in_a_pause() -> None:
    facts, _, _ = fit({("after_loss", 0, "train", 0): [Pause(id="p")]}, [HALF, Continue(id="c")])
    kinds = (ev.Paused, ev.Changed, ev.Continued)
    assert [type(f).__name__ for f in of(facts, *kinds)] == ["Paused", "Changed", "Continued"]


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (SetLearningRate(id="x", lr=0.1), "is 0.1 already"),
        (SetLearningRate(id="x", factor=1.0), "already"),
        (SetLearningRate(id="x"), "above 0"),
        (SetLearningRate(id="x", lr=-1.0), "above 0"),
        (SetLearningRate(id="x", factor=-2.0), "above 0"),
        (SetLearningRate(id="x", lr=math.inf), "above 0"),
        (SetLearningRate(id="x", factor=math.nan), "above 0"),
        (SetEpochs(id="x", epochs=0), "epoch 1 is running"),
        (SetEpochs(id="x", epochs=-3), "epoch 1 is running"),
        (SetEpochs(id="x", epochs=2), "2 epochs already"),
        (SetEpochs(id="x", epochs=10**7), "more than 1,000,000"),
        (SetValidation(id="x", on=True), "validation is on already"),
    ],
)
def test_what_makes_no_sense_is_refused(request_: AnyRequest, why: str) -> None:
    facts, _, _ = fit({("after_loss", 0, "train", 0): [request_]})
    assert why in refusals(facts)["x"]
    assert changes(facts) == []
    assert rows(facts) == WHOLE


def test_the_same_request_twice_acts_once() -> None:
    facts, _, _ = fit({("after_loss", 0, "train", 0): [HALF, HALF]})
    assert [f.new for f in changes(facts)] == [0.05]
    assert "answered already" in refusals(facts)["r"]


class Rates(Callback):
    """The rate of each training batch; asks for changes before some of them."""

    order = -2000

    def __init__(self, control: RunControl, plan: dict[int, AnyRequest]) -> None:
        self.control, self.plan, self.rates = control, plan, list[float]()

    def before_batch(self, learn: Learner) -> None:
        if learn.training and (request := self.plan.get(learn.steps)):
            self.control.submit(request)

    def after_step(self, learn: Learner) -> None:
        self.rates.append(float(learn.opt.param_groups[0]["lr"]))


def running(
    plan: dict[int, AnyRequest], sched: BaseSchedCB | None, epochs: int = 6, lr: float = 0.1, opt: Any = torch.optim.SGD
) -> tuple[Learner, list[float]]:
    """Two batches an epoch; what is asked before which step, and the rates of the steps."""
    control = RunControl()
    asks = Rates(control, plan)
    cb = ControlCB(control, lambda fact: None, lambda: 0.0, TrainingClock())
    learner = short_learner(cb, asks, *([sched] if sched else []))
    learner.opt_func = opt
    learner.fit(epochs, lr=lr)
    return learner, asks.rates


SCHEDULES: dict[str, Callable[[], BaseSchedCB]] = {
    "onecycle": lambda: BatchSchedCB(partial(torch_schedules.OneCycleLR, max_lr=0.1, total_steps=12)),
    "cosine": lambda: BatchSchedCB(partial(torch_schedules.CosineAnnealingLR, T_max=12, eta_min=0.001)),
    "restarts": lambda: BatchSchedCB(partial(torch_schedules.CosineAnnealingWarmRestarts, T_0=5, eta_min=0.001)),
    "cyclic": lambda: BatchSchedCB(partial(torch_schedules.CyclicLR, base_lr=0.01, max_lr=0.1, step_size_up=3)),
    "step": lambda: EpochSchedCB(partial(torch_schedules.StepLR, step_size=2)),
    "exponential": lambda: EpochSchedCB(partial(torch_schedules.ExponentialLR, gamma=0.5)),
    "lambda": lambda: BatchSchedCB(partial(torch_schedules.LambdaLR, lr_lambda=lambda n: 1 / (1 + n))),
    "linear": lambda: BatchSchedCB(partial(torch_schedules.LinearLR, total_iters=8)),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_whole_schedule_is_scaled_from_then_on(name: str) -> None:
    opt = partial(torch.optim.SGD, momentum=0.9)  # some schedules change the momentum too
    _, plain = running({}, SCHEDULES[name](), opt=opt)
    _, scaled = running({5: HALF, 8: SetLearningRate(id="2", factor=3.0)}, SCHEDULES[name](), opt=opt)
    assert scaled[:5] == plain[:5]
    assert scaled[5:8] == pytest.approx([0.5 * r for r in plain[5:8]], rel=1e-9)
    assert scaled[8:] == pytest.approx([1.5 * r for r in plain[8:]], rel=1e-9)


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    factors=st.dictionaries(st.integers(0, 11), st.floats(0.01, 100).filter(lambda x: x != 1.0), max_size=4),
    name=st.sampled_from(["cosine", "step", "lambda", "linear"]),
)
def test_any_factors_at_any_steps_multiply_what_the_schedule_gives(factors: dict[int, float], name: str) -> None:
    _, plain = running({}, SCHEDULES[name]())
    plan: dict[int, AnyRequest] = {at: SetLearningRate(id=f"{at}", factor=f) for at, f in factors.items()}
    _, scaled = running(plan, SCHEDULES[name]())
    expected = [rate * math.prod(f for at, f in factors.items() if at <= step) for step, rate in enumerate(plain)]
    assert scaled == pytest.approx(expected, rel=1e-9, abs=1e-15)


def test_a_rate_in_a_tensor_is_changed_in_place() -> None:
    tensors: list[torch.Tensor] = []

    def opt(params: Any, lr: float) -> torch.optim.Optimizer:
        made = torch.optim.Adam(params, lr=torch.tensor(lr), foreach=False)
        tensors.append(made.param_groups[0]["lr"])
        return made

    learner, rates = running({3: HALF}, None, epochs=2, opt=opt)
    assert learner.opt.param_groups[0]["lr"] is tensors[0]
    assert rates == pytest.approx([0.1, 0.1, 0.1, 0.05])


def test_the_next_fit_has_its_own_rate_and_schedule() -> None:
    control = RunControl()
    cb = ControlCB(control, lambda fact: None, lambda: 0.0, TrainingClock())
    asks = Rates(control, {1: HALF})
    learner = short_learner(cb, asks, SCHEDULES["step"]())
    learner.fit(1, lr=0.1)
    learner.fit(1, lr=0.1)
    assert asks.rates == pytest.approx([0.1, 0.05, 0.1, 0.1])


# -- the number of epochs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [("before_batch", 0, "train", 0), ("after_loss", 1, "valid", VALID - 1)])
def test_more_epochs_follow(place: tuple[str, int, str, int]) -> None:
    facts, asks, _ = fit({place: [SetEpochs(id="n", epochs=4)]})
    (changed,) = changes(facts)
    assert (changed.what, changed.old, changed.new, changed.note) == ("epochs", 2, 4, "")
    assert [r[0] for r in rows(facts)] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert len(asks.seen) == 4 * (TRAIN + VALID)


def test_fewer_epochs_end_the_fit_after_the_running_one() -> None:
    facts, _, control = fit({("after_loss", 1, "train", 2): [SetEpochs(id="n", epochs=2)]}, epochs=5)
    assert rows(facts) == WHOLE
    assert not control.stopped


def test_below_the_running_epoch_is_refused() -> None:
    facts, _, _ = fit({("after_loss", 1, "train", 2): [SetEpochs(id="n", epochs=1)]})
    assert "epoch 2 is running" in refusals(facts)["n"]


def test_epochs_that_a_callback_made_are_not_changed() -> None:
    class Odd(Callback):
        def before_fit(self, learn: Learner) -> None:
            learn.epochs = [3, 1, 2]

    control, facts = RunControl(), list[Any]()
    control.submit(SetEpochs(id="n", epochs=9))
    learner = short_learner(ControlCB(control, facts.append, lambda: 0.0, TrainingClock()), Odd())
    learner.fit(3)
    assert "does not count" in refusals(facts)["n"]
    assert learner.epoch == 2


def test_a_hook_may_exchange_the_epochs_and_a_one_shot_iterator_serves() -> None:
    class Longer(Callback):
        def __init__(self) -> None:
            self.seen: list[int] = []

        def before_epoch(self, learn: Learner) -> None:
            if learn.training:
                self.seen.append(learn.epoch)
                if learn.epoch == 1:
                    learn.epochs = range(4)

    longer = Longer()
    short_learner(longer).fit(2)
    assert longer.seen == [0, 1, 2, 3]

    class Once(Callback):
        def before_fit(self, learn: Learner) -> None:
            learn.epochs = iter([7, 8])

    learner = short_learner(Once())
    learner.fit(2)
    assert learner.epoch == 8


@pytest.mark.parametrize("name", ["onecycle", "cosine"])
def test_a_schedule_past_its_end_holds_its_last_rate_and_the_answer_says_so(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    facts: list[Any] = []
    control = RunControl()
    asks = Rates(control, {3: SetEpochs(id="n", epochs=9), 4: HALF})
    cb = ControlCB(control, facts.append, lambda: 0.0, TrainingClock())
    learner = short_learner(cb, asks, SCHEDULES[name]())
    learner.opt_func = partial(torch.optim.SGD, momentum=0.9)
    learner.fit(6, lr=0.1)
    assert changes(facts)[0].note == "the schedule ends after epoch 6 and holds its last rate"
    _, plain = running({}, SCHEDULES[name](), opt=learner.opt_func)
    last = asks.rates[12 if name == "cosine" else 11]
    assert asks.rates[13:] == [last] * 5
    assert last == pytest.approx(0.001 / 2 if name == "cosine" else plain[-1] / 2, rel=1e-6)
    assert "is past its end: the rate stays at" in caplog.text


def test_a_schedule_without_an_end_goes_on() -> None:
    facts: list[Any] = []
    control = RunControl()
    asks = Rates(control, {3: SetEpochs(id="n", epochs=8)})
    learner = short_learner(ControlCB(control, facts.append, lambda: 0.0, TrainingClock()), asks, SCHEDULES["step"]())
    learner.fit(6, lr=0.1)
    assert changes(facts)[0].note == ""
    assert asks.rates[::4] == pytest.approx([0.1, 0.01, 0.001, 0.0001])


# -- validation ----------------------------------------------------------------------------------------------------


def test_validation_off_and_on_again_from_the_next_epoch() -> None:
    plan: Plan = {
        ("after_loss", 0, "train", 1): [SetValidation(id="off", on=False)],
        ("after_loss", 2, "train", 1): [SetValidation(id="on", on=True)],
    }
    facts, asks, _ = fit(plan, epochs=4)
    assert [(f.what, f.old, f.new, f.epoch) for f in changes(facts)] == [("valid", 1, 0, 1), ("valid", 0, 1, 3)]
    ends = [r[2:] for r in rows(facts) if r[1] == "valid"]
    assert ends == [(VALID, "complete"), (0, "skipped"), (0, "skipped"), (VALID, "complete")]
    assert [f.off for f in of(facts, ev.EpochEnded) if f.phase == "valid"] == [False, True, True, False]
    assert {s[0] for s in asks.seen if s[1] == "valid"} == {0, 3}
    assert len(of(facts, ev.EpochStarted)) == len(rows(facts)) == 8


def test_off_and_on_within_one_epoch_leaves_all_as_it_was() -> None:
    plan: Plan = {("after_loss", 0, "train", 1): [SetValidation(id="off", on=False), SetValidation(id="on", on=True)]}
    facts, _, _ = fit(plan)
    assert rows(facts) == WHOLE


def test_a_stop_after_an_epoch_whose_validation_is_off_stops_there() -> None:
    plan: Plan = {
        ("after_loss", 0, "train", 0): [SetValidation(id="off", on=False)],
        ("after_loss", 1, "train", 1): [Stop(id="s", when="epoch", epoch=1)],
    }
    facts, _, control = fit(plan, epochs=4)
    assert control.stopped
    assert rows(facts)[-1] == (1, "valid", 0, "skipped")


def test_in_the_last_epoch_there_is_nothing_to_switch() -> None:
    facts, _, _ = fit({("after_loss", 1, "train", 0): [SetValidation(id="off", on=False)]})
    assert "last epoch" in refusals(facts)["off"]
