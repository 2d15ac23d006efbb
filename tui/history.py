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

__all__ = ["BETAS", "Columns", "Reading", "Series"]

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

BETAS = (0.8, 0.95, 0.99, 0.998)
"""Weights of the past in the moving averages: about the last 5, 20, 100 and 500 values."""
ROW = 40
"""Values that are averaged together; few, so that the smallest power of a weight that is divided by stays tame."""
HUGE = 1e300
"""Averages take larger values for this, so that they stay finite; extremes keep them."""
NEVER = np.iinfo(np.int64).max
"""Step of the first non-finite value where there was none."""


class Series:
    """Values at growing steps. Values at steps that were seen before are passed over.

    The smoothed value is an exponential moving average over every finite raw value, corrected for its start
    (Kingma and Ba, "Adam", section 3), and is carried along, so that it is right at any stride.
    """

    def __init__(self, size: int = 1024, betas: tuple[float, ...] = BETAS, newest: int = 4096) -> None:
        self.size = size
        self.newest = Newest(newest, len(betas))
        self.stride = 1
        """Steps per bucket."""
        self.used = 0
        """Buckets up to the last one that holds a value."""
        self.origin = 0
        """First step of the first bucket."""
        self.end = -1
        """Last step seen; -1 before the first."""
        self.betas = betas
        self._average, self._left = np.zeros(len(betas)), np.ones(len(betas))
        self.low: Floats = np.full(size, np.inf)
        self.high: Floats = np.full(size, -np.inf)
        self.last: Floats = np.full(size, np.nan)
        self.smooth: Floats = np.full((size, len(betas)), np.nan)
        """(buckets, betas): moving averages after each bucket's last finite value."""
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
        averages = self._averages(new)
        self._fold(steps, new, averages)
        self.newest.add(steps, new, averages)
        self.end = int(steps[-1])
        self.used = (self.end - self.origin) // self.stride + 1

    def _fold(self, steps: Ints, values: Floats, averages: Floats) -> None:
        """Reduce the values of each bucket at once; `averages` is (values, betas)."""
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
        before = np.concatenate(([0], upto[:-1]))
        has = upto > before
        self.smooth[to[has]] = averages[fine][upto[has] - 1]

    def _averages(self, values: Floats) -> Floats:
        """(values, betas): the moving averages after each value; NaN at one that is not finite."""
        fine = np.isfinite(values)
        if fine.all():
            return self._smoothed(np.clip(values, -HUGE, HUGE))
        averages = np.full((len(values), len(self.betas)), np.nan)
        averages[fine] = self._smoothed(np.clip(values[fine], -HUGE, HUGE))
        return averages

    def _smoothed(self, values: Floats) -> Floats:
        """(values, betas): the same of finite values.

        Rows of values are averaged by themselves, all at once; what came before a row fades through it.
        """
        n = len(values)
        if not n:
            return np.empty((0, len(self.betas)))
        rows = -(-n // ROW)
        padded = np.zeros(rows * ROW)
        padded[:n] = values
        table = padded.reshape(rows, ROW)
        out = np.empty((n, len(self.betas)))
        for i, beta in enumerate(self.betas):
            decay = beta ** np.arange(1, ROW + 1)
            own = np.cumsum(table / decay, axis=1) * ((1 - beta) * decay)
            before, carry, fades = float(self._average[i]), np.empty(rows), float(decay[-1])
            for row, end in enumerate(own[:, -1].tolist()):
                carry[row] = before
                before = before * fades + end
            own += carry[:, None] * decay
            average = own.ravel()[:n]
            self._average[i] = average[-1]
            left = float(self._left[i])
            if left > 1e-18:  # later it makes no difference
                average = average / (1 - left * (fades ** np.arange(rows)[:, None] * decay).ravel()[:n])
            self._left[i] = left * beta**n
            out[:, i] = average
        return out

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
            self._fold(self.newest.at[again], self.newest.values[again], self.newest.smooth[again])
        left = np.flatnonzero(self.at >= 0)
        self.used = int(left[-1]) + 1 if len(left) else 0
        self.end = int(self.at[left[-1]]) if len(left) else -1
        self.newest.drop_after(self.end)
        averages = self.smooth[self.count > 0]
        self._left = np.array(self.betas) ** min(int(self.count.sum()), 100_000)
        self._average = averages[-1] * (1 - self._left) if len(averages) else np.zeros(len(self.betas))

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
        straddles = 0 <= bucket < self.size and self.at[bucket] > step and self.newest.at[0] <= first
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
        """What lies from `low` to `high` in at most `width` columns; `smoothing` picks one of the averages.

        `place` maps steps to positions on the axis, where it is not one of steps. `fences` says of the points in view
        between which two values they are drawn; the rest is left out and counted.
        """
        for points in (self.newest.points(smoothing), self._coarse(smoothing)):
            at = points.at.astype(np.float64)
            at = at if place is None else place(at)
            if len(at) and (at[0] <= low or int(points.at[0]) <= self.origin):
                break  # the finer one holds all that is asked for
        return reduced(points, at, low, high, width, fences)

    def _coarse(self, which: int) -> Points:
        """The buckets that hold values."""
        held = self.at >= 0
        return Points(
            self.at[held], self.low[held], self.high[held], self.last[held], self.smooth[held, which],
            self.count[held], self.bad[held],
        )  # fmt: skip

    def read(self, step: int, smoothing: int = 0) -> Reading | None:
        """What is known at a step: exactly if it is among the newest, else by its bucket; None before the first."""
        if self.newest.used and step >= int(self.newest.at[0]):
            return self.newest.read(step, smoothing)
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
