"""Statistics of every layer over time, in a bounded number of columns."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from miniai.run.events import LayersMeasured, Number
from tui.layer_columns import Columns
from tui.smoothing import HUGE

__all__ = ["STATISTICS", "LayerHistory", "Spans"]

STATISTICS = ("mean", "std", "near_zero", "grad", "ratio")
"""Names of the first axis of `LayerHistory.values`."""
RUNNING = 3
"""Measurements whose gradients are compared with the largest layer's."""
NEWEST = 64
"""Measurements that are held one by one: a resumed run goes back to one of them."""


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
        """(statistics, layers, columns); mean over the measurements of a column that have such a number.

        Infinity where none has: a layer without trained parameters. NaN where one was not finite.
        """
        self.known: NDArray[np.int32] = np.zeros((len(STATISTICS), layers, size), np.int32)
        """(statistics, layers, columns) how many measurements of a column have such a number."""
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
        self.first: NDArray[np.float64] = np.full((len(STATISTICS), layers), np.nan)
        """(statistics, layers): the first measurement."""
        self._first_step = -1
        self._bounds: NDArray[np.float64] = np.zeros((2, len(STATISTICS), size))
        self.grad_shares: NDArray[np.float64] = np.zeros((0, layers))
        """(up to 3, layers): gradient norm over the largest finite one of all layers, of the newest measurements."""
        self.nonfinite: NDArray[np.int64] = np.zeros(layers, np.int64)
        """NaN and infinite activations of each layer at the last measurement."""

    def add(self, fact: LayersMeasured) -> bool:
        """Take one measurement; False if it is old or of another number of layers."""
        lists = (fact.means, fact.stds, fact.near_zero)
        if any(len(x) != self.layers for x in lists) or len(fact.nonfinite) != self.layers or fact.step <= self.end:
            return False
        row = np.stack([*map(_finite, lists), *(self._optional(x) for x in (fact.grads, fact.ratios))])
        row[:3, np.isnan(row[2])] = np.inf  # any output has a share near zero: these layers had none
        if self.used == 0 or self.counts[self.used - 1] >= self.per:
            if self.used == self.size:
                self._merge()
            self.used += 1
        at = self.used - 1
        held = int(self.counts[at])
        self._fill(at, [row], held > 0)
        self._bound(slice(at, at + 1))
        self.counts[at] += 1
        self.steps[at] = fact.step
        if held == 0:
            self.firsts[at] = fact.step
        if self._first_step < 0:
            self.first, self._first_step = row, fact.step
        self._recent.append((fact.step, row, np.array(fact.nonfinite, np.int64)))
        self._newest(*self._recent[-1][1:])
        return True

    def _fill(self, at: int, rows: Sequence[NDArray[np.float64]], more: bool = False) -> None:
        """Make column `at` the mean of some measurements, with what it holds already if there are `more`."""
        values = np.stack([*([self.values[:, :, at]] if more else []), *rows], -1)
        known = np.isfinite(values) | np.isnan(values)
        counts = known.astype(np.int32)
        if more:
            counts[:, :, 0] = self.known[:, :, at]
        means, total = _means(values, counts, np.zeros(1, np.int64))
        self.values[:, :, at], self.known[:, :, at] = means[:, :, 0], total[:, :, 0]

    def _newest(self, row: NDArray[np.float64], nonfinite: NDArray[np.int64]) -> None:
        self.latest, self.nonfinite = row, nonfinite
        rows = [held for _, held, _ in islice(reversed(self._recent), RUNNING)][::-1]
        grads = np.array(rows)[:, STATISTICS.index("grad")] if rows else np.zeros((0, self.layers))
        largest = grads.max(1, initial=0.0, where=np.isfinite(grads), keepdims=True)
        self.grad_shares = grads / np.maximum(largest, np.finfo(float).tiny)

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
        both, pairs = slice(0, 2 * half), np.arange(0, 2 * half, 2)
        self.values[:, :, :half], self.known[:, :, :half] = _means(
            self.values[:, :, both], self.known[:, :, both], pairs
        )
        self.counts[:half] = np.add.reduceat(self.counts[both], pairs)
        self.firsts[:half] = self.firsts[: 2 * half : 2]
        self.steps[:half] = self.steps[1 : 2 * half : 2]
        self._forget(half)
        self._bound(slice(0, half))
        self.used, self.per = half, self.per * 2

    def _forget(self, keep: int) -> None:
        self.values[:, :, keep:], self.known[:, :, keep:] = np.nan, 0
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
        if self._first_step > step:
            self._first_step = -1
        if again and whole:
            self.used = keep + 1
            self._fill(keep, again)
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

    def columns(self, statistic: str, columns: Columns | None = None, rows: slice = slice(None)) -> NDArray[np.float64]:
        """(layers of `rows`, columns) values, oldest first; means where columns hold several measurements.

        Without `columns` as they are held.
        """
        return self._shown(statistic, columns, rows)[0]

    def numbers(self, statistic: str, columns: Columns, rows: slice = slice(None)) -> NDArray[np.int64]:
        """(layers of `rows`, columns) how many numbers each of `columns(...)` is the mean of."""
        return self._shown(statistic, columns, rows)[1].astype(np.int64)

    def _shown(
        self, statistic: str, columns: Columns | None, rows: slice
    ) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
        which = STATISTICS.index(statistic)
        values, known = self.values[which, rows, : self.used], self.known[which, rows, : self.used]
        return (values, known) if columns is None or columns.single else _means(values, known, columns.starts)

    def spans(self, columns: Columns) -> Spans:
        """What the columns of `columns(..., columns)` hold."""
        counts = np.add.reduceat(self.counts[: self.used], columns.starts) if self.used else np.zeros(0, np.int64)
        return Spans(self.firsts[columns.starts], self.steps[columns.ends - 1], counts)

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
    """As floats, NaN for whatever is not finite; larger ones are taken for `HUGE`, so that sums stay finite."""
    found = np.array(numbers, np.float64)
    found[~np.isfinite(found)] = np.nan
    return np.clip(found, -HUGE, HUGE)


def _means(
    values: NDArray[np.float64], known: NDArray[np.int32], starts: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Means of groups along the last axis, and how many numbers each is of; infinity where it is of none."""
    total = np.add.reduceat(known, starts, axis=-1)
    sums = np.add.reduceat(np.where(known > 0, values, 0.0) * known, starts, axis=-1)
    return np.divide(sums, total, out=np.full(sums.shape, np.inf), where=total > 0), total
