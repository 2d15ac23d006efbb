"""AlertsCB: what a Watch has said and counted, for a run that is resumed."""

from __future__ import annotations

from typing import Any

from miniai.callbacks.base import Callback
from miniai.run.watch import Watch

__all__ = ["AlertsCB"]


class AlertsCB(Callback):
    """Save and restore `watch`, which hears the facts by itself: a resumed run goes on with what its rules counted."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch

    def state_dict(self) -> dict[str, Any]:
        """What was said, and how near each rule is to speak."""
        return self.watch.state_dict()

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Go on from there."""
        self.watch.load_state_dict(state)
