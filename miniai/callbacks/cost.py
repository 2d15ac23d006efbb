"""What a piece of monitoring costs, and when it may happen again."""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable

import torch

__all__ = ["Pace", "Stopwatch", "TokenBucket"]


class Stopwatch:
    """Adds up the time between `start` and `stop`; where a GPU works behind the program's back, the GPU's time."""

    def __init__(self, time: Callable[[], float] = time.perf_counter) -> None:
        self._time = time
        self._began = 0.0
        self._wall = 0.0
        self._events: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []

    def reset(self) -> None:
        """Begin at zero."""
        self._wall = 0.0
        self._events.clear()

    def start(self, device: torch.device | None = None) -> None:
        """The piece begins; `device` is where it computes."""
        if device is not None and device.type == "cuda":
            self._events.append((_mark(), torch.cuda.Event(enable_timing=True)))  # type: ignore[no-untyped-call]
        self._began = self._time()

    def stop(self, device: torch.device | None = None) -> None:
        """The piece ends."""
        self._wall += self._time() - self._began
        if device is not None and device.type == "cuda":
            self._events[-1][1].record()

    def seconds(self) -> float:
        """The cost so far; waits for a GPU, so ask when its work is known to be done."""
        if self._events:
            self._events[-1][1].synchronize()
        return max(self._wall, sum(float(a.elapsed_time(b)) for a, b in self._events) / 1000)


def _mark() -> torch.cuda.Event:
    """A point in time of the current GPU's work."""
    event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    event.record()
    return event


class Pace:
    """How long to rest after a piece of work so that such pieces take a share `budget` of the time.

    The first cost is not counted, because it holds what is loaded once; of the last five the median counts, so that
    one moment in which another program had the processor does not silence the monitoring.
    """

    def __init__(self, budget: float) -> None:
        self.budget = budget
        self._costs: deque[float] = deque(maxlen=5)
        self._warm = False

    def rest(self, cost: float) -> float:
        """Seconds until the next piece, after one that cost `cost` seconds."""
        if not self._warm:
            self._warm = True
            return 0.0
        self._costs.append(cost)
        return statistics.median(self._costs) / self.budget


class TokenBucket:
    """Allows `rate` bytes a second in the long run and `burst` bytes at once."""

    def __init__(self, burst: float, rate: float) -> None:
        self.burst, self.rate = burst, rate
        self._tokens, self._at = burst, 0.0

    def spend(self, size: float, now: float) -> float:
        """Take `size` bytes at time `now` (seconds); returns how many seconds until as much may be taken again."""
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate) - size
        self._at = now
        return max(0.0, (size - self._tokens) / self.rate)
