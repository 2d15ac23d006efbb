"""Schedules: torch's learning rate schedulers, stepped at the right time, and the learner at hand for a callback."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor
from torch.optim.lr_scheduler import CosineAnnealingLR, OneCycleLR, ReduceLROnPlateau

from miniai.callbacks.base import Callback, CancelEpochException
from miniai.callbacks.metrics import MetricsCB
from miniai.errors import LearnerError

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["BaseSchedCB", "BatchSchedCB", "EpochSchedCB", "HasLearnCB", "scale_rate"]

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
        self._factor, self._end = 1.0, math.inf
        self._opt: Any = None

    def before_fit(self, learn: Learner, /) -> None:
        """Make the scheduler; what it changes at once counts for the first batch."""
        self.schedo = self.sched(learn.opt)
        if not callable(getattr(self.schedo, "step", None)):
            raise LearnerError(
                f"a schedule is made by calling sched(optimizer), and that gave {self.schedo!r}, which cannot step: "
                "use partial(OneCycleLR, max_lr=..., total_steps=...)"
            )
        self._stepped, self._held, self._opt = False, 0, learn.opt
        self._factor, self._end = 1.0, math.inf

    def scale(self, factor: float) -> None:
        """From now on, in this fit, give `factor` times the schedule's own rates; see `scale_rate`."""
        self._factor *= factor

    def hold_at_end(self, epochs: int, batches: int) -> float | None:
        """Keep a schedule that has an end from going on behind it, now that the fit has so many epochs in all.

        Returns the number of epochs, of `batches` training batches each, after which the last rate is held; None if
        the schedule has no end or the fit does not come to it. A cosine that is past its half turn goes on turning.
        """
        steps = self._steps(epochs, batches)
        end = math.inf
        if isinstance(self.schedo, OneCycleLR):
            end = self.schedo.total_steps
        elif isinstance(self.schedo, CosineAnnealingLR) and self.schedo.last_epoch <= self.schedo.T_max:
            end = self._end = self.schedo.T_max
        return end / steps * epochs if end < steps else None

    def _steps(self, epochs: int, batches: int) -> int:
        """Steps of the schedule in a fit that skips nothing."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """The scheduler's own state, and what was done with it."""
        own = self.schedo.state_dict() if hasattr(self.schedo, "state_dict") else {}
        held = {"stepped": self._stepped, "held": self._held, "factor": self._factor, "end": self._end}
        return {"schedule": own, **held}

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Go on from there; the rates themselves are the optimizer's."""
        if state["schedule"]:
            self.schedo.load_state_dict(state["schedule"])
        self._stepped, self._held = state["stepped"], state["held"]
        self._factor, self._end = state["factor"], state["end"]

    @contextmanager
    def _own_rates(self) -> Iterator[None]:
        """The optimizer with the rates as the schedule has given them, for schedules that go on from those."""
        if self._factor == 1.0:
            yield
            return
        _multiply(self._opt, 1 / self._factor)
        try:
            yield
        finally:
            _multiply(self._opt, self._factor)

    def _step(self, *value: float) -> None:
        """One step of the scheduler."""
        if self._past_end():
            return
        if self._stepped:
            with self._own_rates():
                self.schedo.step(*value)
            return
        # torch looks once, at the first step, for a step of the optimizer before it and warns if there was none: it
        # cannot know that all batches were skipped, or that half precision's first gradients were infinite
        with warnings.catch_warnings(), self._own_rates():
            warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step", UserWarning)
            self.schedo.step(*value)
        self._stepped = True

    def _past_end(self) -> bool:
        """Whether the schedule has given its last rate; another step would raise, or turn the rate up again."""
        onecycle = isinstance(self.schedo, OneCycleLR)
        end = self.schedo.total_steps - 1 if onecycle else self._end
        if end == math.inf or self.schedo.last_epoch < end:
            return False
        self._held += 1
        if self._held == 1 + onecycle:  # the first of a one-cycle schedule was after its last batch
            _log.warning(
                "the %s schedule of %d steps is past its end: the rate stays at %g",
                "one-cycle" if onecycle else "cosine",
                end + onecycle,
                self.schedo.get_last_lr()[0] * self._factor,
            )
        return True


def scale_rate(learn: Learner, factor: float) -> None:
    """Multiply the learning rate of `learn.opt`, and all that the schedules of this fit will give, by `factor`."""
    _multiply(learn.opt, factor)
    for cb in learn.cbs:
        if isinstance(cb, BaseSchedCB):
            cb.scale(factor)


def _multiply(opt: Any, factor: float) -> None:
    for group in opt.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].mul_(factor)  # in place: a captured graph reads this very tensor
        else:
            group["lr"] *= factor


class BatchSchedCB(BaseSchedCB):
    """Step once for each step of the optimizer, when the batch is over: all see the rate that a batch was trained with.

    `total_steps` of a schedule is the number of training batches of the fit: epochs times `len(dls.train)`.
    """

    hook_orders: ClassVar[dict[str, int]] = {"after_batch": 998}  # all others have seen this batch and its rate
    _seen = 0

    def before_fit(self, learn: Learner, /) -> None:
        """Make the scheduler."""
        self._seen = learn.steps
        super().before_fit(learn)
        if isinstance(self.schedo, ReduceLROnPlateau):
            raise LearnerError("ReduceLROnPlateau looks at the loss of a whole epoch: use EpochSchedCB")

    def state_dict(self) -> dict[str, Any]:
        """The scheduler's state, and the step of the optimizer that it has followed."""
        return {**super().state_dict(), "seen": self._seen}

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Go on from there."""
        super().load_state_dict(state)
        self._seen = state["seen"]

    def _steps(self, epochs: int, batches: int) -> int:
        return epochs * batches

    def after_batch(self, learn: Learner, /) -> None:
        """Step, if the optimizer did: whoever pauses, changes or saves between two batches finds the next rate."""
        self.cleanup_batch(learn)

    def cleanup_batch(self, learn: Learner, /) -> None:
        """The same for a batch that was cancelled after the optimizer's step."""
        if learn.steps > self._seen:
            self._seen = learn.steps
            self._step()


class EpochSchedCB(BaseSchedCB):
    """Step once for each training half that was run or skipped.

    ReduceLROnPlateau steps after the validation halves that were done in full, with their mean loss.
    """

    _done = False  # this half epoch was

    def before_fit(self, learn: Learner, /) -> None:
        """Make the scheduler."""
        super().before_fit(learn)
        if self._plateau and not any(isinstance(cb, MetricsCB) for cb in learn.cbs):
            raise LearnerError("ReduceLROnPlateau needs the mean loss of an epoch: give the Learner MetricsCB(), too")

    def _steps(self, epochs: int, batches: int) -> int:  # noqa: ARG002
        return epochs

    @property
    def _plateau(self) -> bool:
        return isinstance(self.schedo, ReduceLROnPlateau)

    def after_epoch(self, learn: Learner, /) -> None:
        """Step after a half epoch of the right kind that was done in full."""
        self._done = True
        if not self._plateau:
            if learn.training:
                self._step()
        elif not learn.training:
            self._step(float(learn.metrics.all_metrics["loss"].compute()))

    def cleanup_epoch(self, learn: Learner, /) -> None:
        """Step after a training half that was skipped."""
        done, self._done = self._done, False
        if learn.training and not done and not self._plateau and isinstance(learn.leaving, CancelEpochException):
            self._step()
