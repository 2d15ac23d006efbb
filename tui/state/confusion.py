"""Which class the last validation took for which, and the pictures it was most wrong about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miniai.run import events as ev

if TYPE_CHECKING:
    from tui.state.run import Section

__all__ = ["Confusion", "Worst"]


def _sound(fact: ev.ConfusionMeasured) -> bool:
    """Whether a fact's lists go together."""
    n = fact.classes
    sums = all(len(values) == n for values in (fact.totals, fact.right, fact.predicted))
    inside = all(0 <= label < n and 0 <= said < n for label, said, _ in fact.pairs)
    return n >= 0 and sums and inside and len(fact.counts) in (0, n * n)


class Confusion:
    """The newest count."""

    section: Section = "confusion"

    def __init__(self) -> None:
        self.fact: ev.ConfusionMeasured | None = None

    def apply(self, fact: ev.AnyFact) -> bool:
        """Take a fact; True if what is shown has changed."""
        match fact:
            case ev.ConfusionMeasured() if _sound(fact):
                self.fact = fact
                return True
            case ev.RunResumed() if self.fact is not None and self.fact.step > fact.step:
                self.fact = None
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
    """The newest file of the pictures with the largest losses."""

    section: Section = "preview"

    def __init__(self) -> None:
        self.fact: ev.PreviewSaved | None = None

    def apply(self, fact: ev.AnyFact) -> bool:
        """Take a fact; True if what is shown has changed."""
        if isinstance(fact, ev.PreviewSaved) and fact.kind == "worst":
            self.fact = fact
            return True
        return False
