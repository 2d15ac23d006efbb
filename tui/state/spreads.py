"""What is measured of the layers over time: their statistics, and the histograms of their outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from miniai.run import events as ev

if TYPE_CHECKING:
    from tui.layer_history import LayerHistory
    from tui.layer_spreads import Spreads
    from tui.state.run import Section

__all__ = ["LayerSpreads", "LayerValues"]


class _History(Protocol):
    """What is held of so many layers, and can go back."""

    layers: int

    def drop_after(self, step: int) -> None: ...


Held = TypeVar("Held", bound=_History)


class _Measured(Generic[Held]):
    """A part of the state that begins with a fit that measures layers, and goes back when a run is resumed."""

    section: Section = "layers"

    def __init__(self) -> None:
        self.held: Held | None = None
        """None where the fit measures no layers, and before one began."""
        self._resumed = False

    def new(self, layers: int) -> Held:
        """An empty history of so many layers."""
        raise NotImplementedError

    def take(self, held: Held, fact: ev.AnyFact) -> bool:
        """Add what was measured; True if the fact was about this."""
        raise NotImplementedError

    def apply(self, fact: ev.AnyFact) -> bool:
        """Take a fact; True if it changed what there is to show."""
        match fact:
            case ev.FitStarted(layers=layers):
                again, self._resumed = self._resumed, False
                if (0 if self.held is None else self.held.layers) == len(layers) and (again or not layers):
                    return False
                self.held = self.new(len(layers)) if layers else None  # what is held is of the fit's own layers
                return True
            case ev.RunResumed():
                self._resumed = True
                if self.held is not None:
                    self.held.drop_after(fact.step)
                return True
        return self.held is not None and self.take(self.held, fact)


class LayerValues(_Measured["LayerHistory"]):
    """Takes LayersMeasured."""

    def new(self, layers: int) -> LayerHistory:
        """An empty history."""
        from tui.layer_history import LayerHistory  # numpy: not before it is needed

        return LayerHistory(layers)

    def take(self, held: LayerHistory, fact: ev.AnyFact) -> bool:
        """The statistics of one step."""
        return isinstance(fact, ev.LayersMeasured) and held.add(fact)


class LayerSpreads(_Measured["Spreads"]):
    """Takes HistogramsMeasured."""

    def new(self, layers: int) -> Spreads:
        """An empty history."""
        from tui.layer_spreads import Spreads  # numpy: not before it is needed

        return Spreads(layers)

    def take(self, held: Spreads, fact: ev.AnyFact) -> bool:
        """The histograms of one step."""
        return isinstance(fact, ev.HistogramsMeasured) and held.add(fact.step, fact.layers)
