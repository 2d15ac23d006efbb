"""Facts on their way from a session's thread to the app."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from textual.message import Message

from miniai.run.events import AnyFact, LayersMeasured, PreviewSaved, Progressed, Scalars
from tui.messages import Reported

__all__ = ["HandOver", "joined"]

_PASSABLE = (Progressed, LayersMeasured, PreviewSaved)

_LOOK = 0.2
"""Seconds between two looks whether anybody still wants the facts."""


class HandOver:
    """Posts facts to the app and waits until it has taken them, so that a long journal never piles up in memory.

    `wanted()` ends the wait, for an app that is leaving or whose terminal has stalled.
    """

    def __init__(self, app_post: Callable[[Message], object], wanted: Callable[[], bool]) -> None:
        self._post, self._wanted = app_post, wanted

    def __call__(self, facts: list[AnyFact]) -> None:
        """Hand over; returns when the app has them, or does not want them any more."""
        if not self._wanted():
            return
        message = Reported(joined(facts))
        self._post(message)
        while self._wanted() and not message.taken.wait(_LOOK):
            pass


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
            last.values.extend(fact.values)
        else:
            growing[fact.name] = msgspec.structs.replace(fact, values=list(fact.values))
            out.append(growing[fact.name])
    return out


def _next_step(piece: Scalars) -> int:
    return piece.first + len(piece.values) * piece.stride
