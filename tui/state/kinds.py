"""What the parts of a run's state have in common, and the words for what the run does."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias

from miniai.run import events as ev

__all__ = ["OVER", "Part", "Section", "Status"]

Status: TypeAlias = Literal[
    "starting", "loading data", "first batch", "training", "validating", "paused", "stopping", "done", "stopped",
    "failed",
]  # fmt: skip
Section: TypeAlias = Literal[
    "status", "progress", "metrics", "loss", "layers", "preview", "alerts", "marks", "found",
    "system", "confusion",
]  # fmt: skip


class Part(Protocol):
    """A part of the state that takes what it needs of the facts."""

    section: Section

    def apply(self, fact: ev.AnyFact) -> bool:
        """Take a fact; True if what panes show of `section` has changed."""


OVER: tuple[Status, ...] = ("done", "stopped", "failed")
