"""ProgressCB: bars and a table of the metrics, drawn by fastprogress in notebooks and plain consoles."""

from __future__ import annotations

import math
import time
from collections.abc import Sized
from typing import TYPE_CHECKING, Any

import torch

from miniai.callbacks.base import Callback, CancelEpochException
from miniai.callbacks.drain import Drain
from miniai.callbacks.metrics import MetricsCB, batch_size
from miniai.errors import LearnerError
from miniai.metrics import Mean
from miniai.optional import need

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["ProgressCB"]

LOOK, DRAW = 0.2, 2.0
"""Seconds between two looks at the newest loss, and between two drawings of all losses."""

POINTS = 1000
"""So many training losses are drawn at most."""


def _length(x: object) -> int | str:
    """How many items `x` has, in fastprogress's terms."""
    try:
        return len(x) if isinstance(x, Sized) else "noinfer"
    except TypeError:  # a DataLoader over an IterableDataset
        return "noinfer"


class ProgressCB(Callback):
    """Show a bar over the epochs, one over the batches, and a row for each half epoch.

    The rows are those of MetricsCB: this callback takes its `_log` over for the time of a fit. Without a MetricsCB
    there are only bars. `plot=True` also draws the losses below the table of a notebook (a console has no place for
    them); `plot_losses()` draws them anywhere, afterwards. `losses` has the loss of each training batch of the fit,
    `val_losses` the mean loss (weighted by batch size) of each validation half, as numbers.
    """

    order = MetricsCB.order + 1

    def __init__(self, plot: bool = False) -> None:
        self.plot = plot
        self.losses: list[float] = []
        self.val_losses: list[float] = []
        self.mbar: Any = None
        """The bar over the epochs during a fit."""
        self._bar: Any = None
        self._drain: Drain[bool] = Drain()
        self._mean = Mean()
        self._taken: list[tuple[dict[str, Any], Any]] = []
        self._header: list[str] = []
        self._epochs = self._batches = 0
        self._epoch: object = None
        self._val_at: list[int] = []
        self._look_due = self._draw_due = 0.0

    def before_fit(self, learn: Learner, /) -> None:
        """Begin the bars and take the rows."""
        if any(isinstance(cb, ProgressCB) and cb is not self for cb in learn.cbs):
            raise LearnerError("two ProgressCBs would draw over each other: give the Learner only one")
        library = need("fastprogress", "notebook")
        if self.plot:
            need("matplotlib.pyplot", "notebook")  # fastprogress draws with it
        self.losses, self.val_losses, self._val_at, self._header = [], [], [], []
        self._epochs, self._epoch, self._draw_due = 0, None, 0.0
        self._drain.clear()
        self._mean.reset()
        total = _length(learn.epochs)
        self.mbar = library.master_bar(learn.epochs, total=learn.n_epochs if isinstance(total, str) else total)
        loggers = [vars(cb) for cb in learn.cbs if cb is not self and hasattr(cb, "_log")]
        self._taken = [(own, own.get("_log")) for own in loggers]
        for own in loggers:
            own["_log"] = self._log

    def _give_back(self) -> None:
        """Let those who log rows do so by themselves again."""
        for own, before in self._taken:
            if before is None:
                own.pop("_log", None)
            else:
                own["_log"] = before
        self._taken = []

    def _log(self, row: dict[str, Any]) -> None:
        """Write one row of the table, the names before the first."""
        if not self._header:
            self._header = list(row)
            self.mbar.write(self._header, table=True)
        self.mbar.write([str(value) for value in row.values()], table=True)

    def before_epoch(self, learn: Learner, /) -> None:
        """Begin a bar over the batches."""
        if self._epoch != learn.epoch or not self._epochs:
            self.mbar.update(self._epochs)
            self._epoch, self._epochs = learn.epoch, self._epochs + 1
        library = need("fastprogress", "notebook")
        self._bar = library.progress_bar(learn.dl, total=_length(learn.dl), leave=False, parent=self.mbar)
        self._bar.update(0)
        self._batches, self._look_due = 0, 0.0

    def after_batch(self, learn: Learner, /) -> None:
        """Keep the loss; now and then show the newest."""
        loss = torch.as_tensor(learn.loss).detach()
        if learn.training:
            self._drain.push(True, loss)
        else:
            self._mean.update(loss, batch_size(learn.batch))
        now = time.monotonic()
        if now >= self._look_due:
            self._look_due = now + LOOK
            if not learn.training:
                self._drain.push(False, loss)
            self._look(self._drain.drain())
            if self.plot and now >= self._draw_due:
                self._draw_due = now + DRAW
                self._draw()

    def cleanup_batch(self, _learn: Learner, /) -> None:
        """One batch further, however it ended."""
        if self._bar is not None:
            self._batches += 1
            self._bar.update(self._batches)

    def _look(self, arrived: list[tuple[bool, float]]) -> None:
        """Keep the training losses among what has left the device; show the newest of all."""
        self.losses += [loss for training, loss in arrived if training]
        if arrived and self._bar is not None:
            self._bar.comment = f"{arrived[-1][1]:.3f}"

    def cleanup_epoch(self, learn: Learner, /) -> None:
        """Take the bar over the batches away, however the half epoch ended."""
        bar, self._bar = self._bar, None
        went_on = learn.leaving is None or isinstance(learn.leaving, CancelEpochException)
        try:
            self._look(self._drain.flush())
            if self._mean.weight:
                self.val_losses.append(float(self._mean.compute()))
                self._val_at.append(len(self.losses))
                self._mean.reset()
        finally:  # a device that has failed answers nothing
            if bar is not None:
                (bar.on_iter_end if went_on else bar.on_interrupt)()
        if self.plot and self.mbar is not None:
            self._draw()

    def cleanup_fit(self, learn: Learner, /) -> None:
        """End the bars and give the rows back, however the fit ended."""
        mbar, self.mbar = self.mbar, None
        self._give_back()
        if mbar is not None:
            (mbar.on_iter_end if learn.leaving is None else mbar.on_interrupt)()

    def _curves(self) -> list[list[list[float]]]:
        """Training and validation losses as (steps, values), at most `POINTS` of the first."""
        stride = max(1, math.ceil(len(self.losses) / POINTS))
        steps = [float(step) for step in range(1, len(self.losses) + 1, stride)]
        return [[steps, self.losses[::stride]], [[float(step) for step in self._val_at], self.val_losses]]

    def _draw(self) -> None:
        if self.losses:
            self.mbar.update_graph(self._curves())

    def plot_losses(self, ax: Any = None) -> Any:
        """Draw the losses of the last fit over its steps; returns the axes."""
        if ax is None:
            ax = need("matplotlib.pyplot", "notebook").subplots()[1]
        for (steps, values), name in zip(self._curves(), ("train", "valid"), strict=True):
            ax.plot(steps, values, label=name)
        ax.set(xlabel="step", ylabel="loss")
        ax.legend()
        return ax
