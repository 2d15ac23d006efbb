"""The stream of facts: one clock, and every listener hears every fact in the same order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

import msgspec

from miniai.run.events import Fact

__all__ = ["Reporter"]


class Reporter:
    """Hands facts to listeners (journal, log printer); safe to call from any thread.

    `began`: seconds of the run that lie behind, in a process before this one.
    A listener must neither raise nor block: it is called in the training loop.
    """

    def __init__(
        self,
        listeners: Sequence[Callable[[Fact], object]],
        clock: Callable[[], float] = time.monotonic,
        began: float = 0.0,
    ) -> None:
        self._listeners = tuple(listeners)
        self._clock = clock
        self._start = clock() - began
        self._last = 0.0
        self._lock = threading.RLock()

    def hear(self, listener: Callable[[Fact], object]) -> None:
        """One more listener, from the next fact on."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

    def now(self) -> float:
        """Seconds since the run began, to the millisecond."""
        return round(self._clock() - self._start, 3)

    def emit(self, fact: Fact) -> None:
        """Hand one fact to every listener; its time is never before that of the fact before.

        One that was made in another thread may have waited here behind a later one.
        """
        with self._lock:
            if fact.at < self._last:
                fact = msgspec.structs.replace(fact, at=self._last)
            self._last = fact.at
            for listener in self._listeners:
                listener(fact)
