"""The checkpoints of a run, as the trainer told of them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from miniai.run import events as ev

if TYPE_CHECKING:
    from tui.state.run import Section

__all__ = ["Saves"]

KEPT = 20
"""Checkpoints that are remembered; a trainer keeps fewer on disk."""


class Saves:
    """A part of the state: the newest checkpoint, and where the run was last resumed."""

    section: Section = "status"

    def __init__(self) -> None:
        self._saved: deque[tuple[ev.Saved, float]] = deque(maxlen=KEPT)
        self._zero = 0.0
        """Wall-clock time of `at == 0`, seconds since 1970, as the running process counts."""
        self.resumed: ev.RunResumed | None = None

    def apply(self, fact: ev.AnyFact) -> bool:
        """Take a fact; True if what is shown has changed."""
        match fact:
            case ev.RunStarted() if self.resumed is None:
                self._zero = fact.wall - fact.at
            case ev.Saved(why="best", bytes=0) if self.last is not None and self.last.step == fact.step:
                pass  # the same one under another name
            case ev.Saved():
                self._saved.append((fact, self._zero + fact.at))
                return True
            case ev.RunResumed():
                self.resumed = fact
                if fact.wall:
                    self._zero = fact.wall - fact.at
                while self._saved and self._saved[-1][0].step > fact.step:
                    self._saved.pop()
                return True
        return False

    @property
    def last(self) -> ev.Saved | None:
        """The newest checkpoint; None without any."""
        return self._saved[-1][0] if self._saved else None

    @property
    def wall(self) -> float:
        """When the newest checkpoint was written, wall-clock seconds since 1970; 0 without any."""
        return self._saved[-1][1] if self._saved else 0.0
