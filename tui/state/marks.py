"""What happened at a train step: marks for the chart, and the learning rate's jumps."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from miniai.run import events as ev
from miniai.run.events import Scalars
from tui.state.answers import change, change_words
from tui.text import duration

if TYPE_CHECKING:
    from tui.state.run import Section

__all__ = ["Mark", "Marks", "RateWatch"]

STILL = 10
"""Steps for which a learning rate must have stood still for its change to be a jump and not a schedule."""
LIMIT = 100
"""Marks that are kept."""


@dataclass(frozen=True)
class Mark:
    """Something that happened at a train step and that the chart shows."""

    step: int
    kind: Literal["pause", "skip", "lr", "stop", "change", "alert", "save", "resume"]
    text: str
    """A word or two."""
    said: str = ""
    """The same in full; empty where the words say all."""
    told: float = field(default=0.0, compare=False)
    """Seconds of the run at which it was told."""

    @property
    def full(self) -> str:
        """All that is known of it."""
        return self.said or self.text


class RateWatch:
    """Finds where the learning rate changes after having stood still; a schedule makes no marks."""

    def __init__(self) -> None:
        self._last: ev.Number = 0.0
        self._same = 0

    def marks(self, fact: Scalars) -> list[Mark]:
        """The jumps among new values of the learning rate."""
        found = []
        last, same = self._last, self._same
        for i, value in enumerate(fact.values):
            if value == last:
                same += 1
                continue
            if same >= STILL and float(last) > 0:
                said = f"learning rate {float(last):.4g} > {float(value):.4g}"
                short = f"lr x{float(value) / float(last):.3g}"
                found.append(Mark(fact.first + i * fact.stride, "lr", short, said))
            last, same = value, 0
        self._last, self._same = last, same
        return found

    def forget(self) -> None:
        """The rate goes on from an earlier one: it has to stand still again first."""
        self._last, self._same = 0.0, 0


class Marks:
    """The newest marks, the oldest first."""

    section: Section = "marks"

    def __init__(self) -> None:
        self._marks: deque[Mark] = deque(maxlen=LIMIT)
        self._rate = RateWatch()
        self._step, self._paused = 0, False

    def __iter__(self) -> Iterator[Mark]:
        return iter(self._marks)

    def __len__(self) -> int:
        return len(self._marks)

    def __getitem__(self, i: int) -> Mark:
        return self._marks[i]

    def apply(self, fact: ev.AnyFact) -> bool:
        """Take a fact; True if there is a new mark, or one less."""
        match fact:
            case ev.RunResumed():
                self._resumed(fact)
                return True
            case ev.Scalars(name="lr"):
                found = self._rate.marks(fact)
            case ev.Continued():
                return self._went_on(fact.paused)
            case _:
                self._reached(fact)
                mark = self._of(fact)
                found = [] if mark is None else [mark]
        self._marks.extend(replace(mark, told=fact.at) for mark in found)
        return bool(found)

    def _reached(self, fact: ev.AnyFact) -> None:
        if isinstance(fact, ev.Scalars) and fact.name == "loss" and fact.values:
            self._step = max(self._step, fact.first + fact.stride * (len(fact.values) - 1))
        elif isinstance(fact, (ev.EpochStarted, ev.EpochEnded, ev.Paused)):
            self._step = max(self._step, fact.step)

    def _went_on(self, seconds: float) -> bool:
        """The pause is over: its mark says how long it was."""
        was, self._paused = self._paused, False
        at = next((i for i in reversed(range(len(self._marks))) if self._marks[i].kind == "pause"), None)
        if not was or at is None:
            return False
        self._marks[at] = replace(self._marks[at], said=f"paused for {duration(seconds)}")
        return True

    def _of(self, fact: ev.AnyFact) -> Mark | None:
        paused = self._paused
        if isinstance(fact, (ev.Paused, ev.FitEnded)):
            self._paused = isinstance(fact, ev.Paused)
        match fact:
            case ev.Paused() if not paused:
                return Mark(fact.step, "pause", "paused")
            case ev.BatchSkipped():
                half = "" if fact.phase == "train" else "of validation "
                return Mark(self._step, "skip", "batch skipped", f"batch {fact.batch + 1} {half}skipped")
            case ev.EpochSkipped():
                half = "training" if fact.phase == "train" else "validation"
                said = f"rest of {half} skipped, after {fact.at_batch} batches"
                return Mark(self._step, "skip", f"{half} skipped", said)
            case ev.StopPlanned():
                return Mark(self._step, "stop", f"stop after {fact.when}", f"stop asked for after this {fact.when}")
            case ev.Changed():
                return Mark(fact.step, "lr" if fact.what == "lr" else "change", change_words(fact), change(fact))
            case ev.Saved(why="request"):  # those that come by themselves would hide all else
                return Mark(fact.step, "save", "saved", "checkpoint saved, as asked")
        return None

    def _resumed(self, fact: ev.RunResumed) -> None:
        kept = [mark for mark in self._marks if _stays(mark, fact)]
        mark = Mark(fact.step, "resume", "resumed", "the run was resumed here", fact.at)
        self._marks = deque([*kept, mark], maxlen=LIMIT)
        self._rate.forget()
        self._step, self._paused = fact.step, False


def _stays(mark: Mark, resumed: ev.RunResumed) -> bool:
    """Whether a mark is of before the checkpoint, or of the checkpoint itself."""
    if mark.step > resumed.step or (mark.step, mark.kind) == (resumed.step, "resume"):
        return False
    return resumed.saved_at is None or mark.kind in ("save", "resume") or mark.told <= resumed.saved_at
