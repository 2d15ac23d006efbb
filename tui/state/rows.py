"""The metrics table: a row for each half epoch, and the best value of each column."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from miniai.run.events import EpochEnded, EpochStarted, Number, Phase, Progressed
from tui.text import clean

__all__ = ["Best", "Row", "Rows", "Sort", "smaller_is_better"]

LIMIT = 4_000
"""Rows that are kept; the best values outlive them."""
FEWER = ("loss", "error", "mse", "mae", "perplexity")
"""A metric with one of these in its name is better when smaller."""


def smaller_is_better(name: str) -> bool:
    """Losses and errors fall, all other metrics rise."""
    return any(word in name.lower() for word in FEWER)


@dataclass(slots=True)
class Row:
    """One half epoch."""

    epoch: int
    phase: Phase
    of: int
    step: int
    """Train step at which the half began; at its end once it is over."""
    metrics: dict[str, float] = field(default_factory=dict)
    batches: int = 0
    samples: int = 0
    seconds: float = 0.0
    ended: Literal["running", "complete", "skipped", "stopped", "failed"] = "running"
    skipped: int = 0
    """Batches of this half that were skipped one by one."""

    def value(self, column: str) -> float | None:
        """What stands in a column (see `Sort`)."""
        plain: dict[str, float] = {"epoch": self.epoch + 1, "images": self.samples, "time": self.seconds}
        return self.metrics.get(column[1:]) if column.startswith("=") else plain.get(column)

    @property
    def note(self) -> str:
        """What is not as usual about this row, in words; empty for a complete or running row."""
        if self.ended in ("skipped", "stopped", "failed"):
            return f"{self.ended} at {self.batches}/{self.of}"
        return f"{self.skipped} batch{'es' if self.skipped > 1 else ''} skipped" if self.skipped else ""


@dataclass(frozen=True)
class Best:
    """The best value that a column has reached in a complete half."""

    value: float
    epoch: int


@dataclass(frozen=True)
class Sort:
    """An order of rows: by "epoch", "images", "time", or by a metric, whose name stands behind a "="."""

    column: str = "epoch"
    upward: bool = True
    """Small values first."""

    @staticmethod
    def of(column: str) -> Sort:
        """The order that one wants first: the best, the newest, the longest on top."""
        return Sort(column, column.startswith("=") and smaller_is_better(column))

    @property
    def is_plain(self) -> bool:
        """Whether rows stand as they came."""
        return self.column == "epoch" and self.upward

    def __call__(self, rows: Iterable[Row]) -> list[Row]:
        """The rows in this order, validation before training where values are compared; what has none comes last."""
        listed = list(rows)
        if self.column == "epoch":
            return listed if self.upward else listed[::-1]
        return sorted(listed, key=self._place)

    def _place(self, row: Row) -> tuple[bool, bool, float]:
        value = row.value(self.column)
        none = value is None or math.isnan(value)
        return row.phase == "train", none, 0.0 if value is None or none else value if self.upward else -value


class Rows:
    """Rows in the order in which their halves began."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int, Phase], Row] = {}
        self.best: dict[tuple[str, Phase], Best] = {}
        self.names: list[str] = ["loss"]
        """Columns, the loss first."""

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, epoch: int, phase: Phase) -> Row | None:
        """The row of one half."""
        return self._rows.get((epoch, phase))

    def latest(self, phase: Phase) -> Row | None:
        """The newest row of `phase` that has numbers."""
        return next((r for r in reversed(self._rows.values()) if r.phase == phase and r.metrics), None)

    def started(self, fact: EpochStarted) -> None:
        """A new running row; the row of a half that begins anew starts over."""
        key = (fact.epoch, fact.phase)
        self._rows.pop(key, None)
        self._rows[key] = Row(fact.epoch, fact.phase, fact.batches, fact.step)
        while len(self._rows) > LIMIT:
            del self._rows[next(iter(self._rows))]

    def progressed(self, fact: Progressed) -> None:
        """Numbers of the running half so far."""
        row = self._rows.get((fact.epoch, fact.phase))
        if row is not None and row.ended == "running":
            row.batches, row.samples, row.seconds = fact.batch, fact.samples, fact.seconds
            row.metrics = self._numbers(fact.metrics)

    def batch_skipped(self, epoch: int, phase: Phase) -> None:
        """One batch of a running half was left out."""
        row = self._rows.get((epoch, phase))
        if row is not None:
            row.skipped += 1

    def ended(self, fact: EpochEnded) -> Row:
        """The half is over; its row is made if its start was not seen."""
        key = (fact.epoch, fact.phase)
        row = self._rows.setdefault(key, Row(fact.epoch, fact.phase, fact.of, fact.step))
        row.metrics, row.batches, row.of = self._numbers(fact.metrics), fact.batches, fact.of
        row.samples, row.seconds, row.step, row.ended = fact.samples, fact.seconds, fact.step, fact.ended
        if row.ended == "complete":
            self._compare(row)
        return row

    def finish(self, ended: Literal["stopped", "failed"]) -> None:
        """The run is over: no row runs any more."""
        for row in self._rows.values():
            if row.ended == "running":
                row.ended = ended

    def drop_after(self, step: int) -> None:
        """Forget halves that ended, or run, after `step`."""
        kept = {k: r for k, r in self._rows.items() if r.step <= step and r.ended != "running"}
        self._rows, self.best = kept, {}
        for row in kept.values():
            if row.ended == "complete":
                self._compare(row)

    def _compare(self, row: Row) -> None:
        for name, value in row.metrics.items():
            if not math.isfinite(value):
                continue
            key = (name, row.phase)
            old = self.best.get(key)
            if old is None or (value < old.value if smaller_is_better(name) else value > old.value):
                self.best[key] = Best(value, row.epoch)

    def _numbers(self, metrics: Mapping[str, Number]) -> dict[str, float]:
        numbers = {clean(name, 40): float(value) for name, value in metrics.items()}
        self.names += [name for name in numbers if name not in self.names][: 20 - len(self.names)]
        return numbers
