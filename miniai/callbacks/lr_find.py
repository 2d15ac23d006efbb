"""LRFinderCB: which learning rates train at all, and which is a good one to begin with."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from miniai.callbacks.base import Callback, CancelEpochException, CancelFitException
from miniai.callbacks.snapshot import Snapshot
from miniai.errors import LearnerError
from miniai.optional import need

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["LRFinderCB", "steepest"]


def steepest(lrs: list[float], losses: list[float]) -> float | None:
    """The rate where the loss falls fastest; None if it never falls or fewer than five losses are finite.

    The losses, at rates that grow by a constant factor, are smoothed by a centred mean over a tenth of the points
    (at least three, of fewer at the ends). Of the points up to the smallest smoothed loss, the one with the most
    negative slope against the logarithm of the rate is taken: there a small change of the rate gains most. The curve
    is the learning rate range test of L. N. Smith, Cyclical Learning Rates for Training Neural Networks, WACV 2017,
    section 3.3; its steepest point is one of the two rules of J. Howard and S. Gugger, fastai: A Layered API for Deep
    Learning, 2020. Our own is the limit of a third of the rate at the smallest smoothed loss: where noise makes the
    last fall the steepest, that point is too close to where training diverges.
    """
    points = [(lr, loss) for lr, loss in zip(lrs, losses, strict=True) if math.isfinite(loss)]
    if len(points) < 5:
        return None
    rates = np.log([lr for lr, _ in points])
    values = np.array([loss for _, loss in points])
    half = max(1, len(points) // 20)
    smooth = np.array([values[max(0, i - half) : i + half + 1].mean() for i in range(len(values))])
    lowest = int(smooth.argmin())
    slopes = np.gradient(smooth, rates)[: lowest + 1]
    best = int(slopes.argmin())
    return min(points[best][0], points[lowest][0] / 3) if slopes[best] < 0 else None


class LRFinderCB(Callback):
    """Multiply the rate by `gamma` after each training batch until the loss diverges, then put everything back.

    The fit ends (CancelFit) at a loss that is not finite, or above the smallest so far by more than `max_mult` - 1
    times its size: for the usual positive losses, above `max_mult` times the smallest. `lrs` and `losses` hold each
    batch's rate and loss; the first rate is `start_lr`, by default the optimizer's. With several parameter groups all
    grow alike and `lrs` are the first group's. Validation halves are skipped. Afterwards the model, the optimizer and
    the random state are as before (see `Snapshot`), also after an error. Each batch waits for its loss.

    Other callbacks of the fit notice the trial, and nothing is drawn: `Learner.lr_find` keeps the former away, and what
    it returns shows its curve in a notebook.
    """

    # after every scheduler, so that the rate of a batch is the finder's
    order = 100
    hook_orders: ClassVar[dict[str, int]] = {"before_fit": -900, "cleanup_fit": 900}

    def __init__(self, gamma: float = 1.3, max_mult: float = 3, *, start_lr: float | None = None) -> None:
        if gamma <= 1 or max_mult <= 1:
            raise LearnerError(f"gamma and max_mult must be above 1, not {gamma} and {max_mult}")
        self.gamma, self.max_mult, self.start_lr = gamma, max_mult, start_lr
        self.lrs: list[float] = []
        self.losses: list[float] = []
        self._min = math.inf
        self._first: list[Any] = []
        self._snapshot: Snapshot | None = None

    @property
    def suggestion(self) -> float | None:
        """A rate to begin with (see `steepest`), None if the curve shows none."""
        return steepest(self.lrs, self.losses)

    def before_fit(self, learn: Learner, /) -> None:
        """Copy what will be put back."""
        self._snapshot = Snapshot(learn)
        if not getattr(learn.opt, "param_groups", None):
            raise LearnerError("finding a learning rate needs an optimizer with param_groups (opt_func gave none)")
        self._first = [group["lr"] for group in learn.opt.param_groups]
        if self.start_lr is not None:  # the groups keep their ratio, where there is one
            leader = self._first[0]
            self._first = [self.start_lr * (rate / leader if leader else 1.0) for rate in self._first]
        self.lrs, self.losses, self._min = [], [], math.inf

    def before_epoch(self, learn: Learner, /) -> None:
        """Validation has nothing to tell."""
        if not learn.training:
            raise CancelEpochException

    def before_batch(self, learn: Learner, /) -> None:
        """Set this batch's rate."""
        growth = self.gamma ** len(self.lrs)
        for group, first in zip(learn.opt.param_groups, self._first, strict=False):
            group["lr"] = first * growth

    def after_batch(self, learn: Learner, /) -> None:
        """Note rate and loss; end the fit when the loss diverges."""
        loss = float(learn.loss.detach())
        self.lrs.append(float(learn.opt.param_groups[0]["lr"]))
        self.losses.append(loss)
        self._min = min(self._min, loss)
        if not math.isfinite(loss) or loss > self._min + (self.max_mult - 1) * abs(self._min):
            raise CancelFitException

    def cleanup_fit(self, _learn: Learner, /) -> None:
        """Put everything back."""
        snapshot, self._snapshot = self._snapshot, None
        if snapshot is not None:
            snapshot.restore()

    def plot(self, ax: Any = None) -> Any:
        """Draw the losses over the rates (log axis) with the suggestion as a line; returns the axes."""
        if ax is None:
            ax = need("matplotlib.pyplot", "notebook").subplots()[1]
        ax.plot(self.lrs, self.losses)
        ax.set(xscale="log", xlabel="learning rate", ylabel="loss")
        if self.suggestion is not None:
            ax.axvline(self.suggestion, linestyle="--", color="tab:red", label=f"{self.suggestion:.2g}")
            ax.legend()
        return ax

    def _repr_png_(self) -> bytes:
        """What a notebook shows when `learn.lr_find()` ends a cell."""
        figure, image = need("matplotlib.figure", "notebook").Figure(), io.BytesIO()
        self.plot(figure.subplots())
        figure.savefig(image, format="png")
        return image.getvalue()
