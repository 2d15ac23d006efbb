"""Read a journal as it grows: live, attached and replayed runs are this one code path."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from miniai.run.events import AnyFact, FitEnded, RunResumed, decode, decode_lines
from tui.resumptions import Resumption, complete, decisive, resumptions, still_true

__all__ = ["Follower"]

_CHUNK = 1 << 20
"""Bytes read at a look; a long journal is handed over in pieces so that the screen stays awake."""

_LOOK, _HURRY = 0.25, 0.02
"""Seconds between two looks at a quiet journal; and while an answer is waited for."""
_HURRY_FOR = 1.5
"""Seconds that an answer is waited for like that."""


class Follower:
    """Turns the lines of a journal into facts.

    A partial last line waits for the next look. A journal that was replaced or shortened is read anew from its
    beginning: its first fact, RunStarted, makes readers forget what they knew. Where the journal tells further on
    that the run was resumed from an earlier step, what became void by that is left out from the beginning.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ended: FitEnded | None = None
        """The last fact of the run, once it was read; None again when the run is resumed."""
        self.unknown = 0
        """Lines that this version could not read."""
        self.wake = threading.Event()
        """Set by whoever knows that there is something new, or that `follow` should return."""
        self._hurry_until = 0.0
        self._fd = -1
        self._offset = 0
        """Where the first line begins that was not read yet."""
        self._ahead: list[Resumption] = []
        """Resumptions that lie ahead, as far as the journal was searched for them when it was opened."""
        self._held = -1
        """Until where the journal is of the past, in bytes, while a resumption is waited for; else -1."""

    def hold_until_resumed(self) -> None:
        """Read nothing of a journal that is there already before a trainer has written that it resumes the run."""
        self._held = 0
        if self._open():
            self._held = complete(self._fd)  # what follows is torn, and will be cut off
        self.close()

    @property
    def offset(self) -> int:
        """How much was read, in bytes."""
        return self._offset

    def read(self) -> list[AnyFact]:
        """The facts of the next complete lines; empty if there is nothing new."""
        if not self._open() or not self._may_read():
            return []
        size, end = _CHUNK, 0
        while not end:
            try:
                data = os.pread(self._fd, size, self._offset)
            except OSError:  # a network file system that is away; the next look may find it back
                return []
            end = data.rfind(b"\n") + 1
            if len(data) < size:
                break
            size *= 2  # a line that is longer than a look
        start, self._offset = self._offset, self._offset + end
        return self._true(data[:end], start) if self._ahead else self._decode(data[:end])

    def hurry(self, seconds: float = _HURRY_FOR) -> None:
        """An answer is waited for: look more often for a moment. From any thread."""
        self._hurry_until = max(self._hurry_until, time.monotonic() + seconds)
        self.wake.set()

    def calm(self) -> None:
        """What was waited for has come: look often only as long as for any answer."""
        self._hurry_until = min(self._hurry_until, time.monotonic() + _HURRY_FOR)

    def follow(
        self, hand_over: Callable[[list[AnyFact]], object], go_on: Callable[[], bool], look: float = _LOOK
    ) -> None:
        """Hand over facts as they come, until there is nothing new and `go_on()` is False.

        Facts come in few large helpings: each wakes the screen, and a screen that is awake often, however shortly,
        holds up a trainer that has a thread on every core. `look` is the time in seconds between two looks at a
        quiet journal.
        """
        while True:
            more = go_on()  # asked before the look: what was written before the end is still read
            offset = self._offset
            facts = self.read()
            if facts:
                hand_over(facts)
            elif self._offset != offset:
                continue  # lines that are void or unknown
            elif not more:
                return
            else:
                self.wake.wait(_HURRY if time.monotonic() < self._hurry_until else look)
                self.wake.clear()

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open(self) -> bool:
        """True if there is a journal to read; starts anew if it is another file or a shorter one than before."""
        try:
            there = os.stat(self.path)
        except OSError:
            return self._fd >= 0  # deleted under us: what is open can still be read
        if self._fd >= 0:
            ours = os.fstat(self._fd)
            if (ours.st_ino, ours.st_dev) == (there.st_ino, there.st_dev) and there.st_size >= self._offset:
                return True
            self.close()
        try:
            self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        self._offset, self.ended = 0, None
        self._ahead = resumptions(self._fd)
        return True

    def _may_read(self) -> bool:
        if self._held >= 0:
            if not resumptions(self._fd, self._held):
                return False
            self._held, self._ahead = -1, resumptions(self._fd)
        return True

    def _true(self, data: bytes, start: int) -> list[AnyFact]:
        """The facts of these lines that count, with resumptions ahead that make some of them void."""
        facts: list[AnyFact] = []
        end = start + len(data)
        while data:
            while self._ahead and self._ahead[0].offset <= start:
                del self._ahead[0]
            upto = min(self._ahead[0].offset if self._ahead else end, end)
            part, data, start = data[: upto - start], data[upto - start :], upto
            told = self._decode(part)
            for resumed in decisive(r.fact for r in self._ahead):
                told = [t for fact in told if (t := still_true(fact, resumed)) is not None]
            facts += told
        return facts

    def _decode(self, data: bytes) -> list[AnyFact]:
        """The facts of complete lines."""
        try:
            facts = decode_lines(data)
        except msgspec.DecodeError:
            facts = [fact for line in data.splitlines() if (fact := self._decode_one(line)) is not None]
        for fact in facts:
            if isinstance(fact, FitEnded):
                self.ended = fact
            elif isinstance(fact, RunResumed):
                self.ended = None
        return facts

    def _decode_one(self, line: bytes) -> AnyFact | None:
        try:
            return decode(line)
        except msgspec.DecodeError:
            self.unknown += 1
            return None
