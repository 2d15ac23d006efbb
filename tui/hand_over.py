"""Facts on their way from a session's thread to the app."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import msgspec
from textual.message import Message

from miniai.run.events import (
    AnyFact,
    HistogramsMeasured,
    LayersMeasured,
    PreviewSaved,
    Progressed,
    Scalars,
    SystemSampled,
)
from tui.messages import Reported

__all__ = ["HandOver", "joined"]

_PASSABLE = (Progressed, LayersMeasured, HistogramsMeasured, PreviewSaved, SystemSampled)

ROOM = 4000
"""Facts that may wait for the app: more than a running trainer says in minutes, less than a long journal holds."""
_LOOK = 0.2
"""Seconds between two looks whether anybody still wants the facts."""


class HandOver:
    """Posts facts to the app, and waits while it has too many to take in: a long journal never piles up in memory.

    `wanted()` ends the wait, for an app that is leaving.
    """

    def __init__(self, app_post: Callable[[Message], object], wanted: Callable[[], bool]) -> None:
        self._post, self._wanted = app_post, wanted
        self._waiting: deque[Reported] = deque()

    def __call__(self, facts: list[AnyFact]) -> None:
        """Hand over; facts that nobody wants any more are dropped."""
        while self._wanted() and self._full(len(facts)):
            self._waiting[0].taken.wait(_LOOK)
        if self._wanted():
            message = Reported(joined(facts))
            self._waiting.append(message)
            self._post(message)

    def _full(self, more: int) -> bool:
        while self._waiting and self._waiting[0].taken.is_set():
            self._waiting.popleft()
        return bool(self._waiting) and more + sum(len(m.facts) for m in self._waiting) > ROOM


def joined(facts: list[AnyFact]) -> list[AnyFact]:
    """The same facts with pieces of one series that follow each other in one, which makes a long journal quick to read.

    Facts that say where a series stands (a skip, an epoch's end) are not passed.
    """
    out: list[AnyFact] = []
    growing: dict[str, Scalars] = {}  # the last piece of each series, in `out`
    for fact in facts:
        if not isinstance(fact, Scalars):
            out.append(fact)
            if not isinstance(fact, _PASSABLE):
                growing.clear()
            continue
        last = growing.get(fact.name)
        if last is not None and (last.stride, _next_step(last)) == (fact.stride, fact.first):
            if not last.times:
                last.times.append((_next_step(last) - last.stride, last.at))
            last.values.extend(fact.values)
            last.times.append((_next_step(last) - last.stride, fact.at))
        else:
            growing[fact.name] = msgspec.structs.replace(fact, values=list(fact.values), times=list(fact.times))
            out.append(growing[fact.name])
    return out


def _next_step(piece: Scalars) -> int:
    return piece.first + len(piece.values) * piece.stride
