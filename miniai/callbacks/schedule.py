"""Schedules: torch's learning rate schedulers, stepped at the right time, and the learner at hand for a callback."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau

from miniai.callbacks.base import Callback, CancelEpochException
from miniai.callbacks.metrics import MetricsCB
from miniai.errors import LearnerError

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["BaseSchedCB", "BatchSchedCB", "EpochSchedCB", "HasLearnCB"]

_log = logging.getLogger("miniai")


class HasLearnCB(Callback):
    """Has the Learner as `learn` for the time of a fit, None outside of it."""

    learn: Any = None

    def before_fit(self, learn: Learner, /) -> None:
        """Take it."""
        self.learn = learn

    def cleanup_fit(self, _learn: Learner, /) -> None:
        """Let it go, however the fit ended."""
        self.learn = None


class BaseSchedCB(Callback):
    """Make a scheduler for each fit, `sched(learn.opt)`; subclasses say when it steps.

    `sched` is most often a partial: `partial(OneCycleLR, max_lr=0.1, total_steps=100)`. `schedo` is the scheduler.
    A one-cycle schedule that is past its end holds its last rate and says so once in the log ("miniai").
    """

    def __init__(self, sched: Callable[[Any], Any]) -> None:
        self.sched = sched
        self.schedo: Any = None
        self._stepped, self._held = False, 0

    def before_fit(self, learn: Learner, /) -> None:
        """Make the scheduler; what it changes at once counts for the first batch."""
        self.schedo = self.sched(learn.opt)
        if not callable(getattr(self.schedo, "step", None)):
            raise LearnerError(
                f"a schedule is made by calling sched(optimizer), and that gave {self.schedo!r}, which cannot step: "
                "use partial(OneCycleLR, max_lr=..., total_steps=...)"
            )
        self._stepped, self._held = False, 0

    def _step(self, *value: float) -> None:
        """One step of the scheduler."""
        if self._past_end():
            return
        if self._stepped:
            self.schedo.step(*value)
            return
        # torch looks once, at the first step, for a step of the optimizer before it and warns if there was none: it
        # cannot know that all batches were skipped, or that half precision's first gradients were infinite
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step", UserWarning)
            self.schedo.step(*value)
        self._stepped = True

    def _past_end(self) -> bool:
        """Whether a one-cycle schedule has given its last rate; another step would raise, or turn the rate up again."""
        if not isinstance(self.schedo, OneCycleLR) or self.schedo.last_epoch < self.schedo.total_steps - 1:
            return False
        self._held += 1
        if self._held == 2:  # the first was after the last batch of the schedule
            _log.warning(
                "the one-cycle schedule of %d steps is past its end: the rate stays at %g",
                self.schedo.total_steps,
                self.schedo.get_last_lr()[0],
            )
        return True


class BatchSchedCB(BaseSchedCB):
    """Step once for each step of the optimizer, when the batch is over: all see the rate that a batch was trained with.

    `total_steps` of a schedule is the number of training batches of the fit: epochs times `len(dls.train)`.
    """

    def before_fit(self, learn: Learner, /) -> None:
        """Make the scheduler."""
        super().before_fit(learn)
        self._seen = learn.steps
        if isinstance(self.schedo, ReduceLROnPlateau):
            raise LearnerError("ReduceLROnPlateau looks at the loss of a whole epoch: use EpochSchedCB")

    def cleanup_batch(self, learn: Learner, /) -> None:
        """Step, if the optimizer did; also when the batch was cancelled after that."""
        if learn.steps > self._seen:
            self._seen = learn.steps
            self._step()


class EpochSchedCB(BaseSchedCB):
    """Step once for each training half that was run or skipped.

    ReduceLROnPlateau steps after the validation halves that were done in full, with their mean loss.
    """

    def before_fit(self, learn: Learner, /) -> None:
        """Make the scheduler."""
        super().before_fit(learn)
        if self._plateau and not any(isinstance(cb, MetricsCB) for cb in learn.cbs):
            raise LearnerError("ReduceLROnPlateau needs the mean loss of an epoch: give the Learner MetricsCB(), too")

    @property
    def _plateau(self) -> bool:
        return isinstance(self.schedo, ReduceLROnPlateau)

    def cleanup_epoch(self, learn: Learner, /) -> None:
        """Step after a half epoch of the right kind."""
        if self._plateau:
            if not learn.training and learn.leaving is None:
                self._step(float(learn.metrics.all_metrics["loss"].compute()))
        elif learn.training and (learn.leaving is None or isinstance(learn.leaving, CancelEpochException)):
            self._step()
