"""What a journal says about time: how much was done between two moments."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from miniai.run.events import AnyFact, Continued, EpochEnded, EpochStarted, FitStarted, Paused, Progressed, Scalars
from tui.follow import Follower

__all__ = ["Timeline", "facts_of"]


def facts_of(journal: Path) -> list[AnyFact]:
    """All facts of a journal."""
    follower = Follower(journal)
    facts: list[AnyFact] = []
    while more := follower.read():
        facts += more
    follower.close()
    return facts


@dataclass(frozen=True)
class _Point:
    at: float
    """Wall-clock seconds."""
    trained: int
    """Batches."""
    validated: int
    """Batches."""


class Timeline:
    """Batches over wall-clock time, from the facts of the trainer itself.

    A validation batch counts for as many training batches as it takes time, by this run's own halves: a window that
    holds more of a validation is then not taken for a faster or slower one.
    """

    def __init__(self, journal: Path) -> None:
        self.facts = facts_of(journal)
        self.wall = next(f.wall for f in self.facts if hasattr(f, "wall"))
        self.fit = next(f for f in self.facts if isinstance(f, FitStarted))
        self.train_batch, self.valid_batch = self._seconds("train"), self._seconds("valid")
        """Seconds a batch; 0 before the first complete half."""
        self._points = list(self._walk())

    def _seconds(self, phase: str) -> float:
        ended = [f for f in self.facts if isinstance(f, EpochEnded) and f.phase == phase and f.ended == "complete"]
        if len(ended) < 2:
            return ended[0].seconds / ended[0].batches if ended else 0.0
        # The lower quartile: a process that a benchmark holds still for a while has halves that took far longer.
        return statistics.quantiles([f.seconds / f.batches for f in ended], n=4)[0]

    def _walk(self) -> Iterator[_Point]:
        trained = validated = done = 0
        for fact in self.facts:
            match fact:
                case Scalars(name="loss"):
                    trained = max(trained, fact.first + fact.stride * (len(fact.values) - 1))
                case EpochStarted():
                    trained, done = fact.step, 0
                case Progressed(phase="valid"):
                    validated, done = validated + fact.batch - done, fact.batch
                case EpochEnded(phase="valid"):
                    validated, done = validated + fact.batches - done, 0
                case _:
                    continue
            yield _Point(self.wall + fact.at, trained, validated)

    def images(self, start: float, end: float) -> tuple[int, float]:
        """Images trained between two moments (validation at its cost), and the seconds between the facts that say so.

        (0, 0.0) if fewer than two facts lie between them.
        """
        inside = [p for p in self._points if start <= p.at <= end]
        if len(inside) < 2 or inside[-1].at <= inside[0].at:
            return 0, 0.0
        first, last = inside[0], inside[-1]
        weight = self.valid_batch / self.train_batch if self.train_batch else 0.0
        batches = last.trained - first.trained + weight * (last.validated - first.validated)
        return round(batches * self.fit.batch_size), last.at - first.at

    def moments(self, kind: type[Paused] | type[Continued]) -> list[float]:
        """When facts of a kind happened, wall-clock seconds."""
        return [self.wall + f.at for f in self.facts if isinstance(f, kind)]
