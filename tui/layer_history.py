"""Statistics of every layer over time, in a bounded number of columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from miniai.run.events import LayersMeasured

__all__ = ["STATISTICS", "LayerHistory"]

STATISTICS = ("mean", "std", "near_zero")
"""Names of the last axis of `LayerHistory.values`."""


class LayerHistory:
    """At most `size` columns; when they are full, neighbours merge into their mean. A NaN stays a NaN."""

    def __init__(self, layers: int, size: int = 256) -> None:
        self.size = size
        self.layers = layers
        self.used = 0
        self.per = 1
        """Measurements per column."""
        self.values: NDArray[np.float64] = np.full((size, layers, len(STATISTICS)), np.nan)
        """(columns, layers, statistics); mean over the measurements of a column."""
        self.counts: NDArray[np.int64] = np.zeros(size, np.int64)
        """Measurements that each column holds."""
        self.steps: NDArray[np.int64] = np.full(size, -1)
        """Step of each column's last measurement."""
        self.latest: NDArray[np.float64] = np.full((layers, len(STATISTICS)), np.nan)
        self.nonfinite: NDArray[np.int64] = np.zeros(layers, np.int64)
        """NaN and infinite activations of each layer at the last measurement."""

    def add(self, fact: LayersMeasured) -> bool:
        """Take one measurement; False if it is old or of another number of layers."""
        lists = (fact.means, fact.stds, fact.near_zero)
        if any(len(x) != self.layers for x in lists) or len(fact.nonfinite) != self.layers or fact.step <= self.end:
            return False
        row = np.array(lists, np.float64).T  # (layers, statistics)
        row[~np.isfinite(row)] = np.nan
        if self.used == 0 or self.counts[self.used - 1] >= self.per:
            if self.used == self.size:
                self._merge()
            self.used += 1
        at = self.used - 1
        held = int(self.counts[at])
        self.values[at] = row if held == 0 else (self.values[at] * held + row) / (held + 1)
        self.counts[at] += 1
        self.steps[at] = fact.step
        self.latest, self.nonfinite = row, np.array(fact.nonfinite, np.int64)
        return True

    @property
    def end(self) -> int:
        """Step of the last measurement; -1 before the first."""
        return int(self.steps[self.used - 1]) if self.used else -1

    def _merge(self) -> None:
        half = self.size // 2
        weights = self.counts[: 2 * half].reshape(half, 2, 1, 1)
        pairs = self.values[: 2 * half].reshape(half, 2, self.layers, -1)
        self.values[:half] = (pairs * weights).sum(1) / weights.sum(1)
        self.counts[:half] = weights.sum((1, 2, 3))
        self.steps[:half] = self.steps[1 : 2 * half : 2]
        self.values[half:], self.counts[half:], self.steps[half:] = np.nan, 0, -1
        self.used, self.per = half, self.per * 2

    def drop_after(self, step: int) -> None:
        """Forget every column that holds a later step."""
        keep = int(np.searchsorted(self.steps[: self.used], step, side="right"))
        self.values[keep:], self.counts[keep:], self.steps[keep:] = np.nan, 0, -1
        self.used = keep
        self.latest = self.values[keep - 1].copy() if keep else np.full_like(self.latest, np.nan)
        self.nonfinite[:] = 0

    def columns(self, statistic: str, width: int) -> NDArray[np.float64]:
        """(layers, at most width) values, oldest first; every column the mean of as many of ours."""
        values: NDArray[np.float64] = self.values[: self.used, :, STATISTICS.index(statistic)].T
        group = -(-self.used // max(width, 1))
        if group <= 1:
            return values
        pad = -self.used % group
        weights = np.pad(self.counts[: self.used], (0, pad)).reshape(-1, group)
        held = np.pad(values, ((0, 0), (0, pad))).reshape(self.layers, -1, group)
        merged: NDArray[np.float64] = (held * weights).sum(2) / np.maximum(weights.sum(1), 1)
        return merged
