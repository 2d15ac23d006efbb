"""The time of training: a clock that stands still during pauses."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["TrainingClock", "since_now"]


class TrainingClock:
    """Seconds of training since it was made; `stop()` and `go()` frame a pause (twice is as good as once)."""

    def __init__(self, time: Callable[[], float] = time.perf_counter) -> None:
        self._time = time
        self._start = time()
        self._stopped_at: float | None = None

    @property
    def seconds(self) -> float:
        """Seconds so far, pauses excluded."""
        return (self._time() if self._stopped_at is None else self._stopped_at) - self._start

    def stop(self) -> None:
        """A pause begins."""
        if self._stopped_at is None:
            self._stopped_at = self._time()

    def go(self) -> None:
        """The pause is over."""
        if self._stopped_at is not None:
            self._start += self._time() - self._stopped_at
            self._stopped_at = None


def since_now(time: Callable[[], float] = time.perf_counter) -> Callable[[], float]:
    """A function that says how many seconds have passed since this call, to the millisecond."""
    start = time()
    return lambda: round(time() - start, 3)
