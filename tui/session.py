"""A run as the screen sees it: facts come, requests go. Who implements it decides how."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from textual.message import Message

from miniai.run.requests import AnyRequest

__all__ = ["Session"]


class Session(Protocol):
    """One run: started by us, attached to, or replayed."""

    run_dir: Path
    """Where the run lies; previews are named relative to it."""
    owns: bool
    """True if we started the trainer: `q` asks what is to become of it."""
    can_leave: bool
    """False where the trainer cannot outlive the screen: "leave it running" is not offered."""

    def run(self, app_post: Callable[[Message], object]) -> None:
        """Post `Reported`, `TrainerSaid` and `TrainerGone` until the run is read to its end or `close` was called.

        Blocking; called once, in a thread worker that starts after the first frame.
        """
        ...

    def request(self, request: AnyRequest) -> None:
        """Send one request; thread-safe, never blocks."""
        ...

    def kill(self) -> None:
        """End the trainer at once."""
        ...

    def close(self) -> None:
        """Stop following; the trainer is left alone."""
        ...
