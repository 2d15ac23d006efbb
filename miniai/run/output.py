"""Python's standard streams for a process whose output may be refused: a full disk, a reader that left.

A print in somebody's training loop must never raise because of where its text goes.
"""

from __future__ import annotations

import io
import os
import select
import sys

__all__ = ["LossyWriter", "fill_in", "install", "one_line"]


_PATIENCE = 1.0
"""Seconds that a write waits for a reader that does not read, once until it reads again."""
_PIECE = 4096
"""Bytes that a pipe takes without waiting when it says that it takes any (PIPE_BUF)."""


class LossyWriter(io.RawIOBase):
    """Writes to a descriptor; what it refuses is dropped and counted in `lost` (bytes).

    So is what a pipe or terminal does not take within a second: the run does not wait for a reader that has stalled.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.lost = 0
        self._patience = _PATIENCE

    def writable(self) -> bool:
        """Always True."""
        return True

    def fileno(self) -> int:
        """The descriptor written to."""
        return self._fd

    def isatty(self) -> bool:
        """Whether the descriptor is a terminal."""
        return os.isatty(self._fd)

    def write(self, data: bytes | bytearray | memoryview, /) -> int:  # type: ignore[override]  # the stub wants Buffer
        """Write all of `data`, or drop what the descriptor refuses."""
        left = memoryview(data)
        try:
            while left and self._takes():
                left = left[os.write(self._fd, left[:_PIECE]) :]
        except OSError:
            pass
        self.lost += len(left)
        return len(data)

    def _takes(self) -> bool:
        """Wait until the descriptor can be written; a file always can."""
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        takes = bool(poll.poll(self._patience * 1000))
        self._patience = _PATIENCE if takes else 0.0
        return takes


def fill_in() -> None:
    """Open the null device in the place of each standard descriptor that is closed (`command >&-`).

    Else the next file that is opened would get its number, a journal say, and what is printed would go into it.
    """
    for fd, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, which is this one
            os.set_inheritable(fd, True)
        if getattr(sys, name) is None:  # as Python has found it closed
            stream = open(fd, "r" if fd == 0 else "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # stays open
            setattr(sys, name, stream)


def one_line(text: object) -> str:
    """A message for an output that may be a terminal: on one line, and nothing in it that a terminal obeys."""
    return "".join(c if c.isprintable() else " " for c in str(text))


def install() -> tuple[LossyWriter, LossyWriter]:
    """Put unbuffered lossy streams in place of sys.stdout and sys.stderr; return their writers."""
    out, err = LossyWriter(1), LossyWriter(2)
    for name, raw in (("stdout", out), ("stderr", err)):
        old = getattr(sys, name)
        if old is not None:
            old.flush()
        # Unbuffered, as under `python -u`: what was printed before a crash is not lost with a buffer.
        stream = io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", write_through=True)  # type: ignore[type-var]
        setattr(sys, name, stream)
    return out, err
