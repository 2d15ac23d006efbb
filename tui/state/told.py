"""When the values at the ends of half epochs were told: a run that is resumed does some of them again at one step."""

from __future__ import annotations

from collections import deque

from miniai.run.events import RunResumed

__all__ = ["Told"]

KEPT = 1_000
"""Ends that are remembered; a run goes back to a checkpoint of the last few."""


class Told:
    """Remembers at which step and time an end was told."""

    def __init__(self) -> None:
        self._ends: deque[tuple[int, float]] = deque(maxlen=KEPT)

    def add(self, step: int, at: float) -> None:
        """An end was told at `at`, seconds of the run."""
        self._ends.append((step, at))

    def holds_until(self, resumed: RunResumed) -> int:
        """The last step whose end holds: that of the checkpoint, or the one before if its end was told afterwards."""
        saved_at = resumed.saved_at
        if saved_at is None or not any(step == resumed.step and at > saved_at for step, at in self._ends):
            return resumed.step
        return resumed.step - 1

    def drop_after(self, resumed: RunResumed) -> None:
        """Forget the ends that are void."""
        until = self.holds_until(resumed)
        self._ends = deque(((step, at) for step, at in self._ends if step <= until), maxlen=KEPT)
