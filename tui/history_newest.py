"""The newest values of a series one by one, and what a series says about one step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tui.smoothing import middle_mean

__all__ = ["Newest", "Points", "Reading"]

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Points:
    """What is held of a stretch of steps, in the order of the steps: single values, or what a bucket keeps of many."""

    at: Ints
    """Step of the last value of each."""
    low: Floats
    """Smallest finite value; infinite where there is none."""
    high: Floats
    """Largest finite value; minus infinity where there is none."""
    last: Floats
    count: Ints
    """Finite values."""
    bad: Ints
    """NaN and infinite values."""


@dataclass(frozen=True)
class Reading:
    """What is known at a step: the value measured there or before it, or the range of the bucket that holds it."""

    first: int
    last: int
    """Steps that are meant; equal if one value is known exactly."""
    low: float
    high: float
    """Range of the finite values; NaN if there are none."""
    value: float
    """The last value."""
    smooth: float
    bad: int

    @property
    def exact(self) -> bool:
        """Whether this is one value and not the range of many."""
        return self.first == self.last


class Newest:
    """The last `size` values or more, and of those before them what smoothing over `span` needs; memory is bounded."""

    def __init__(self, size: int, span: int) -> None:
        self.size, self.used = size, 0
        self._span = span
        room = min(64, 2 * size)
        self._at: Ints = np.zeros(room, np.int64)
        self._values: Floats = np.zeros(room)
        self._before: Floats = np.zeros(0)
        """Finite values before those that are held."""

    @property
    def at(self) -> Ints:
        """Steps, growing."""
        return self._at[: self.used]

    @property
    def values(self) -> Floats:
        """Values at these steps, as they came: also NaN and infinities."""
        return self._values[: self.used]

    def add(self, steps: Ints, values: Floats) -> None:
        """Add values at later steps; what no longer fits is forgotten, the oldest first."""
        if len(steps) > self.size:  # between the older ones and these there would be a gap
            left = values[: -self.size]
            self._before = self._last(np.concatenate([self.before(self.used), left[np.isfinite(left)]]))
            self.used, steps, values = 0, steps[-self.size :], values[-self.size :]
        upto = self.used + len(steps)
        if upto > len(self._at):
            self._make_room(upto)
            upto = self.used + len(steps)
        self._at[self.used : upto], self._values[self.used : upto] = steps, values
        self.used = upto

    def _make_room(self, wanted: int) -> None:
        """Grow up to twice the size; from then on keep the newest half."""
        if len(self._at) < 2 * self.size:
            room = min(max(2 * len(self._at), wanted), 2 * self.size)
            more = room - len(self._at)
            self._at = np.concatenate([self._at, np.zeros(more, np.int64)])
            self._values = np.concatenate([self._values, np.zeros(more)])
        if wanted > len(self._at):
            kept = min(self.size, self.used)
            self._before = self.before(self.used - kept)
            for array in (self._at, self._values):
                array[:kept] = array[self.used - kept : self.used].copy()
            self.used = kept

    def _last(self, values: Floats) -> Floats:
        """As many of the last ones as smoothing looks back to."""
        last: Floats = values[max(len(values) - self._span + 1, 0) :].copy()
        return last

    def before(self, i: int) -> Floats:
        """The finite values before number `i` of those held, as many as smoothing looks back to."""
        near = self._values[max(i - self._span + 1, 0) : i]
        near = near[np.isfinite(near)]
        if len(near) < self._span - 1:
            held = self._values[:i]
            near = np.concatenate([self._before, held[np.isfinite(held)]])
        return self._last(near)

    def smoothed(self, which: Ints, span: int) -> Floats:
        """(which,): smoothed values after numbers `which` of those held; after one that is not finite, as before it."""
        fine = np.isfinite(self.values)
        values = np.concatenate([self._before, self.values[fine]])
        ends = len(self._before) + np.cumsum(fine)[which] - 1
        made = np.full(len(which), np.nan)
        made[ends >= 0] = middle_mean(values, ends[ends >= 0], span)
        return made

    def drop_after(self, step: int) -> None:
        """Forget later values."""
        self.used = int(np.searchsorted(self.at, step, side="right"))
        if not self.used:  # those before may be later too
            self._before = np.zeros(0)

    def points(self) -> Points:
        """All of them."""
        fine = np.isfinite(self.values)
        return Points(
            self.at, np.where(fine, self.values, np.inf), np.where(fine, self.values, -np.inf), self.values,
            fine.astype(np.int64), (~fine).astype(np.int64),
        )  # fmt: skip

    def read(self, step: int, span: int) -> Reading:
        """The value at the step, or the last one before it; there must be one."""
        i = int(np.searchsorted(self.at, step, side="right")) - 1
        at, value = int(self.at[i]), float(self.values[i])
        fine = bool(np.isfinite(value))
        known = value if fine else float("nan")
        smooth = float(self.smoothed(np.asarray([i]), span)[0]) if fine else float("nan")
        return Reading(at, at, known, known, value, smooth, int(not fine))
