"""What a user has seen of a run: a request carries it, so that the trainer can refuse what has become stale."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from miniai.run import events as ev
from miniai.run.requests import SetLearningRate, SkipBatch, Step

if TYPE_CHECKING:
    from tui.state.kinds import Section

__all__ = ["Seen"]


class Seen:
    """Where the run stands, and who changed its rate last (a `Part` of the state that no pane shows)."""

    section: Section = "status"

    def __init__(self) -> None:
        self.stood = 0.0
        """`at` of the pause in which the run stands; 0 while it goes on."""
        self.rate_by = ""
        """Id of the request that changed the learning rate last; empty if none has."""

    def apply(self, fact: ev.AnyFact) -> bool:
        """Take a fact."""
        match fact:
            case ev.Paused():
                self.stood = fact.at
            case ev.Continued() | ev.RunResumed() | ev.FitEnded():
                self.stood = 0.0
            case ev.Changed(what="lr"):
                self.rate_by = fact.request
        return False

    def of(self, kind: object, waiting: bool = False) -> dict[str, Any]:
        """The fields of a request of this kind that say what the user saw.

        While the same user is `waiting` for an answer, the run is about to stand elsewhere than the screen shows: what
        is asked then does not depend on it.
        """
        if kind in (Step, SkipBatch):
            return {"stood": None if waiting else self.stood}
        return {"seen": self.rate_by} if kind is SetLearningRate else {}
