"""Messages that a session posts to the app; thin, with a payload that nobody changes afterwards."""

from __future__ import annotations

import threading

from textual.message import Message

from miniai.run.events import AnyFact
from tui.graphics import Ways

__all__ = ["GraphicsAnswered", "LeaveAsked", "ReplayMoved", "Reported", "RequestFailed", "TrainerGone", "TrainerSaid"]


class GraphicsAnswered(Message):
    """The terminal has answered: how it can draw pictures. Once, and again when its cells have another size."""

    def __init__(self, ways: Ways) -> None:
        self.ways = ways
        super().__init__()


class Reported(Message):
    """New facts, in the order of the journal."""

    def __init__(self, facts: list[AnyFact]) -> None:
        self.facts = facts
        self.taken = threading.Event()
        """Set when the app has taken the facts in: the next may come."""
        super().__init__()


class RequestFailed(Message):
    """A request could not be delivered: `request` is its id, `text` the reason."""

    def __init__(self, request: str, text: str) -> None:
        self.request = request
        self.text = text
        super().__init__()


class TrainerSaid(Message):
    """What the screen waits for before the first fact, or a notice such as "the journal cannot be written"."""

    def __init__(self, text: str) -> None:
        self.text = text
        super().__init__()


class TrainerGone(Message):
    """The trainer died or never started; `log_tail` holds the last lines of its log."""

    def __init__(self, text: str, log_tail: list[str]) -> None:
        self.text = text
        self.log_tail = log_tail
        super().__init__()


class ReplayMoved(Message):
    """A replay is `at` so many seconds of its run; `over` once it is at its end, of which `words` may say more.

    `left_out` seconds in which nothing happened were left out just before; 0 again once something happens.
    """

    def __init__(self, at: float, paused: bool, over: bool, words: str, left_out: float = 0.0) -> None:
        self.at, self.paused, self.over, self.words, self.left_out = at, paused, over, words, left_out
        super().__init__()


class LeaveAsked(Message):
    """A signal, or a terminal that is gone, ends the screen."""
