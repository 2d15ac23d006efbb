"""ConfusionCB: which class was taken for which in each validation half."""

from __future__ import annotations

import time
from collections.abc import Callable, Sized
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from miniai.callbacks.base import Callback
from miniai.callbacks.classes import Classified, classified, in_order
from miniai.callbacks.clock import TrainingClock, since_now
from miniai.callbacks.cost import Pace, Stopwatch, TokenBucket
from miniai.run.events import ConfusionMeasured, Fact, encode

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["ConfusionCB", "confusion_fact"]

BUDGET = 0.005
"""Share of the training time that reading the counts may take."""
MOST = 2048
"""With more classes nothing is counted: the counts would take more room than the model."""
MATRIX = 64
"""With more classes only the sums and the most frequent mistakes are told."""
PAIRS = 200
"""Mistakes that are told."""
BURST, RATE = 2**18, 512
"""Bytes that may be written at once, and a second in the long run."""


class ConfusionCB(Callback):
    """Emit ConfusionMeasured at the end of a validation half, over the very predictions that were validated.

    Counts stay on the device until then. Where halves are so short that this would cost too much, some are passed
    over; the last one of a fit is told in any case. Of what is no classification it says so once.
    """

    order = 86
    hook_orders: ClassVar[dict[str, int]] = {"cleanup_epoch": 96}  # ReportCB has waited for the device

    def __init__(
        self,
        emit: Callable[[Fact], object],
        now: Callable[[], float] | None = None,
        clock: TrainingClock | None = None,
        *,
        time: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.emit, self.now, self.clock = emit, now or since_now(), clock or TrainingClock()
        self._watch, self._pace, self._bucket = Stopwatch(time), Pace(BUDGET), TokenBucket(BURST, RATE)
        self._counts: Tensor | None = None  # classes * classes, by label and prediction, then those left out
        self._classes = self._batches = self._of = self._epoch = self._step = 0
        self._why = ""
        self._kept: tuple[Tensor, ConfusionMeasured] | None = None  # of the last half, if it is not told yet
        self._due = 0.0

    def before_fit(self, _learn: Learner, /) -> None:
        """Nothing is known yet."""
        self._counts, self._kept, self._classes, self._why = None, None, 0, ""

    def before_epoch(self, learn: Learner, /) -> None:
        """Count anew."""
        if not learn.training:
            self._counts, self._batches = None, 0
            self._of = len(learn.dl) if isinstance(learn.dl, Sized) else 0

    @torch.no_grad()
    def after_batch(self, learn: Learner, /) -> None:
        """Count one validation batch."""
        if learn.training or self._why:
            return
        batch = classified(learn)
        why = batch if isinstance(batch, str) else self._unfit(batch)
        if why or isinstance(batch, str):
            self._why, self._counts = why, None
            at, epoch, step = self.now(), learn.epoch, learn.steps
            self.emit(ConfusionMeasured(at=at, epoch=epoch, step=step, classes=0, why=self._why))
            return
        self._batches += 1
        if len(batch.labels):
            self._count(batch)

    def _unfit(self, batch: Classified) -> str:
        classes = batch.outputs.shape[1]
        if not 2 <= classes <= MOST:
            return "the model has one output" if classes < 2 else f"{classes} classes are too many to count"
        return "the number of classes has changed" if self._counts is not None and classes != self._classes else ""

    def _count(self, batch: Classified) -> None:
        """One more for each sample in the place of its label and prediction; the last place takes what has none."""
        device, classes = batch.outputs.device, batch.outputs.shape[1]
        if self._counts is None:
            self._counts, self._classes = torch.zeros(classes * classes + 1, dtype=torch.int32, device=device), classes
        self._counts = self._counts.to(device)  # it comes from a checkpoint, maybe
        labels = batch.labels.to(device, torch.long)
        largest, predicted = batch.outputs.max(1)  # NaN where one of the row is
        good = (labels >= 0) & (labels < classes) & ~largest.isnan()
        place = torch.where(good, labels * classes + predicted, classes * classes)
        self._counts.index_add_(0, place, torch.ones_like(place, dtype=torch.int32))

    def cleanup_epoch(self, learn: Learner, /) -> None:
        """Tell what was counted."""
        if learn.training or self._counts is None:
            return
        counts, self._counts = self._counts, None
        if not in_order(learn.leaving):
            return
        complete = self._batches >= self._of if self._of else learn.leaving is None
        fact = ConfusionMeasured(
            at=self.now(), epoch=learn.epoch, step=learn.steps, classes=self._classes, complete=complete
        )
        self._kept = counts, fact
        if self.clock.seconds >= self._due:
            self._tell()

    def state_dict(self) -> dict[str, Any]:
        """The counts of the running validation."""
        return {"counts": self._counts, "classes": self._classes, "batches": self._batches, "why": self._why}

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Count on."""
        counts = state["counts"]
        self._counts = None if counts is None else counts.clone()
        self._classes, self._batches, self._why = state["classes"], state["batches"], state["why"]

    def cleanup_fit(self, _learn: Learner, /) -> None:
        """Tell of the last half, and hold nothing."""
        if self._kept is not None:
            self._tell()
        self._counts = self._kept = None

    def _tell(self) -> None:
        assert self._kept is not None
        (counts, seed), self._kept = self._kept, None
        self._watch.reset()
        self._watch.start()
        fact = confusion_fact(counts.cpu(), seed)
        self.emit(fact)
        self._watch.stop()
        seconds = self.clock.seconds
        rest = self._pace.rest(self._watch.seconds())
        self._due = seconds + max(rest, self._bucket.spend(len(encode(fact)), seconds))


def confusion_fact(counts: Tensor, seed: ConfusionMeasured) -> ConfusionMeasured:
    """`seed` with its counts, those by label and prediction, (classes * classes + 1,) on the CPU."""
    n = seed.classes
    square = counts[: n * n].view(n, n)
    wrong = square.clone().fill_diagonal_(0).flatten()
    often, place = wrong.topk(min(PAIRS, len(wrong)))
    return ConfusionMeasured(
        at=seed.at,
        epoch=seed.epoch,
        step=seed.step,
        classes=n,
        counts=square.flatten().tolist() if n <= MATRIX else [],
        totals=square.sum(1).tolist(),
        right=square.diagonal().tolist(),
        predicted=square.sum(0).tolist(),
        pairs=[(p // n, p % n, k) for k, p in zip(often.tolist(), place.tolist(), strict=True) if k],
        left_out=int(counts[n * n]),
        complete=seed.complete,
    )
