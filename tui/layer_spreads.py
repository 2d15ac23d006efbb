"""Histograms of every layer over time, in a bounded number of real measurements."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from miniai.run.packed import unpack

__all__ = ["SLOTS", "Spreads"]

SLOTS = 42
"""Of a histogram: 40 bins over 0 to 10, above, not finite."""


class Spreads:
    """Histograms of every layer over time: at most `size`, real measurements all; when full, every other one goes."""

    def __init__(self, layers: int, size: int = 96) -> None:
        self.layers, self.size = layers, size
        self.used = 0
        self.every = 1
        """One of so many is kept; the newest always."""
        self._seen = 0
        self.levels: NDArray[np.uint8] = np.zeros((size, layers, SLOTS), np.uint8)
        """(measurements, layers, slots): quantised counts, see `miniai.run.packed`."""
        self.steps: NDArray[np.int64] = np.full(size, -1)

    def add(self, step: int, packed: Sequence[str]) -> bool:
        """Take one measurement; False if it is old or of another number of layers."""
        if len(packed) != self.layers or (self.used and step <= self.steps[self.used - 1]):
            return False
        passing = self.used and (self._seen - 1) % self.every  # the newest so far is none of those that stay
        if not passing:
            if self.used == self.size:
                half = self.size // 2
                self.levels[:half], self.steps[:half] = self.levels[: 2 * half : 2], self.steps[: 2 * half : 2]
                self.used, self.every = half, 2 * self.every
            self.used += 1
        self.levels[self.used - 1] = [unpack(text, SLOTS) for text in packed]
        self.steps[self.used - 1] = step
        self._seen += 1
        return True

    def drop_after(self, step: int) -> None:
        """Forget later ones."""
        used = int(np.searchsorted(self.steps[: self.used], step, side="right"))
        if used < self.used:
            self.used, self._seen = used, max((used - 1) * self.every + 1, 0)
            self.steps[used:] = -1
