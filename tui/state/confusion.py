"""Which class the last validation took for which, and the pictures it was most wrong about."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from miniai.run import events as ev

if TYPE_CHECKING:
    from tui.state.run import Section

__all__ = ["Confusion", "Worst"]


KEPT = 4
"""Counts that are remembered: a resumed run goes back to an earlier one."""


def _sound(fact: ev.ConfusionMeasured) -> bool:
    """Whether a fact's lists go together."""
    n = fact.classes
    sums = all(len(values) == n for values in (fact.totals, fact.right, fact.predicted))
    inside = all(0 <= label < n and 0 <= said < n for label, said, _ in fact.pairs)
    return n >= 0 and sums and inside and len(fact.counts) in (0, n * n)


class Confusion:
    """The newest counts."""

    section: Section = "confusion"

    def __init__(self) -> None:
        self._newest: deque[ev.ConfusionMeasured] = deque(maxlen=KEPT)

    @property
    def fact(self) -> ev.ConfusionMeasured | None:
        """The newest; None before the first."""
        return self._newest[-1] if self._newest else None

    def apply(self, fact: ev.AnyFact) -> bool:
        """Take a fact; True if what is shown has changed."""
        match fact:
            case ev.ConfusionMeasured() if _sound(fact):
                self._newest.append(fact)
                return True
            case ev.RunResumed():
                while self._newest and self._newest[-1].step > fact.step:
                    self._newest.pop()
                return True
            case ev.RunStarted() | ev.DataLoaded() | ev.FitEnded():
                return True  # names; and what will not come any more
        return False

    @property
    def accuracy(self) -> list[float | None]:
        """Share, 0 to 1, of each class's samples that was taken for what it is; None for a class without samples."""
        if self.fact is None:
            return []
        return [r / t if t else None for r, t in zip(self.fact.right, self.fact.totals, strict=True)]


class Worst:
    """The newest files of the pictures with the largest losses, and of those that were trained on."""

    section: Section = "preview"

    def __init__(self) -> None:
        self.fact: ev.PreviewSaved | None = None
        self.trained: ev.PreviewSaved | None = None
        """A batch of training: what a transform did is only known of those."""

    def apply(self, fact: ev.AnyFact) -> bool:
        """Take a fact; True if what is shown has changed."""
        match fact:
            case ev.PreviewSaved(kind="worst"):
                self.fact = fact
            case ev.PreviewSaved(kind="batch", phase="train"):
                self.trained = fact
            case ev.RunResumed():
                self.fact = None if self.fact is None or self.fact.step > fact.step else self.fact
                self.trained = None if self.trained is None or self.trained.step > fact.step else self.trained
            case _:
                return False
        return True
