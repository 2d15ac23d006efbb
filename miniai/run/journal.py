"""The journal: facts appended to `events.jsonl`, one JSON object a line, by the trainer alone.

Every line is handed to the system at once (a reader looks every 50 ms), so that a killed trainer loses nothing
it had said. A disk that refuses never hurts the run: what could not be written waits in bounded memory. A journal
that somebody deletes is written anew, whole: the open file still has all of it.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from miniai.run.events import (
    Alerted,
    Fact,
    FitEnded,
    HistogramsMeasured,
    LayersMeasured,
    PreviewSaved,
    Progressed,
    Scalars,
    SystemSampled,
    encode,
)

__all__ = ["Journal"]

_SOFT = (Progressed, LayersMeasured, HistogramsMeasured, PreviewSaved, Scalars, SystemSampled)
"""Kinds that may be given up, oldest first, when the disk stays full for long; edges and answers are kept."""
_LOOK = 1.0
"""Seconds between two looks whether the file is still there."""


class Journal:
    """Append facts to a file; never raises after it was opened.

    `trouble(text)` is called once when writing begins to fail, and with "" when it works again.
    """

    def __init__(
        self,
        path: Path,
        trouble: Callable[[str], object] = str,
        clock: Callable[[], float] = time.monotonic,
        keep: int = 20_000,
    ) -> None:
        self.path = path
        self._trouble = trouble
        self._clock = clock
        self._keep = keep
        self._lock = threading.RLock()
        self._waiting: deque[Fact] = deque()
        self._dropped = 0
        self._retry_at = 0.0
        self._look_at = 0.0
        self._gone = False
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        _cut_torn_line(self._fd)

    def write(self, fact: Fact) -> None:
        """Append one fact; while the disk refuses, keep it and try again each second."""
        with self._lock:
            if self._fd >= 0 and (self._clock() >= self._look_at or isinstance(fact, FitEnded)):
                self._look_at = self._clock() + _LOOK
                self._look_after(fact.at)
            if self._waiting:
                self._wait(fact)
                if self._clock() >= self._retry_at:
                    self._try_again()
            elif error := self._append(encode(fact) + b"\n"):
                self._wait(fact)
                self._retry_at = self._clock() + 1.0
                self._trouble(f"the journal cannot be written ({error}); training goes on, the latest is kept")

    def close(self) -> None:
        """Try once more what could not be written, and close the file."""
        with self._lock:
            if self._fd < 0:
                return
            if self._waiting:
                self._try_again()
            os.close(self._fd)
            self._fd = -1

    def _append(self, data: bytes) -> str:
        """Write whole lines; on failure leave no torn line behind and return the reason."""
        if self._fd < 0:
            return "it is closed"
        try:
            written = os.write(self._fd, data)
        except OSError as error:
            return error.strerror or str(error)
        if written < len(data):
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)
            return "no space left"
        return ""

    def _look_after(self, at: float) -> None:
        """See that the file is where its readers look for it."""
        try:
            if _same(os.stat(self.path), os.fstat(self._fd)):
                return
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                return
        try:
            fd, how = _anew(self.path, self._fd)
        except OSError as error:
            if not self._gone:
                self._gone = True
                why = error.strerror or str(error)
                self._trouble(f"the journal is gone and cannot be written anew ({why}); training goes on without")
            return
        os.close(self._fd)
        self._fd = fd
        self._gone = False
        self._append(encode(Alerted(at=at, topic="journal", text=how)) + b"\n")
        self._trouble(how)  # those who do not read it shall know too
        self._trouble("")

    def _wait(self, fact: Fact) -> None:
        self._waiting.append(fact)
        if len(self._waiting) > self._keep:
            soft = next((i for i, f in enumerate(self._waiting) if isinstance(f, _SOFT)), 0)
            del self._waiting[soft]
            self._dropped += 1

    def _try_again(self) -> None:
        while self._waiting:
            if self._append(encode(self._waiting[0]) + b"\n"):
                self._retry_at = self._clock() + 1.0
                return
            last = self._waiting.popleft()
        text = "the journal can be written again"
        if self._dropped:
            text += f"; {self._dropped} of the facts meanwhile are lost"
        self._dropped = 0
        self._append(encode(Alerted(at=last.at, topic="journal", text=text)) + b"\n")
        self._trouble("")


def _same(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_ino, one.st_dev) == (other.st_ino, other.st_dev)


def _anew(path: Path, fd: int) -> tuple[int, str]:
    """A journal at `path` where the one that `fd` has open is no more, and what was done."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
    if path.exists():
        other = os.open(path, flags)
        _cut_torn_line(other)
        return other, "another file was put in the journal's place: the run goes on in that one"
    part = path.with_name(path.name + ".part")
    new = os.open(part, flags | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        offset = 0
        while data := os.pread(fd, 1 << 20, offset):
            offset += len(data)
            while data:
                data = data[os.write(new, data) :]
        os.rename(part, path)
    except OSError:
        os.close(new)
        with contextlib.suppress(OSError):
            part.unlink()
        raise
    return new, "the journal was deleted or moved away: it was written anew"


def _cut_torn_line(fd: int) -> None:
    """Cut a file that was left in the middle of a line back to its last newline."""
    size = os.fstat(fd).st_size
    end = size
    while end:
        start = max(0, end - 65_536)
        newline = os.pread(fd, end - start, start).rfind(b"\n")
        if newline >= 0:
            end = start + newline + 1
            break
        end = start
    if end < size:
        os.ftruncate(fd, end)
