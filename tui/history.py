"""A series of any length in 1,024 buckets: bounded memory, and no spike, NaN or infinity is ever lost.

When the buckets are full, neighbours merge and each bucket spans twice as many steps. Whatever the run's length, a
view costs the same. The newest values are held one by one beside them. The full data is in the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from miniai.run.events import Number
from tui.history_columns import Columns, reduced
from tui.history_newest import Newest, Points, Reading
from tui.smoothing import SPANS, middle_mean

__all__ = ["Columns", "Reading", "Series"]

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

NEVER = np.iinfo(np.int64).max
"""Step of the first non-finite value where there was none."""


class Series:
    """Values at growing steps. Values at steps that were seen before are passed over.

    The smoothed values (`tui.smoothing`) are those of every finite raw value, whatever the stride: each bucket keeps
    what was known after its last one, for the newest values they are made when they are looked at.
    """

    def __init__(self, size: int = 1024, spans: tuple[int, ...] = SPANS, newest: int = 4096) -> None:
        self.size, self.spans = size, spans
        self.newest = Newest(newest, max(spans))
        self.stride = 1
        """Steps per bucket."""
        self.used = 0
        """Buckets up to the last one that holds a value."""
        self.origin = 0
        """First step of the first bucket."""
        self.end = -1
        """Last step seen; -1 before the first."""
        self.low: Floats = np.full(size, np.inf)
        self.high: Floats = np.full(size, -np.inf)
        self.last: Floats = np.full(size, np.nan)
        self.smooth: Floats = np.full((size, len(spans)), np.nan)
        """(buckets, spans): smoothed values after each bucket's last finite value."""
        self.count: Ints = np.zeros(size, np.int64)
        """Finite values per bucket."""
        self.bad: Ints = np.zeros(size, np.int64)
        self.first_bad: Ints = np.full(size, NEVER)
        self.at: Ints = np.full(size, -1)
        """Step of each bucket's last value; -1 while it has none."""

    def extend(self, first: int, values: Sequence[Number] | Floats, stride: int = 1) -> None:
        """Add values at steps first, first + stride, ...; "nan", "inf" and "-inf" count as what they name."""
        if stride < 1 or first < 0 or len(values) == 0:
            return
        new = np.asarray(values, np.float64)
        steps = first + stride * np.arange(len(new), dtype=np.int64)
        seen = int(np.searchsorted(steps, self.end, side="right"))
        new, steps = new[seen:], steps[seen:]
        if not len(new):
            return
        if self.used == 0:
            self.origin = int(steps[0])
        while (int(steps[-1]) - self.origin) // self.stride >= self.size:
            self._merge()
        self._fold(steps, new, self.newest.before(self.newest.used))
        self.newest.add(steps, new)
        self.end = int(steps[-1])
        self.used = (self.end - self.origin) // self.stride + 1

    def _fold(self, steps: Ints, values: Floats, before: Floats) -> None:
        """Reduce the values of each bucket at once; `before` are the finite values that came before them."""
        index = (steps - self.origin) // self.stride
        starts = np.flatnonzero(np.diff(index, prepend=-1))
        ends = np.append(starts[1:], len(index)) - 1
        to, fine = index[starts], np.isfinite(values)
        self.low[to] = np.minimum(self.low[to], np.minimum.reduceat(np.where(fine, values, np.inf), starts))
        self.high[to] = np.maximum(self.high[to], np.maximum.reduceat(np.where(fine, values, -np.inf), starts))
        self.count[to] += np.add.reduceat(fine.astype(np.int64), starts)
        self.bad[to] += np.add.reduceat((~fine).astype(np.int64), starts)
        self.first_bad[to] = np.minimum(self.first_bad[to], np.minimum.reduceat(np.where(fine, NEVER, steps), starts))
        self.last[to], self.at[to] = values[ends], steps[ends]
        upto = np.cumsum(fine)[ends]
        has = np.diff(upto, prepend=0) > 0
        known = np.concatenate([before, values[fine]])
        for i, span in enumerate(self.spans):
            self.smooth[to[has], i] = middle_mean(known, len(before) + upto[has] - 1, span)

    def _merge(self) -> None:
        """Merge neighbours: half the buckets, twice the stride."""
        half = self.size // 2

        def pairs(a: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
            return a[0 : 2 * half : 2], a[1 : 2 * half : 2]

        later = pairs(self.at)[1] >= 0
        finite = pairs(self.count)[1] > 0
        for name, empty, join in (
            ("low", np.inf, np.minimum), ("high", -np.inf, np.maximum), ("count", 0, np.add),
            ("bad", 0, np.add), ("first_bad", NEVER, np.minimum),
            ("last", np.nan, lambda a, b: np.where(later, b, a)),
            ("at", -1, lambda a, b: np.where(later, b, a)),
            ("smooth", np.nan, lambda a, b: np.where(finite[:, None], b, a)),
        ):  # fmt: skip
            array = getattr(self, name)
            array[:half] = join(*pairs(array))
            array[half:] = empty
        self.stride *= 2
        self.used = -(-self.used // 2)

    def drop_after(self, step: int) -> None:
        """Forget later values.

        The bucket that holds values before and after is made anew of the newest values, if they reach back to its
        beginning. Else it goes whole, with up to a stride of earlier values: what is left was measured.
        """
        if self.end <= step:
            return
        start = self._cut(step)
        self.newest.drop_after(step)
        again = self.newest.at >= start
        if again.any():
            first = int(np.argmax(again))
            self._fold(self.newest.at[again], self.newest.values[again], self.newest.before(first))
        left = np.flatnonzero(self.at >= 0)
        self.used = int(left[-1]) + 1 if len(left) else 0
        self.end = int(self.at[left[-1]]) if len(left) else -1
        self.newest.drop_after(self.end)

    def _cut(self, step: int) -> int:
        """Forget the buckets that hold later values; the step from which on they can be made anew."""
        if self.newest.used == int(self.count.sum() + self.bad.sum()):  # it holds all: also as fine as it could be
            self._forget(slice(None))
            last = int(self.newest.at[self.newest.at <= step].max(initial=self.origin))
            self.stride = 1
            while (last - self.origin) // self.stride >= self.size:
                self.stride *= 2
            return self.origin
        bucket = (step - self.origin) // self.stride
        first = self.origin + bucket * self.stride
        straddles = 0 <= bucket < self.size and self.at[bucket] > step and bool((self.newest.at[:1] <= first).any())
        self._forget(self.at > step)
        return first if straddles else step + 1

    def _forget(self, void: NDArray[np.bool_] | slice) -> None:
        for name, empty in (
            ("low", np.inf), ("high", -np.inf), ("count", 0), ("bad", 0), ("first_bad", NEVER),
            ("last", np.nan), ("smooth", np.nan), ("at", -1),
        ):  # fmt: skip
            getattr(self, name)[void] = empty

    @property
    def value(self) -> float | None:
        """The last value; None before the first."""
        return float(self.last[self.used - 1]) if self.used else None

    @property
    def nonfinite(self) -> tuple[int, int]:
        """How many values were NaN or infinite, and the step of the first (0 if none were)."""
        n = int(self.bad.sum())
        return n, int(self.first_bad.min()) if n else 0

    def columns(
        self, low: float, high: float, width: int, smoothing: int = 0, place: Callable[[Floats], Floats] | None = None,
        fences: Callable[[Points], tuple[float, float]] | None = None,
    ) -> Columns:  # fmt: skip
        """What lies from `low` to `high` in at most `width` columns; `smoothing` picks one of the spans.

        `place` maps steps to positions on the axis, where it is not one of steps. `fences` says of the points in view
        between which two values they are drawn; the rest is left out and counted.
        """
        held = np.flatnonzero(self.at >= 0)
        kinds: tuple[tuple[Points, Callable[[Ints], Floats]], ...] = (
            (self.newest.points(), lambda which: self.newest.smoothed(which, self.spans[smoothing])),
            (self._coarse(held), lambda which: self.smooth[held[which], smoothing]),
        )
        for points, _ in kinds:
            at = points.at.astype(np.float64)
            at = at if place is None else place(at)
            if len(at) and (at[0] <= low or int(points.at[0]) <= self.origin):
                break  # the finer one holds all that is asked for
        smoothed = next(s for p, s in kinds if p is points)
        return reduced(points, at, low, high, width, smoothed, fences)

    def _coarse(self, held: Ints) -> Points:
        """The buckets `held`, which hold values."""
        return Points(self.at[held], self.low[held], self.high[held], self.last[held], self.count[held], self.bad[held])

    def read(self, step: int, smoothing: int = 0) -> Reading | None:
        """What is known at a step: exactly if it is among the newest, else by its bucket; None before the first."""
        if self.newest.used and step >= int(self.newest.at[0]):
            return self.newest.read(step, self.spans[smoothing])
        held = np.flatnonzero(self.at >= 0)
        held = held[self.origin + held * self.stride <= step]
        if len(held) and self.at[held[-1]] > step and self.count[held[-1]] + self.bad[held[-1]] == 1:
            held = held[:-1]  # the bucket's only value comes later
        if not len(held):
            return None
        i = int(held[-1])
        first, last = self.origin + i * self.stride, int(self.at[i])
        if self.count[i] + self.bad[i] == 1:
            first = last
        low, high = (float(x[i]) if self.count[i] else float("nan") for x in (self.low, self.high))
        return Reading(first, last, low, high, float(self.last[i]), float(self.smooth[i, smoothing]), int(self.bad[i]))
