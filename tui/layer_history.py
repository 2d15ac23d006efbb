"""Statistics of every layer over time, in a bounded number of columns."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from miniai.run.events import LayersMeasured, Number
from miniai.run.packed import unpack

__all__ = ["STATISTICS", "LayerHistory", "Spans", "Spreads"]

STATISTICS = ("mean", "std", "near_zero", "grad", "ratio")
"""Names of the first axis of `LayerHistory.values`."""
NEWEST = 64
"""Measurements that are held one by one: a resumed run goes back to one of them."""
SLOTS = 42
"""Of a histogram: 40 bins over 0 to 10, above, not finite."""


@dataclass(frozen=True, eq=False)
class Spans:
    """What each shown column holds; all arrays of one length, oldest first."""

    first: NDArray[np.int64]
    """Step of the first measurement."""
    last: NDArray[np.int64]
    """Step of the last measurement."""
    counts: NDArray[np.int64]
    """Measurements, of which a column shows the mean."""


class LayerHistory:
    """At most `size` columns; when they are full, neighbours merge into their mean. A NaN stays a NaN."""

    def __init__(self, layers: int, size: int = 256) -> None:
        self.size = size
        self.layers = layers
        self.used = 0
        self.per = 1
        """Measurements per column."""
        self.values: NDArray[np.float64] = np.full((len(STATISTICS), layers, size), np.nan)
        """(statistics, layers, columns); mean over the measurements of a column.

        Infinity where there was no such number: a layer without trained parameters. NaN where it was not finite.
        """
        self.counts: NDArray[np.int64] = np.zeros(size, np.int64)
        """Measurements that each column holds."""
        self.firsts: NDArray[np.int64] = np.full(size, -1)
        """Step of each column's first measurement."""
        self.steps: NDArray[np.int64] = np.full(size, -1)
        """Step of each column's last measurement."""
        self.latest: NDArray[np.float64] = np.full((len(STATISTICS), layers), np.nan)
        """(statistics, layers): the last measurement."""
        self._recent: deque[tuple[int, NDArray[np.float64], NDArray[np.int64]]] = deque(maxlen=NEWEST)
        """Step, statistics and counts of the newest measurements."""
        self._bounds: NDArray[np.float64] = np.zeros((2, len(STATISTICS), size))
        self.largest_grad = 0.0
        """The largest finite gradient norm of all layers at the last measurement."""
        self.nonfinite: NDArray[np.int64] = np.zeros(layers, np.int64)
        """NaN and infinite activations of each layer at the last measurement."""

    def add(self, fact: LayersMeasured) -> bool:
        """Take one measurement; False if it is old or of another number of layers."""
        lists = (fact.means, fact.stds, fact.near_zero)
        if any(len(x) != self.layers for x in lists) or len(fact.nonfinite) != self.layers or fact.step <= self.end:
            return False
        row = np.stack([*map(_finite, lists), *(self._optional(x) for x in (fact.grads, fact.ratios))])
        if self.used == 0 or self.counts[self.used - 1] >= self.per:
            if self.used == self.size:
                self._merge()
            self.used += 1
        at = self.used - 1
        held = int(self.counts[at])
        self.values[:, :, at] = row if held == 0 else (self.values[:, :, at] * held + row) / (held + 1)
        self._bound(slice(at, at + 1))
        self.counts[at] += 1
        self.steps[at] = fact.step
        if held == 0:
            self.firsts[at] = fact.step
        self._recent.append((fact.step, row, np.array(fact.nonfinite, np.int64)))
        self._newest(*self._recent[-1][1:])
        return True

    def _newest(self, row: NDArray[np.float64], nonfinite: NDArray[np.int64]) -> None:
        self.latest, self.nonfinite = row, nonfinite
        grads = row[STATISTICS.index("grad")]
        self.largest_grad = float(grads.max(initial=0.0, where=np.isfinite(grads)))

    def _optional(self, numbers: Sequence[Number | None]) -> NDArray[np.float64]:
        if len(numbers) != self.layers:
            return np.full(self.layers, np.inf)
        found = _finite(numbers)
        found[[x is None for x in numbers]] = np.inf
        return found

    @property
    def end(self) -> int:
        """Step of the last measurement; -1 before the first."""
        return int(self.steps[self.used - 1]) if self.used else -1

    def _merge(self) -> None:
        half = self.size // 2
        weights = self.counts[: 2 * half].reshape(half, 2)
        pairs = self.values[:, :, : 2 * half].reshape(len(STATISTICS), self.layers, half, 2)
        self.values[:, :, :half] = (pairs * weights).sum(3) / weights.sum(1)
        self.counts[:half] = weights.sum(1)
        self.firsts[:half] = self.firsts[: 2 * half : 2]
        self.steps[:half] = self.steps[1 : 2 * half : 2]
        self._forget(half)
        self._bound(slice(0, half))
        self.used, self.per = half, self.per * 2

    def _forget(self, keep: int) -> None:
        self.values[:, :, keep:] = np.nan
        self.counts[keep:], self.firsts[keep:], self.steps[keep:] = 0, -1, -1

    def drop_after(self, step: int) -> None:
        """Forget later measurements.

        The column that holds measurements before and after is made anew of the newest, if they reach back to its
        first one; else it goes whole. What was measured last is the last of the newest, else what its column says.
        """
        keep = int(np.searchsorted(self.steps[: self.used], step, side="right"))
        while self._recent and self._recent[-1][0] > step:
            self._recent.pop()
        first = int(self.firsts[keep]) if keep < self.used else step + 1
        again = [row for at, row, _ in self._recent if at >= first]
        whole = bool(self._recent) and self._recent[0][0] <= first
        self._forget(keep)
        self.used = keep
        if again and whole:
            self.used = keep + 1
            self.values[:, :, keep] = np.mean(again, axis=0)
            self.counts[keep], self.firsts[keep] = len(again), first
            self.steps[keep] = self._recent[-1][0]
            self._bound(slice(keep, keep + 1))
        self._last_known()

    def _last_known(self) -> None:
        if self._recent and self._recent[-1][0] == self.end:
            self._newest(*self._recent[-1][1:])
        else:
            latest = self.values[:, :, self.used - 1].copy() if self.used else np.full_like(self.latest, np.nan)
            self._newest(latest, np.zeros_like(self.nonfinite))

    def _group(self, width: int) -> int:
        return -(-self.used // max(width, 1))

    def columns(self, statistic: str, width: int, rows: slice = slice(None)) -> NDArray[np.float64]:
        """(layers of `rows`, at most width) values, oldest first; every column the mean of as many of ours."""
        values: NDArray[np.float64] = self.values[STATISTICS.index(statistic), rows, : self.used]
        group = self._group(width)
        if group <= 1:
            return values
        pad = -self.used % group
        weights = np.pad(self.counts[: self.used], (0, pad)).reshape(-1, group)
        held = np.pad(values, ((0, 0), (0, pad))).reshape(len(values), -1, group)
        merged: NDArray[np.float64] = (held * weights).sum(2) / np.maximum(weights.sum(1), 1)
        return merged

    def spans(self, width: int) -> Spans:
        """What the columns of `columns(..., width)` hold."""
        group = max(self._group(width), 1)
        starts = np.arange(0, self.used, group)
        ends = np.minimum(starts + group, self.used) - 1
        counts = np.add.reduceat(self.counts[: self.used], starts) if self.used else np.zeros(0, np.int64)
        return Spans(self.firsts[starts], self.steps[ends], counts)

    def of(self, statistic: str) -> NDArray[np.float64]:
        """(layers,): the last measurement of one statistic."""
        row: NDArray[np.float64] = self.latest[STATISTICS.index(statistic)]
        return row

    def bounds(self, statistic: str) -> tuple[float, float]:
        """Smallest size above zero and largest size of the statistic in all that is held; 0 where there is none."""
        low, top = self._bounds[:, STATISTICS.index(statistic), : self.used]
        least = float(low.min(initial=np.inf))
        return (least if np.isfinite(least) else 0.0), float(top.max(initial=0.0))

    def _bound(self, columns: slice) -> None:
        """Keep what `bounds` needs of each column: a frame must not look at all layers."""
        sizes = np.abs(self.values[:, :, columns])
        sizes[~np.isfinite(sizes)] = 0.0
        self._bounds[0, :, columns] = sizes.min(1, initial=np.inf, where=sizes > 0)
        self._bounds[1, :, columns] = sizes.max(1, initial=0.0)


def _finite(numbers: Sequence[Number | None]) -> NDArray[np.float64]:
    """As floats, NaN for whatever is not finite."""
    found = np.array(numbers, np.float64)
    found[~np.isfinite(found)] = np.nan
    return found


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
