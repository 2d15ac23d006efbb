"""What single callbacks must not forget when a run is resumed, each where forgetting it would show."""

from __future__ import annotations

import random
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from safetensors.torch import load_file
from torch.optim.lr_scheduler import CosineAnnealingLR

from miniai.accel import MixedPrecision
from miniai.callbacks.base import Callback
from miniai.callbacks.clock import TrainingClock
from miniai.callbacks.report import ReportCB
from miniai.learner import CompletionCB, Learner
from miniai.run import events as ev
from miniai.run.requests import AnyRequest, Continue, Pause, SetEpochs, SetLearningRate, Stop
from miniai.sgd import BatchSchedCB
from tests.miniai.resumed import EPOCHS, TRAIN, VALID, Place, Run, bits, known

Plan: TypeAlias = dict[Place, AnyRequest]
STOP = Place(1, "train", 2)


def test_the_best_value_so_far(tmp_path: Path) -> None:
    """A rate that is far too high spoils all epochs but the first: none of them is the best, resumed or not."""
    spoil: Plan = {Place(0, "valid", VALID - 1): SetLearningRate(id="L", factor=1e4)}
    how: dict[str, Any] = {"sched": False, "every": 1, "best": "loss"}
    whole = Run(tmp_path / "whole", spoil, **how).fit()
    parts = [Run(tmp_path / "parts", {**spoil, STOP: Stop(id="s")}, **how).fit(), Run(tmp_path / "parts", **how).fit()]
    best = [[fact.step for run in runs for fact in run.of(ev.Saved) if fact.why == "best"] for runs in ([whole], parts)]
    assert best == [[TRAIN], [TRAIN]]


class Spoils(Callback):
    """Every loss is NaN."""

    def after_loss(self, learn: Learner) -> None:
        learn.loss = learn.loss * float("nan")


def test_an_alert_is_not_said_again(tmp_path: Path) -> None:
    runs = [
        Run(tmp_path / "c", {STOP: Stop(id="s")}, more=[Spoils()]).fit(),
        Run(tmp_path / "c", more=[Spoils()]).fit(),
    ]
    said = [fact.text for run in runs for fact in run.of(ev.Alerted) if fact.topic == "nan"]
    assert said == ["the training loss is nan at step 1", "the validation loss is nan at step 4"]


def test_the_time_of_a_half_goes_on() -> None:
    facts, now = list[Any](), 0.0
    clock = TrainingClock(lambda: now)
    report = ReportCB(facts.append, lambda: now, clock)
    learn: Any = type("L", (), {"cbs": [], "epoch": 0, "training": True, "dl": [1] * 9, "steps": 3})()
    state = {"batches": 3, "samples": 12, "seconds": 50.0, "waited": 20.0, "lr": 0.1, "alerted": []}
    report.before_epoch(learn)
    now = 5.0  # what the loader takes to come to the place is part of the wait
    report.load_state_dict(state)
    now = 6.0
    report.before_batch(learn)
    report.flush()
    told = next(fact for fact in facts if isinstance(fact, ev.Progressed))
    assert (told.batch, told.samples, told.seconds, told.waited) == (3, 12, 51.0, 21.0)


class Draws(Callback):
    """Notes a number of each generator at every training batch."""

    def __init__(self) -> None:
        self.drawn: list[tuple[float, float, float]] = []

    def after_batch(self, learn: Learner) -> None:
        if learn.training:
            self.drawn.append((random.random(), float(np.random.random()), float(torch.rand(()))))

    def state_dict(self) -> dict[str, Any]:
        return {"drawn": self.drawn}

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        self.drawn = list(state["drawn"])


def test_all_generators_and_the_count_of_batches(tmp_path: Path) -> None:
    whole, first, second = Draws(), Draws(), Draws()
    Run(None, more=[whole]).fit()
    Run(tmp_path / "c", {STOP: Stop(id="s")}, more=[first, CompletionCB()]).fit()
    completion = CompletionCB()
    Run(tmp_path / "c", more=[second, completion]).fit()
    assert second.drawn == whole.drawn
    assert completion.count == EPOCHS * (TRAIN + VALID)


def test_the_scale_of_half_precision() -> None:
    scalers = []
    first, second = (MixedPrecision(dtype=torch.float16) for _ in range(2))
    for cb in (first, second):
        cb.before_fit(Learner(torch.nn.Linear(1, 1), cbs=[cb]))
        assert cb.scaler is not None
        scalers.append(cb.scaler)
    scalers[0].load_state_dict({**scalers[0].state_dict(), "scale": 1024.0, "_growth_tracker": 5})
    second.load_state_dict(first.state_dict())
    assert scalers[1].state_dict() == scalers[0].state_dict()
    assert scalers[1].state_dict()["scale"] == 1024.0


def test_a_schedule_that_ended_does_not_begin_again(tmp_path: Path) -> None:
    """A cosine that is past its end would turn the rate up again."""

    def more() -> list[Callback]:
        return [BatchSchedCB(partial(CosineAnnealingLR, T_max=EPOCHS * TRAIN))]

    longer: Plan = {Place(0, "train", 1): SetEpochs(id="E", epochs=EPOCHS + 2)}
    folder, late = tmp_path / "checkpoints", Place(EPOCHS, "train", 1)
    whole = known([Run(None, longer, sched=False, more=more()).fit()])
    first = Run(folder, {**longer, late: Stop(id="s")}, sched=False, more=more()).fit()
    assert known([first, Run(folder, sched=False, more=more()).fit()]) == whole


def test_the_worst_of_a_validation(tmp_path: Path) -> None:
    plans: dict[str, Plan] = {"whole": {}, "parts": {Place(EPOCHS - 1, "valid", 0): Stop(id="s")}}
    for name, plan in plans.items():
        folder = tmp_path / name / "checkpoints"
        folder.parent.mkdir()
        Run(folder, plan).fit()
        if plan:
            Run(folder).fit()
    file = f"preview/{EPOCHS * TRAIN}-worst.safetensors"
    whole, parts = (load_file(tmp_path / name / file) for name in ("whole", "parts"))
    assert bits(parts) == bits(whole)


def test_a_pause_says_where_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    Run(folder, {STOP: Stop(id="s")}).fit()
    second = Run(folder, {Place(1, "train", 3, "before_batch"): Pause(id="p")})
    second.cb.control.wait = lambda: Continue(id="c")  # type: ignore[method-assign]
    paused = second.fit().of(ev.Paused)
    assert [(fact.epoch, fact.phase, fact.batch, fact.step) for fact in paused] == [(1, "train", 3, TRAIN + 3)]
