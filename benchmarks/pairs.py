"""Compare two ways to do the same work where the machine's speed drifts: alternate, and compare neighbours.

Windows of A and B take turns (A B, B A, A B, ...), each at least so long that the clock's grain and a single hiccup
do not matter. Each pair of neighbouring windows gives one ratio of speeds. Their median is the answer; its interval
is distribution-free (order statistics of the pairs' ratios).
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Window:
    """One stretch of work."""

    items: int
    seconds: float
    cpu: float
    """CPU seconds of the whole process."""

    @property
    def rate(self) -> float:
        """Items a second."""
        return self.items / self.seconds


@dataclass(frozen=True)
class Ratios:
    """Speed of A over speed of B, pair by pair."""

    a: list[Window]
    b: list[Window]

    @property
    def values(self) -> list[float]:
        """One ratio a pair; above 1 where A was faster."""
        return [a.rate / b.rate for a, b in zip(self.a, self.b, strict=True)]

    @property
    def cpu_values(self) -> list[float]:
        """The same of CPU time an item instead of time: above 1 where A needed less."""
        return [(b.cpu / b.items) / (a.cpu / a.items) for a, b in zip(self.a, self.b, strict=True)]

    def line(self, name: str) -> str:
        """The result in one line of text."""
        low, high = median_interval(self.values)
        cpu_low, cpu_high = median_interval(self.cpu_values)
        rate = statistics.median(w.rate for w in self.a)
        return (
            f"{name:<28} {statistics.median(self.values):.3f} [{low:.3f}, {high:.3f}]   "
            f"cpu {statistics.median(self.cpu_values):.3f} [{cpu_low:.3f}, {cpu_high:.3f}]   "
            f"{rate:,.0f} a second, {len(self.a)} pairs"
        )


def median_interval(values: list[float], confidence: float = 0.95) -> tuple[float, float]:
    """Interval that holds the true median with at least this confidence, whatever the distribution.

    The k-th smallest and k-th largest value enclose it unless fewer than k of n fair coins show heads, or fewer
    than k show tails (Conover, Practical Nonparametric Statistics, section on quantiles).
    """
    ordered, n = sorted(values), len(values)
    k, outside = 0, 0.0
    while k < n // 2 and outside + 2 * math.comb(n, k) / 2**n <= 1 - confidence:
        outside += 2 * math.comb(n, k) / 2**n
        k += 1
    place = max(k, 1)
    return ordered[place - 1], ordered[n - place]


def window(work: Callable[[], int], seconds: float) -> Window:
    """Repeat `work`, which returns how many items it did, for at least `seconds`."""
    items = 0
    start, cpu = time.perf_counter(), time.process_time()
    while True:
        items += work()
        if (spent := time.perf_counter() - start) >= seconds:
            return Window(items, spent, time.process_time() - cpu)


def compare(a: Callable[[], int], b: Callable[[], int], pairs: int = 20, seconds: float = 1.5) -> Ratios:
    """Alternate windows of `a` and `b`, after one of each that is not counted."""
    window(a, seconds / 3)
    window(b, seconds / 3)
    first: list[Window] = []
    second: list[Window] = []
    for i in range(pairs):
        if i % 2:
            second.append(window(b, seconds))
            first.append(window(a, seconds))
        else:
            first.append(window(a, seconds))
            second.append(window(b, seconds))
    return Ratios(first, second)
