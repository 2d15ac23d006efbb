"""Read a journal as it grows: live, attached and replayed runs are this one code path."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from miniai.run.events import AnyFact, FitEnded, decode

__all__ = ["Follower"]

_CHUNK = 1 << 18
"""Bytes read at a look; a long journal is handed over in pieces so that the screen stays awake."""


class Follower:
    """Turns the lines of a journal into facts.

    A partial last line waits for the next look. A journal that was replaced or shortened is read anew from its
    beginning: its first fact, RunStarted, makes readers forget what they knew.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ended: FitEnded | None = None
        """The last fact of the run, once it was read."""
        self.unknown = 0
        """Lines that this version could not read."""
        self.wake = threading.Event()
        """Set by whoever knows that there is something new, or that `follow` should return."""
        self._fd = -1
        self._offset = 0
        self._rest = b""

    def read(self) -> list[AnyFact]:
        """The facts of the next complete lines; empty if there is nothing new."""
        if not self._open():
            return []
        try:
            data = os.pread(self._fd, _CHUNK, self._offset)
        except OSError:  # a network file system that is away; the next look may find it back
            return []
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [fact for line in lines if (fact := self._decode(line)) is not None]

    def follow(
        self, hand_over: Callable[[list[AnyFact]], object], go_on: Callable[[], bool], look: float = 0.05
    ) -> None:
        """Hand over facts as they come, until there is nothing new and `go_on()` is False.

        `look` is the time in seconds between two looks at a quiet journal.
        """
        while True:
            more = go_on()  # asked before the look: what was written before the end is still read
            facts = self.read()
            if facts:
                hand_over(facts)
            elif not more:
                return
            else:
                self.wake.wait(look)
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
        self._offset, self._rest, self.ended = 0, b"", None
        return True

    def _decode(self, line: bytes) -> AnyFact | None:
        try:
            fact = decode(line)
        except msgspec.DecodeError:
            self.unknown += 1
            return None
        if isinstance(fact, FitEnded):
            self.ended = fact
        return fact
