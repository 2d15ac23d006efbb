"""The newest values of a series one by one, and what a series says about one step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

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
    smooth: Floats
    """(points,): one moving average; NaN where no value is finite."""
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
    """The last `size` values or more, with their moving averages, for `averages` of them; memory stays bounded."""

    def __init__(self, size: int, averages: int) -> None:
        self.size, self.used = size, 0
        room = min(64, 2 * size)
        self._at: Ints = np.zeros(room, np.int64)
        self._values: Floats = np.zeros(room)
        self._smooth: Floats = np.zeros((room, averages))

    @property
    def at(self) -> Ints:
        """Steps, growing."""
        return self._at[: self.used]

    @property
    def values(self) -> Floats:
        """Values at these steps, as they came: also NaN and infinities."""
        return self._values[: self.used]

    @property
    def smooth(self) -> Floats:
        """(values, averages): moving averages after each; NaN at a value that is not finite."""
        return self._smooth[: self.used]

    def add(self, steps: Ints, values: Floats, smooth: Floats) -> None:
        """Add values at later steps; what no longer fits is forgotten, the oldest first."""
        if len(steps) > self.size:
            self.used = 0  # between the older ones and these there would be a gap
        steps, values, smooth = steps[-self.size :], values[-self.size :], smooth[-self.size :]
        new = self.used + len(steps)
        if new > len(self._at):
            self._make_room(new)
        upto = self.used + len(steps)
        self._at[self.used : upto], self._values[self.used : upto] = steps, values
        self._smooth[self.used : upto] = smooth
        self.used = upto

    def _make_room(self, wanted: int) -> None:
        """Grow up to twice the size; from then on keep the newest half."""
        if len(self._at) < 2 * self.size:
            room = min(max(2 * len(self._at), wanted), 2 * self.size)
            more = room - len(self._at)
            self._at = np.concatenate([self._at, np.zeros(more, np.int64)])
            self._values = np.concatenate([self._values, np.zeros(more)])
            self._smooth = np.concatenate([self._smooth, np.zeros((more, self._smooth.shape[1]))])
        if wanted > len(self._at):
            kept = min(self.size, self.used)
            for array in (self._at, self._values, self._smooth):
                array[:kept] = array[self.used - kept : self.used].copy()
            self.used = kept

    def drop_after(self, step: int) -> None:
        """Forget later values."""
        self.used = int(np.searchsorted(self.at, step, side="right"))

    def points(self, which: int) -> Points:
        """All of them; `which` picks one of the averages."""
        fine = np.isfinite(self.values)
        return Points(
            self.at, np.where(fine, self.values, np.inf), np.where(fine, self.values, -np.inf), self.values,
            self.smooth[:, which], fine.astype(np.int64), (~fine).astype(np.int64),
        )  # fmt: skip

    def read(self, step: int, which: int) -> Reading:
        """The value at the step, or the last one before it; there must be one."""
        i = int(np.searchsorted(self.at, step, side="right")) - 1
        at, value = int(self.at[i]), float(self.values[i])
        fine = bool(np.isfinite(value))
        known = value if fine else float("nan")
        return Reading(at, at, known, known, value, float(self.smooth[i, which]), int(not fine))
