"""The metrics table: a row for each half epoch, and the best value of each column."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from miniai.run.events import EpochEnded, EpochStarted, Number, Phase, Progressed, RunResumed
from tui.state.curves import METRICS
from tui.text import clean

__all__ = ["COLUMNS", "Best", "Row", "Rows", "Sort", "smaller_is_better", "tells_place"]

LIMIT = 4_000
"""Rows that are kept; the best values outlive them."""
COLUMNS = 1 + METRICS
"""Columns at most, the loss included."""
FEWER = ("loss", "error", "mse", "mae", "perplexity")
"""A metric with one of these in its name is better when smaller."""


def tells_place(fact: RunResumed) -> bool:
    """Whether a resumption says in which half it was; else only its step is known."""
    return fact.epoch > 0 or fact.batch > 0 or fact.phase == "valid" or fact.step == 0


def smaller_is_better(name: str) -> bool:
    """Losses and errors fall, all other metrics rise."""
    return any(word in name.lower() for word in FEWER)


def _is_over(row: Row, fact: RunResumed) -> bool:
    """Whether the half that a checkpoint was taken in had ended by then; where that is not noted, by its batches."""
    if fact.saved_at is not None:
        return row.told <= fact.saved_at
    total = row.of if row.ended == "complete" else row.batches + row.skipped
    return fact.batch >= total or (fact.batch == 0 and fact.phase == "valid")


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
    off: bool = False
    """Whether it never began, because validation was switched off."""
    told: float = 0.0
    """Seconds of the run at which its end was told."""
    skips: list[int] = field(default_factory=list)
    """Numbers of the batches of this half that were skipped one by one."""

    @property
    def skipped(self) -> int:
        """How many batches of this half were skipped one by one."""
        return len(self.skips)

    @property
    def place(self) -> tuple[int, bool]:
        """Grows with the halves of a run."""
        return self.epoch, self.phase == "valid"

    def value(self, column: str) -> float | None:
        """What stands in a column (see `Sort`)."""
        plain: dict[str, float] = {"epoch": self.epoch + 1, "images": self.samples, "time": self.seconds}
        return self.metrics.get(column[1:]) if column.startswith("=") else plain.get(column)

    @property
    def note(self) -> str:
        """What is not as usual about this row, in words; empty for a complete or running row."""
        if self.off:
            return "off"
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
        self._older: dict[tuple[str, Phase], Best] = {}
        """The best values of rows that are not kept any more."""
        self._again: tuple[int, Phase] | None = None
        """The half in the middle of which the run was resumed."""
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

    def announced(self, names: Iterable[str]) -> None:
        """The columns of a fit that begins: the loss, and its metrics in their order."""
        self.names = list(dict.fromkeys(["loss", *(clean(name, 40) for name in names)]))[:COLUMNS]

    def started(self, fact: EpochStarted) -> None:
        """A new running row; the row of a half that begins anew starts over, one that is resumed goes on."""
        key = (fact.epoch, fact.phase)
        old = self._rows.pop(key, None)
        if old is not None and old.ended == "complete":
            self._compare_all()
        row = self._rows[key] = Row(fact.epoch, fact.phase, fact.batches, fact.step)
        if old is not None and self._again == key:
            row.batches, row.skips, self._again = old.batches, old.skips, None
        while len(self._rows) > LIMIT:
            first = self._rows.pop(next(iter(self._rows)))
            if first.ended == "complete":
                self._compare(first, self._older)

    def progressed(self, fact: Progressed) -> None:
        """Numbers of the running half so far."""
        row = self._rows.get((fact.epoch, fact.phase))
        if row is not None and row.ended == "running":
            row.batches, row.samples, row.seconds = fact.batch, fact.samples, fact.seconds
            row.metrics = self._numbers(fact.metrics)

    def batch_skipped(self, epoch: int, phase: Phase, batch: int) -> None:
        """One batch of a running half was left out."""
        row = self._rows.get((epoch, phase))
        if row is not None:
            row.skips.append(batch)

    def ended(self, fact: EpochEnded) -> Row:
        """The half is over; its row is made if its start was not seen."""
        key = (fact.epoch, fact.phase)
        row = self._rows.setdefault(key, Row(fact.epoch, fact.phase, fact.of, fact.step))
        row.metrics, row.batches, row.of = self._numbers(fact.metrics), fact.batches, fact.of
        row.samples, row.seconds, row.step, row.ended = fact.samples, fact.seconds, fact.step, fact.ended
        row.off, row.told = fact.off, fact.at
        if row.ended == "complete":
            self._compare(row, self.best)
        return row

    def finish(self, ended: Literal["stopped", "failed"]) -> None:
        """The run is over: no row runs any more."""
        for row in self._rows.values():
            if row.ended == "running":
                row.ended = ended

    def resumed(self, fact: RunResumed) -> None:
        """Forget halves that ended, or ran, after the checkpoint; the half that the run goes on in runs again."""
        place = (fact.epoch, fact.phase == "valid") if tells_place(fact) else None
        kept = {}
        for key, row in self._rows.items():
            whole = row.ended != "running" and row.step <= fact.step
            if place is None or row.place < place:
                if whole:
                    kept[key] = row
            elif row.place == place:
                if whole and row.ended in ("complete", "skipped") and _is_over(row, fact):
                    kept[key], self._again = row, key
                elif fact.batch > 0:
                    skips = [batch for batch in row.skips if batch < fact.batch]
                    kept[key] = Row(row.epoch, row.phase, row.of, fact.step, batches=fact.batch, skips=skips)
                    self._again = key
        self._rows = kept
        older = self._older.items()
        self._older = {k: b for k, b in older if place is None or (b.epoch, k[1] == "valid") < place}
        self._compare_all()

    def _compare_all(self) -> None:
        """Find the best values anew."""
        self.best = dict(self._older)
        for row in self._rows.values():
            if row.ended == "complete":
                self._compare(row, self.best)

    def _compare(self, row: Row, best: dict[tuple[str, Phase], Best]) -> None:
        for name, value in row.metrics.items():
            if not math.isfinite(value):
                continue
            key = (name, row.phase)
            old = best.get(key)
            if old is None or (value < old.value if smaller_is_better(name) else value > old.value):
                best[key] = Best(value, row.epoch)

    def _numbers(self, metrics: Mapping[str, Number]) -> dict[str, float]:
        numbers = {clean(name, 40): float(value) for name, value in metrics.items()}
        self.names += [name for name in numbers if name not in self.names][: max(COLUMNS - len(self.names), 0)]
        return numbers
