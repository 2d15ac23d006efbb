"""The histograms of the layers' outputs over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miniai.run import events as ev

if TYPE_CHECKING:
    from tui.layer_history import Spreads
    from tui.state.run import Section

__all__ = ["LayerSpreads"]


class LayerSpreads:
    """A part of the state: takes HistogramsMeasured."""

    section: Section = "layers"

    def __init__(self) -> None:
        self.held: Spreads | None = None
        """None before a fit with measured layers began."""

    def apply(self, fact: ev.AnyFact) -> bool:
        """Take a fact; True if it changed what there is to show."""
        match fact:
            case ev.FitStarted(layers=layers) if layers:
                from tui.layer_history import Spreads  # numpy: not before it is needed

                self.held = Spreads(len(layers))
                return True
            case ev.HistogramsMeasured() if self.held is not None:
                return self.held.add(fact.step, fact.layers)
            case ev.RunResumed() if self.held is not None:
                self.held.drop_after(fact.step)
                return True
        return False
