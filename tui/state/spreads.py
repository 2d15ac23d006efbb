"""What is measured of the layers over time: their statistics, and the histograms of their outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miniai.run import events as ev

if TYPE_CHECKING:
    from tui.layer_history import LayerHistory, Spreads
    from tui.state.run import Section

__all__ = ["LayerSpreads", "LayerValues"]


class LayerValues:
    """A part of the state: takes LayersMeasured."""

    section: Section = "layers"

    def __init__(self) -> None:
        self.held: LayerHistory | None = None
        """None before a fit with measured layers began."""
        self._resumed = False

    def apply(self, fact: ev.AnyFact) -> bool:
        """Take a fact; True if it changed what there is to show."""
        match fact:
            case ev.FitStarted(layers=layers):
                again, self._resumed = self._resumed, False
                if not layers or (again and self.held is not None and self.held.layers == len(layers)):
                    return False
                from tui.layer_history import LayerHistory  # numpy: not before it is needed

                self.held = LayerHistory(len(layers))
                return True
            case ev.LayersMeasured() if self.held is not None:
                return self.held.add(fact)
            case ev.RunResumed():
                self._resumed = True
                if self.held is not None:
                    self.held.drop_after(fact.step)
                return True
        return False


class LayerSpreads:
    """A part of the state: takes HistogramsMeasured."""

    section: Section = "layers"

    def __init__(self) -> None:
        self.held: Spreads | None = None
        """None before a fit with measured layers began."""
        self._resumed = False

    def apply(self, fact: ev.AnyFact) -> bool:
        """Take a fact; True if it changed what there is to show."""
        match fact:
            case ev.FitStarted(layers=layers):
                again, self._resumed = self._resumed, False
                if not layers or (again and self.held is not None and self.held.layers == len(layers)):
                    return False
                from tui.layer_history import Spreads  # numpy: not before it is needed

                self.held = Spreads(len(layers))
                return True
            case ev.HistogramsMeasured() if self.held is not None:
                return self.held.add(fact.step, fact.layers)
            case ev.RunResumed():
                self._resumed = True
                if self.held is not None:
                    self.held.drop_after(fact.step)
                return True
        return False
