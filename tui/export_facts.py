"""The facts of a run that hold, read from its journal as a stream: what a resumed run replaced is left out."""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec

from miniai.errors import RunError
from miniai.run import events as ev
from miniai.run.directory import RunDir
from miniai.run.tail import kind
from tui.resumptions import decisive, still_true
from tui.text import clean

__all__ = ["Points", "RunFacts"]

_EDGES = frozenset({"RunStarted", "RunResumed", "EpochEnded", "FitStarted", "FitEnded"})
"""Kinds of facts that the first look reads; it must know what holds before the rest means anything."""


class Points(msgspec.Struct, frozen=True):
    """Values of one series that were reported together."""

    series: str
    """As files name it: "train/loss", "lr"."""
    epoch: int
    """Counted from 1."""
    steps: range
    times: list[float]
    """Seconds since the run began, for each step; between two reports on a straight line."""
    values: list[ev.Number]


class RunFacts:
    """A first look at the whole journal finds what holds; `facts` and `points` read it again, as streams.

    Memory grows with the number of epochs only. RunError if there is nothing that can be read. What is written
    after the first look is left for another time.
    """

    def __init__(self, run: RunDir) -> None:
        self.run = run
        self.start: ev.RunStarted | None = None
        self.fit: ev.FitStarted | None = None
        self.end: ev.FitEnded | None = None
        self.metrics: list[str] = []
        """Names in the epochs' ends, harmless for a terminal, in the order of their first value."""
        self.unreadable = 0
        """Lines that are no facts, or facts of a newer version."""
        self._resumes: list[tuple[int, ev.RunResumed]] = []
        self._ends: dict[tuple[int, ev.Phase], tuple[int, ev.EpochEnded]] = {}
        """Line of each half epoch's end, and the end itself: the last one counts."""
        self._upto = math.inf
        """Bytes of the journal that the first look has seen."""
        self._look()

    def _look(self) -> None:
        size = 0
        for number, line in self._lines():
            size += len(line)
            if kind(line) not in _EDGES:
                continue
            match self._decoded(line):
                case ev.RunStarted() as fact:
                    self.start = self.start or fact
                case ev.FitStarted() as fact:
                    self.fit = fact
                case ev.FitEnded() as fact:
                    self.end = fact
                case ev.RunResumed() as fact:
                    self._resumes.append((number, fact))
                    self._ends = {at: end for at, end in self._ends.items() if still_true(end[1], fact) is not None}
                    self.end = None
                case ev.EpochEnded() as fact:
                    self._ends[fact.epoch, fact.phase] = number, fact
                    names = (clean(name, 40) for name in fact.metrics)
                    self.metrics += [name for name in names if name not in self.metrics]
        self._upto = size
        if self.start is None:
            raise RunError(f"{self.run.journal} does not begin with a run's start: there is nothing to read in it")

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        """Whole lines with their numbers; what is still being written is left out, and what came after a look."""
        done = 0
        try:
            with self.run.journal.open("rb") as file:
                for number, line in enumerate(file):
                    done += len(line)
                    if not line.endswith(b"\n") or done > self._upto:
                        return
                    yield number, line
        except OSError as error:
            raise RunError(f"{self.run.journal} cannot be read: {error.strerror}") from error

    @staticmethod
    def _decoded(line: bytes) -> ev.AnyFact | None:
        try:
            return ev.decode(line)
        except msgspec.DecodeError:
            return None

    # -- streams ---------------------------------------------------------------------------------------------------

    def facts(self) -> Iterator[ev.AnyFact]:
        """Facts in the order of the journal; series are cut where a resumed run went on from an earlier step."""
        self.unreadable = 0
        stretches = self._stretches()
        until, later = next(stretches)
        for number, line in self._lines():
            if number >= until:
                until, later = next(stretches)
            fact = self._decoded(line)
            if fact is None:
                self.unreadable += 1
            elif isinstance(fact, ev.EpochEnded):
                if (last := self._ends.get((fact.epoch, fact.phase))) is not None and last[0] == number:
                    yield fact
            elif isinstance(fact, ev.Scalars) and (fact.stride < 1 or not fact.values):
                continue  # of no use to anybody
            elif (true := _still_true(fact, later)) is not None:
                yield true

    def _stretches(self) -> Iterator[tuple[float, list[ev.RunResumed]]]:
        """For each stretch between two resumes: the line that ends it, and the resumes that decide what holds of it."""
        later: list[ev.RunResumed] = []
        stretches: list[tuple[float, list[ev.RunResumed]]] = [(math.inf, [])]
        for number, fact in reversed(self._resumes):
            later = decisive([fact, *later])
            stretches.append((number, later))
        return reversed(stretches)

    def points(self) -> Iterator[Points | ev.AnyFact]:
        """The same, with series of values as `Points`; the values at an epoch's end are series too."""
        epoch, began, said = 1, 0.0, dict[str, float]()
        seen: dict[str, int] = {}
        for fact in self.facts():
            match fact:
                case ev.EpochStarted(phase="train"):
                    epoch, began = fact.epoch + 1, fact.at
                case ev.Continued() | ev.RunResumed():
                    began = fact.at
                case ev.Scalars() if fact.name != "valid_loss":  # it comes with the epoch's end
                    series = _series(fact.name)
                    since = min(max(said.get(series, began), began), fact.at)
                    said[series] = fact.at
                    if made := _later(_spread(fact, series, epoch, since), seen.get(series, -1)):
                        seen[series] = made.steps[-1]
                        yield made
                case ev.LayersMeasured(grad_norm=norm) if norm is not None:
                    yield Points("train/grad_norm", epoch, range(fact.step, fact.step + 1), [fact.at], [norm])
                case ev.EpochEnded(ended="complete"):
                    for name, value in fact.metrics.items():
                        series = f"{fact.phase}/{clean(name, 40)}"
                        series = "train/epoch_loss" if series == "train/loss" else series
                        yield Points(series, fact.epoch + 1, range(fact.step, fact.step + 1), [fact.at], [value])
            yield fact

    def wall(self) -> Iterator[tuple[float, float]]:
        """(at, offset): from `at` on, `offset` more than a fact's `at` is its wall-clock time in seconds since 1970."""
        if self.start is not None:
            yield -math.inf, self.start.wall - self.start.at
        for _, fact in self._resumes:
            if fact.wall:
                yield fact.at, fact.wall - fact.at


def _still_true(fact: ev.AnyFact, later: list[ev.RunResumed]) -> ev.AnyFact | None:
    """What holds of a fact before these resumes."""
    held: ev.AnyFact | None = fact
    for resumed in later:
        held = None if held is None else still_true(held, resumed)
    return held


def _series(name: str) -> str:
    """What a series of the journal is called in files."""
    return "lr" if name == "lr" else f"train/{clean(name, 40)}"


def _spread(fact: ev.Scalars, series: str, epoch: int, since: float) -> Points:
    n = len(fact.values)
    times = [since + (fact.at - since) * (i + 1) / n for i in range(n)]
    return Points(series, epoch, range(fact.first, fact.first + n * fact.stride, fact.stride), times, fact.values)


def _later(points: Points, seen: int) -> Points | None:
    """What lies after a step that the series has reached already; None if nothing does."""
    skip = sum(step <= seen for step in points.steps) if points.steps[0] <= seen else 0
    if skip >= len(points.steps):
        return None
    kept = slice(skip, None)
    return Points(points.series, points.epoch, points.steps[kept], points.times[kept], points.values[kept])
