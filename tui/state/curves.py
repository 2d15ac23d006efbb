"""Metrics over the epochs: one value for each complete half epoch, at the step where it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miniai.run import events as ev
from tui.state.told import Told
from tui.text import clean

if TYPE_CHECKING:
    from tui.history import Series
    from tui.state.run import Section

__all__ = ["METRICS", "EpochCurves"]

METRICS, SIZE = 64, 512
"""Metrics that are followed, and values of each that are held one by one."""


class EpochCurves:
    """Takes the metrics of complete halves, without the loss, which has series of its own."""

    section: Section = "loss"

    def __init__(self) -> None:
        self.names: list[str] = []
        """In the order of their first value."""
        self.series: dict[tuple[str, ev.Phase], Series] = {}
        self._told: dict[ev.Phase, Told] = {"train": Told(), "valid": Told()}

    def apply(self, fact: ev.AnyFact) -> bool:
        """Take a fact; True if a curve has changed."""
        match fact:
            case ev.EpochEnded(ended="complete"):
                self._told[fact.phase].add(fact.step, fact.at)
                for name, value in fact.metrics.items():
                    if name != "loss":
                        self._extend(clean(name, 40), fact.phase, fact.step, value)
                return len(fact.metrics) > 1
            case ev.RunResumed():
                for key in list(self.series):
                    self.series[key].drop_after(self._told[key[1]].holds_until(fact))
                    if not self.series[key].used:
                        del self.series[key]
                for told in self._told.values():
                    told.drop_after(fact)
                self.names = [name for name in self.names if any(key[0] == name for key in self.series)]
                return True
        return False

    def _extend(self, name: str, phase: ev.Phase, step: int, value: ev.Number) -> None:
        if name not in self.names:
            if len(self.names) >= METRICS:
                return
            self.names.append(name)
        if (name, phase) not in self.series:
            from tui.history import Series  # numpy: not before it is needed

            self.series[name, phase] = Series(size=SIZE, newest=SIZE)
        self.series[name, phase].extend(step, [value])
