"""The learning rate of the newest step, for the prompt that changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miniai.run import events as ev

if TYPE_CHECKING:
    from tui.state.run import Section

__all__ = ["Rate"]


class Rate:
    """Takes what facts say of the learning rate."""

    section: Section = "status"

    def __init__(self) -> None:
        self.now: float | None = None
        """The newest rate; None before the first is known."""
        self._resumed = False

    def apply(self, fact: ev.AnyFact) -> bool:
        """Take a fact; no pane shows this, so that none has to be drawn anew."""
        match fact:
            case ev.FitStarted() if self._resumed:
                self._resumed = False  # it says what the run once began with
            case ev.FitStarted(lr=lr):
                self.now = lr
            case ev.RunResumed():
                self._resumed = True
            case ev.Scalars(name="lr", values=[*_, last]):
                self.now = float(last)
            case ev.Changed(what="lr", new=new):
                self.now = new
        return False
