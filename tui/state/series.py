"""All series of a run by name: what the trainer tells step by step, and what follows from other facts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from miniai.run import events as ev
from tui.state.told import Told
from tui.text import clean

if TYPE_CHECKING:
    from tui.history import Series
    from tui.state.run import Section

__all__ = ["AllSeries"]

MAX_SERIES = 24


class AllSeries:
    """A part of the state: `held` is what it knows, in the order of the first values."""

    section: Section = "loss"

    def __init__(self) -> None:
        self.held: dict[str, Series] = {}
        self._validated = Told()

    def apply(self, fact: ev.AnyFact) -> bool:
        """Take a fact; True if a series has changed."""
        match fact:
            case ev.Scalars():
                if fact.name == "valid_loss":
                    self._validated.add(fact.first, fact.at)
                return self._extend(clean(fact.name, 40), fact.first, fact.values, fact.stride)
            case ev.LayersMeasured(grad_norm=norm) if norm is not None:
                return self._extend("grad_norm", fact.step, [norm])
            case ev.EpochEnded(phase="valid", ended="complete") if "loss" in fact.metrics:
                self._validated.add(fact.step, fact.at)
                return self._extend("valid_loss", fact.step, [fact.metrics["loss"]])
            case ev.RunResumed():
                self._resumed(fact)
                return True
        return False

    def _resumed(self, fact: ev.RunResumed) -> None:
        """Forget what is done again."""
        for name in list(self.held):
            until = self._validated.holds_until(fact) if name == "valid_loss" else fact.step
            self.held[name].drop_after(until)
            if not self.held[name].used:
                del self.held[name]
        self._validated.drop_after(fact)

    def _extend(self, name: str, first: int, values: Sequence[ev.Number], stride: int = 1) -> bool:
        series = self.held.get(name)
        if series is None:
            if len(self.held) >= MAX_SERIES:
                return False
            from tui.history import Series  # numpy: not before it is needed

            series = self.held[name] = Series()
        series.extend(first, values, stride)
        return True
