"""A small run that is stopped and resumed as often as one likes, and all that is known of it in the end."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.optim.lr_scheduler import OneCycleLR

from miniai.augment import RandCrop, RandErase, RandFlip
from miniai.callbacks.base import Callback
from miniai.callbacks.checkpoint import CheckpointCB
from miniai.callbacks.clock import TrainingClock
from miniai.callbacks.confusion import ConfusionCB
from miniai.callbacks.control import ControlCB
from miniai.callbacks.report import ReportCB
from miniai.callbacks.resume import ResumeCB
from miniai.callbacks.transform import BatchTransformCB
from miniai.callbacks.worst import WorstCB
from miniai.datasets import DataLoaders
from miniai.learner import Learner, MetricsCB, TrainCB
from miniai.loader import MemoryLoader
from miniai.metrics import Accuracy
from miniai.run import checkpoint
from miniai.run import events as ev
from miniai.run.control import RunControl
from miniai.run.directory import RunDir
from miniai.run.requests import AnyRequest, Stop
from miniai.seed import set_seed
from miniai.sgd import BatchSchedCB

EPOCHS, TRAIN, VALID = 3, 4, 2
"""Epochs, and batches of their two halves."""


class Place(NamedTuple):
    """In which batch something is asked, and before or after it is computed."""

    epoch: int
    phase: str
    batch: int
    hook: str = "after_loss"

    @property
    def when(self) -> tuple[int, str, int, bool]:
        """Grows in the course of a run."""
        return self.epoch, self.phase, self.batch, self.hook == "after_loss"


PLACES = [
    Place(epoch, phase, batch, hook)
    for epoch in range(EPOCHS)
    for phase, count in (("train", TRAIN), ("valid", VALID))
    for batch in range(count)
    for hook in ("before_batch", "after_loss")
]


class Asks(Callback):
    """Submits requests at a place; before everybody else."""

    order = -2500

    def __init__(self, control: RunControl, plan: dict[Place, AnyRequest]) -> None:
        self.control, self.plan = control, dict(plan)

    def _at(self, hook: str, learn: Learner) -> None:
        place = Place(learn.epoch, "train" if learn.training else "valid", learn.iter, hook)
        if place in self.plan:
            self.control.submit(self.plan.pop(place))

    def before_batch(self, learn: Learner) -> None:
        self._at("before_batch", learn)

    def after_loss(self, learn: Learner) -> None:
        self._at("after_loss", learn)


def net() -> nn.Module:
    """Dropout draws, and a norm keeps running averages."""
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.Dropout(0.3), nn.Flatten(), nn.Linear(108, 3)
    )


def images(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 3, (count,), generator=generator)
    return torch.randint(0, 256, (count, 1, 6, 6), generator=generator, dtype=torch.uint8), labels


class Run:
    """One process's part of a run: made anew as a resumed run makes it, up to the fit."""

    def __init__(
        self,
        folder: Path | None,
        plan: dict[Place, AnyRequest] | None = None,
        resume: str | None = "",
        opt_func: Any = torch.optim.Adam,
        dls: Any = None,
        sched: bool = True,
        more: list[Callback] | None = None,
        until: int | None = None,
        **save: Any,
    ) -> None:
        """`folder` None: no checkpoints. `resume`: a checkpoint's name; "" the newest one, None: begin anew."""
        set_seed(7)
        self.facts: list[Any] = []
        control, clock = RunControl(), TrainingClock()
        flip, crop, erase = RandFlip(), RandCrop(), RandErase()
        augment = BatchTransformCB(lambda batch: (erase(crop(flip(batch[0]))), batch[1]), on_val=False)
        report = ReportCB(self.facts.append, lambda: 0.0, clock)
        saver = None
        if folder is not None:
            saver = CheckpointCB(
                self.facts.append, folder, lambda: 0.0, clock, flush=report.flush, stopped=lambda: self.cb.stopped,
                **{"every": 0, **save},
            )  # fmt: skip
        self.cb = ControlCB(control, self.facts.append, lambda: 0.0, clock, report.flush, saver)
        cbs: list[Callback] = [Asks(control, plan or {}), self.cb, TrainCB(), MetricsCB(accuracy=Accuracy()), augment]
        cbs += [report, ConfusionCB(self.facts.append, lambda: 0.0, clock), *(more or [])]
        if folder is not None:
            cbs.append(WorstCB(self.facts.append, folder.parent, lambda: 0.0, clock))
        if sched:
            cbs.append(BatchSchedCB(partial(OneCycleLR, max_lr=0.02, total_steps=EPOCHS * TRAIN)))
        if saver is not None:
            cbs.append(saver)
        names = checkpoint.names(folder) if folder is not None and resume is not None else []
        if folder is not None and names:
            path = folder / (resume or names[-1])
            state = checkpoint.read_state(path)
            self.facts.append(ev.RunResumed(at=0, step=state.step, epoch=state.epoch, phase=state.phase))
            cbs.append(ResumeCB(path, state, self.facts.append, lambda: 0.0, until=until))
        if dls is None:
            valid = MemoryLoader(*images(VALID * 8 - 3, 2), 8)
            dls = DataLoaders(MemoryLoader(*images(TRAIN * 5 - 2, 1), 5, shuffle=True), valid)
        self.learn = Learner(net(), dls, F.cross_entropy, 0.01, cbs, opt_func)

    def fit(self, epochs: int = EPOCHS) -> Run:
        self.learn.fit(epochs)
        return self

    def killed(self) -> Run:
        """Fit until a callback raises Killed, as a process ends that is killed: what it had said is in the journal."""
        with pytest.raises(Killed):
            self.learn.fit(EPOCHS)
        return self

    def of(self, kind: type[ev.Fact]) -> list[Any]:
        """The facts of this kind."""
        return [fact for fact in self.facts if isinstance(fact, kind)]


class Killed(BaseException):
    """Stands for the end of a process."""


class Kills(Callback):
    """Raises Killed in a batch of training, after which nothing more is told."""

    order = -3000

    def __init__(self, at: int) -> None:
        self.at = at

    def after_step(self, learn: Learner) -> None:
        if learn.steps == self.at:
            raise Killed


def stopped_at(folder: Path, *places: Place, **how: Any) -> list[Run]:
    """A run that was stopped at these places, each time by another process, and resumed to its end."""
    runs = [Run(folder, {place: Stop(id="stop")}, **how).fit() for place in places]
    return [*runs, Run(folder, **how).fit()]


def bits(state: Any) -> Any:
    """A nested state with each tensor as its type, shape and bytes, so that == compares bit for bit."""
    if isinstance(state, torch.Tensor):
        flat = state.detach().contiguous().reshape(-1)
        return str(state.dtype), tuple(state.shape), flat.view(torch.uint8).numpy().tobytes() if len(flat) else b""
    if isinstance(state, dict):
        return {key: bits(value) for key, value in state.items()}
    return [bits(part) for part in state] if isinstance(state, (list, tuple)) else state


def journal(runs: Sequence[Run | Told]) -> tuple[dict[Any, Any], dict[str, dict[int, Any]]]:
    """Epoch rows (without their seconds) and series as a reader has them: what follows on a checkpoint is replaced."""
    rows: dict[Any, Any] = {}
    series: dict[str, dict[int, Any]] = {}
    for fact in (fact for run in runs for fact in run.facts):
        match fact:
            case ev.RunResumed():
                series = {n: {s: v for s, v in points.items() if s <= fact.step} for n, points in series.items()}
                there = fact.epoch, fact.phase == "valid"
                rows = {key: row for key, row in rows.items() if (key[0], key[1] == "valid") <= there}
            case ev.EpochEnded():
                rows[fact.epoch, fact.phase] = (
                    fact.metrics,
                    fact.batches,
                    fact.of,
                    fact.samples,
                    fact.step,
                    fact.ended,
                )
            case ev.Scalars():
                points = series.setdefault(fact.name, {})
                for i, value in enumerate(fact.values):
                    step = fact.first + i * fact.stride
                    again = fact.name == "valid_loss" and points.get(step) == value  # saved before that half was over
                    assert step not in points or again, f"{fact.name} has step {step} twice"
                    points[step] = value
    return rows, series


def known(runs: list[Run]) -> dict[str, Any]:
    """All that must be the same however often a run was interrupted."""
    learn = runs[-1].learn
    rows, series = journal(runs)
    confusion = [fact for run in runs for fact in run.facts if isinstance(fact, ev.ConfusionMeasured)][-1]
    return {
        "weights": bits(learn.model.state_dict()),
        "optimizer": bits(learn.opt.state_dict()) if hasattr(learn.opt, "state_dict") else None,
        "rows": rows,
        "series": series,
        "steps": learn.steps,
        "random": bits(torch.get_rng_state()),
        "confusion": confusion.counts,
    }


def told(run: RunDir) -> list[Any]:
    """All facts of a run's journal."""
    return [ev.decode(line) for line in run.journal.read_bytes().splitlines()]


class Told(NamedTuple):
    """Facts in the place of a Run, for `journal`."""

    facts: list[Any]


def ended_with(run: RunDir) -> dict[str, Any]:
    """What a run in a directory ended with: the files of its last checkpoint, its rows and series."""
    rows, series = journal([Told(told(run))])
    last = run.checkpoints / checkpoint.names(run.checkpoints)[-1]
    files = {name: (last / name).read_bytes() for name in (checkpoint.MODEL, checkpoint.OPTIMIZER)}
    return {"rows": rows, "series": series, "step": checkpoint.read_state(last).step, **files}
