"""RatesCB: says as facts what a search for a learning rate has tried."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from miniai.callbacks.base import Callback, CancelFitException
from miniai.callbacks.clock import since_now
from miniai.callbacks.lr_find import LRFinderCB
from miniai.run.events import Fact, RatesTried, numbers

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["RatesCB"]


class RatesCB(Callback):
    """Emit RatesTried with what the fit's LRFinderCB tries, at most every `every` seconds; nothing without one.

    The fit ends (CancelFit) once `highest` was tried: a loss that has not diverged by then never will. `now()` is the
    facts' time.
    """

    order = LRFinderCB.order + 10

    def __init__(
        self,
        emit: Callable[[Fact], object],
        now: Callable[[], float] | None = None,
        *,
        every: float = 0.1,
        highest: float = 100.0,
    ) -> None:
        self.emit, self.now, self.every, self.highest = emit, now or since_now(), every, highest
        self.reported = 0
        """Batches that facts have told of."""
        self._finder: LRFinderCB | None = None
        self._due = 0.0

    @property
    def tried(self) -> int:
        """Batches so far."""
        return 0 if self._finder is None else len(self._finder.lrs)

    def before_fit(self, learn: Learner, /) -> None:
        """Find the finder."""
        self._finder = next((cb for cb in learn.cbs if isinstance(cb, LRFinderCB)), None)
        self.reported, self._due = 0, 0.0

    def after_batch(self, _learn: Learner, /) -> None:
        """Report if it is time; end where nothing more can come."""
        if self.now() >= self._due:
            self.flush()
        if self._finder is not None and self._finder.lrs and self._finder.lrs[-1] >= self.highest:
            raise CancelFitException

    def cleanup_fit(self, _learn: Learner, /) -> None:
        """Report the last batches, also the one in which the loss diverged."""
        self.flush()

    def flush(self) -> None:
        """Report what was not reported yet."""
        finder, first = self._finder, self.reported
        self._due = self.now() + self.every
        if finder is None or len(finder.losses) == first:
            return
        self.reported = len(finder.losses)
        rates = [float(f"{rate:.7g}") for rate in finder.lrs[first:]]
        self.emit(RatesTried(at=self.now(), first=first, rates=rates, losses=numbers(finder.losses[first:])))
