"""A fit under ControlCB in which requests arrive at chosen places, and what came of them."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from miniai.callbacks.base import Callback
from miniai.callbacks.clock import TrainingClock
from miniai.callbacks.control import ControlCB
from miniai.callbacks.metrics import MetricsCB
from miniai.callbacks.report import ReportCB
from miniai.callbacks.train import TrainCB
from miniai.datasets import DataLoaders
from miniai.learner import Learner
from miniai.loader import MemoryLoader
from miniai.run import events as ev
from miniai.run.control import RunControl, new_id
from miniai.run.requests import AnyRequest, Continue

TRAIN, VALID = 5, 3
"""Batches of the two halves."""


class Asks(Callback):
    """Submits requests when a given hook of a given batch is reached; before everybody else."""

    order = -2000

    def __init__(self, control: RunControl, plan: dict[tuple[str, int, str, int], list[AnyRequest]]) -> None:
        self.control, self.plan = control, dict(plan)
        self.seen: list[tuple[int, str, int]] = []

    def _at(self, hook: str, learn: Learner) -> None:
        phase = "train" if learn.training else "valid"
        if hook == "after_loss":
            self.seen.append((learn.epoch, phase, learn.iter))
        for request in self.plan.pop((hook, learn.epoch, phase, learn.iter), []):
            self.control.submit(request)

    def before_batch(self, learn: Learner) -> None:
        self._at("before_batch", learn)

    def after_loss(self, learn: Learner) -> None:
        self._at("after_loss", learn)

    def after_epoch(self, learn: Learner) -> None:
        self._at("after_epoch", learn)


class Script(RunControl):
    """When the loop waits, the next requests of the script arrive."""

    def __init__(self, while_paused: list[AnyRequest]) -> None:
        super().__init__()
        self.while_paused = while_paused
        self.given: list[AnyRequest] = []

    def submit(self, request: AnyRequest) -> None:
        self.given.append(request)
        super().submit(request)

    def wait(self) -> AnyRequest:
        if waiting := self.take():
            return waiting
        self.given.append(self.while_paused.pop(0) if self.while_paused else Continue(id=new_id()))
        return self.given[-1]


Plan = dict[tuple[str, int, str, int], list[AnyRequest]]


def fit(plan: Plan, while_paused: list[AnyRequest] | None = None, epochs: int = 2) -> tuple[list[Any], Asks, ControlCB]:
    """The facts of a fit in which the requests of `plan` arrive, and while it stands still those of `while_paused`."""
    torch.manual_seed(0)
    x = torch.arange(TRAIN * 4 * 4, dtype=torch.uint8).reshape(-1, 1, 2, 2)
    train = MemoryLoader(x, torch.arange(len(x)) % 2, 4, shuffle=True)
    valid = MemoryLoader(x[: VALID * 4], torch.arange(VALID * 4) % 2, 4)
    facts: list[Any] = []
    control = Script(while_paused or [])
    clock = TrainingClock()
    report = ReportCB(facts.append, lambda: 0.0, clock)
    control_cb = ControlCB(control, facts.append, lambda: 0.0, clock, report.flush)
    asks = Asks(control, plan)
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    cbs = [asks, control_cb, TrainCB(), MetricsCB(), report]
    Learner(model, DataLoaders(train, valid), F.cross_entropy, lr=0.1, cbs=cbs).fit(epochs)
    return facts, asks, control_cb


def short_learner(*cbs: Callback) -> Learner:
    """Two batches a half epoch, trained by TrainCB and watched by `cbs` alone."""
    x = torch.zeros(4, 1, 2, 2, dtype=torch.uint8)
    loader = MemoryLoader(x, torch.zeros(4, dtype=torch.long), 2)
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    return Learner(model, DataLoaders(loader, loader), F.cross_entropy, cbs=[TrainCB(), *cbs])


def of(facts: list[Any], *kinds: type[ev.Fact]) -> list[Any]:
    """The facts of these kinds."""
    return [f for f in facts if isinstance(f, kinds)]


def rows(facts: list[Any]) -> list[tuple[int, str, int, str]]:
    """Epoch, half, batches done and ending of each row."""
    return [(f.epoch, f.phase, f.batches, f.ended) for f in of(facts, ev.EpochEnded)]


WHOLE = [(e, p, n, "complete") for e in (0, 1) for p, n in (("train", TRAIN), ("valid", VALID))]
"""The rows of two epochs that nothing cut short."""


def refusals(facts: list[Any]) -> dict[str, str]:
    """Why each refused request was refused, by its id."""
    return {f.request: f.why for f in of(facts, ev.Refused)}
