"""What users alter of a running fit without ending or skipping anything: rate, number of epochs, validation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sized
from typing import TYPE_CHECKING, Literal, TypeAlias

from miniai.callbacks.schedule import BaseSchedCB, scale_rate
from miniai.config import MOST_EPOCHS
from miniai.run.events import Changed, EpochEnded, EpochStarted, Fact
from miniai.run.requests import SetEpochs, SetLearningRate, SetValidation
from miniai.run.switch import Switch

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["Change", "Changes", "past_the_end"]

Change: TypeAlias = SetLearningRate | SetEpochs | SetValidation


class Changes:
    """Makes the changes and says so; to be called between two batches only.

    `emit(fact)` receives the answers, `now()` is their time; `flush()` is called before a change, so that what was
    reported of the time before leaves first.
    """

    def __init__(self, emit: Callable[[Fact], None], now: Callable[[], float], flush: Callable[[], None]) -> None:
        self.emit, self.now, self.flush = emit, now, flush
        self.begin()

    def begin(self) -> None:
        """A new fit: validation is on, and nobody has changed the rate."""
        self.validation = Switch()
        self._rate_by = ""

    def make(self, request: Change, learn: Learner) -> str:
        """Do what is asked and emit Changed; else return why not."""
        match request:
            case SetLearningRate():
                return self._set_rate(request, learn)
            case SetEpochs():
                return self._set_epochs(request, learn)
            case SetValidation():
                return self._set_validation(request, learn)

    def _set_rate(self, request: SetLearningRate, learn: Learner) -> str:
        groups = getattr(learn.opt, "param_groups", None)
        if not groups:
            return "this optimizer has no learning rate that could be changed"
        old = float(groups[0]["lr"])
        if not 0 < old < math.inf:
            return f"the learning rate is {old:g} now, and no factor changes that"
        if request.factor and request.seen is not None and self._rate_by not in ("", request.seen):
            return f"the learning rate was changed meanwhile: it is {old:g} now"
        factor = request.factor or request.lr / old
        new = request.lr or old * factor
        if not (0 < new < math.inf and 0 < factor < math.inf):
            return f"{new:g} is no learning rate: it must be above 0 and not infinite"
        if new == old:
            return f"the learning rate is {old:g} already"
        self.flush()
        scale_rate(learn, factor)
        if isinstance(groups[0]["lr"], float):
            groups[0]["lr"] = new  # as it was typed, not as the factor rounds it
        self._rate_by = request.id
        self._say(request, learn, "lr", old, new)
        return ""

    def _set_epochs(self, request: SetEpochs, learn: Learner) -> str:
        n, old = request.epochs, learn.n_epochs
        if learn.epochs != range(old):
            return "this fit does not count its epochs from 0: their number cannot be changed"
        if n <= learn.epoch:
            return f"epoch {learn.epoch + 1} is running already: there cannot be fewer"
        if n > MOST_EPOCHS:
            return f"{n:,} epochs are more than {MOST_EPOCHS:,}"
        if n == old:
            return f"there are {n} epochs already"
        learn.n_epochs, learn.epochs = n, range(n)
        self._say(request, learn, "epochs", old, n, note=past_the_end(learn))
        return ""

    def _set_validation(self, request: SetValidation, learn: Learner) -> str:
        old = self.validation.last
        if request.on == old:
            return f"validation is {'on' if old else 'off'} already"
        if learn.epoch + 1 >= learn.n_epochs:
            return "this is the last epoch: no validation comes after it"
        self.validation.turn(request.on, learn.epoch + 1)
        self._say(request, learn, "valid", old, request.on, later=1)
        return ""

    def _say(
        self,
        request: Change,
        learn: Learner,
        what: Literal["lr", "epochs", "valid"],
        old: float,
        new: float,
        *,
        note: str = "",
        later: int = 0,
    ) -> None:
        self.emit(
            Changed(
                at=self.now(), what=what, old=float(f"{old:.7g}"), new=float(f"{new:.7g}"), step=learn.steps,
                epoch=learn.epoch + later, note=note, request=request.id,
            )
        )  # fmt: skip

    def leaves_out(self, learn: Learner) -> bool:
        """Whether the half epoch that is about to begin is a validation that is off; if so, its row is reported."""
        if learn.training or self.validation.at(learn.epoch):
            return False
        of = len(learn.dl) if isinstance(learn.dl, Sized) else 0
        at, epoch, step = self.now(), learn.epoch, learn.steps
        self.emit(EpochStarted(at=at, epoch=epoch, phase="valid", batches=of, step=step))
        self.emit(
            EpochEnded(
                at=at, epoch=epoch, phase="valid", metrics={}, batches=0, of=of, samples=0, seconds=0.0, step=step,
                ended="skipped", off=True,
            )
        )  # fmt: skip
        return True


def past_the_end(learn: Learner) -> str:
    """Have the schedules hold their last rate where the fit goes on behind their end; when, in words."""
    batches = len(learn.dls.train) if isinstance(learn.dls.train, Sized) else 0
    schedules = [cb for cb in learn.cbs if isinstance(cb, BaseSchedCB)]
    ends = [end for cb in schedules if (end := cb.hold_at_end(learn.n_epochs, batches)) is not None]
    return f"the schedule ends after epoch {min(ends):g} and holds its last rate" if ends else ""
