"""Histograms of a measurement's layers on their way from the device to the journal: rarer than the other numbers."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from miniai.callbacks.cost import TokenBucket
from miniai.callbacks.drain import Copy
from miniai.run.events import HistogramsMeasured, encode
from miniai.run.packed import pack

__all__ = ["Histograms"]

GAP = 2.0
"""Seconds between two of them at least."""
BURST, RATE = 1e6, 100.0
"""Bytes at once, and a second in the long run."""


class Histograms:
    """Counts of the layers of one measurement at a time: `begin`, `add` layer by layer, `collect` when it is over."""

    def __init__(self, copy: Callable[[Tensor], Copy]) -> None:
        self._copy = copy
        self._bucket = TokenBucket(BURST, RATE)
        self._due = 0.0
        self._wanted = False
        self._size = 0
        self._counts: dict[int, Tensor] = {}
        self._copies: list[tuple[list[int], Copy]] = []

    def begin(self, layers: int, seconds: float) -> None:
        """A measurement of so many layers begins, `seconds` of training after the start."""
        self.clear()
        self._wanted, self._size = seconds >= self._due, layers

    def add(self, layer: int, counts: Tensor) -> None:
        """The counts (42,) of one layer, which must not change any more."""
        if self._wanted:
            self._counts[layer] = counts

    def clear(self) -> None:
        """Forget what is on its way."""
        self._wanted = False
        self._counts, self._copies = {}, []

    def ready(self) -> bool:
        """Start to copy what was added; whether `collect` would not wait."""
        if self._counts:
            devices = {counts.device for counts in self._counts.values()}
            for device in devices:
                part = {i: counts for i, counts in self._counts.items() if counts.device == device}
                self._copies.append((list(part), self._copy(torch.stack(list(part.values())))))
            self._counts = {}
        return all(copy.ready() for _, copy in self._copies)

    def collect(self, at: float, step: int, seconds: float) -> HistogramsMeasured | None:
        """The fact, if this measurement has histograms; waits for the device. The next are due some time later."""
        self.ready()
        if not self._copies:
            return None
        rows = [""] * self._size
        for layers, copy in self._copies:
            for layer, counts in zip(layers, copy.read().tolist(), strict=True):
                rows[layer] = pack(counts)
        fact = HistogramsMeasured(at=at, step=step, layers=rows)
        self._due = seconds + max(GAP, self._bucket.spend(len(encode(fact)), seconds))
        self.clear()
        return fact
