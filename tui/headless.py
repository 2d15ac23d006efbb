"""The LogPrinter: a run as lines on standard output, for batch systems, pipes and files."""

from __future__ import annotations

import os
import queue
import threading
from typing import Literal, Protocol

from miniai.run import events as ev
from tui.lines import Lines

__all__ = ["LogPrinter"]

Format = Literal["text", "json"]

_PERIODIC = (ev.Progressed, ev.SystemSampled, ev.StageReached)
"""Facts that come many times a minute: of each kind one is told in a period."""
_JSON_LEFT_OUT = (ev.Scalars, ev.LayersMeasured, ev.HistogramsMeasured, ev.PreviewSaved, ev.StageReached)


class Renders(Protocol):
    """Facts to lines, as `Lines` does it."""

    def note(self, fact: ev.Progressed) -> None:
        """Take a fact without saying anything."""
        ...

    def render(self, fact: ev.Fact) -> list[str]:
        """Lines without their newlines."""
        ...


class LogPrinter:
    """Prints facts from a thread of its own; a reader that stalls or leaves never hurts the run.

    `every` is the time in seconds between two lines within an epoch's half, and between two of what is told of the
    machine and of the preparation; `lines` makes the text.
    """

    def __init__(
        self, form: Format = "text", every: float = 10.0, fd: int = 1, room: int = 1000, lines: Renders | None = None
    ) -> None:
        self._lines = lines or Lines()
        self._form = form
        self._every = every
        self._fd = fd
        self._next: dict[type[ev.Fact], float] = dict.fromkeys((ev.Progressed, ev.StageReached), every)
        self._queue: queue.Queue[bytes | None] = queue.Queue(room)
        self._thread = threading.Thread(target=self._print, name="log printer", daemon=True)
        self._thread.start()

    def __call__(self, fact: ev.Fact) -> None:
        """Queue what is to be said of `fact`; never blocks: lines beyond the queue's room are dropped."""
        if isinstance(fact, _PERIODIC):
            if fact.at < self._next.get(type(fact), 0.0):
                if isinstance(fact, ev.Progressed):
                    self._lines.note(fact)
                return
            self._next[type(fact)] = fact.at + self._every
        elif isinstance(fact, ev.EpochEnded):
            self._next[ev.Progressed] = fact.at + self._every
        for line in self._render(fact):
            try:
                self._queue.put_nowait(line.encode(errors="backslashreplace") + b"\n")
            except queue.Full:
                return

    def close(self, deadline: float = 2.0) -> None:
        """Wait until everything is printed, at most `deadline` seconds."""
        try:
            self._queue.put(None, timeout=deadline)
        except queue.Full:
            return
        self._thread.join(deadline)

    def _render(self, fact: ev.Fact) -> list[str]:
        if self._form == "text":
            return self._lines.render(fact)
        return [] if isinstance(fact, _JSON_LEFT_OUT) else [_harmless(ev.encode(fact).decode())]

    def _print(self) -> None:
        while (data := self._queue.get()) is not None:
            try:
                while data:
                    data = data[os.write(self._fd, data) :]
            except OSError:  # the reader left: the run goes on without one
                return


def _harmless(line: str) -> str:
    """JSON in which no character is left that a terminal obeys: C1, DEL, those that turn the writing's direction."""
    return line if line.isprintable() else "".join(c if c.isprintable() else _escaped(c) for c in line)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))
