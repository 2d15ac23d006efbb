"""A journal read from its end: what a run did last, without reading all that it did."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

__all__ = ["kind", "lines_backwards", "newest"]

_BLOCK = 16_384
"""Bytes read first; each further look takes four times as many, up to `_MOST`."""
_MOST = 1 << 20


def lines_backwards(path: Path) -> Iterator[bytes]:
    """The complete lines of a file without their newlines, the last one first; nothing if it cannot be read.

    What follows the last newline is a line that is still being written, or was torn by a kill: it is left out.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return
    try:
        end, block, rest, torn = os.fstat(fd).st_size, _BLOCK, b"", True
        while end > 0:
            start = max(0, end - block)
            data = os.pread(fd, end - start, start)
            if len(data) < end - start:  # it was shortened meanwhile
                return
            rest, *lines = (data + rest).split(b"\n")
            if lines and torn:
                lines.pop()
                torn = False
            yield from reversed(lines)
            end, block = start, min(4 * block, _MOST)
        if not torn:
            yield rest
    except OSError:
        return
    finally:
        os.close(fd)


def kind(line: bytes) -> str:
    """The class name of the fact that a journal line holds, without reading the line; empty if it holds none."""
    head, _, rest = line[:64].partition(b'{"is":"')
    return rest.partition(b'"')[0].decode(errors="replace") if not head else ""


def newest(path: Path, kinds: Sequence[str], room: int) -> tuple[list[bytes], bool]:
    """Journal lines of some kinds among the last `room` bytes, in their order; and whether that was the whole file."""
    try:
        with path.open("rb") as file:
            start = max(0, os.fstat(file.fileno()).st_size - room)
            file.seek(start)
            data = file.read(room)
    except OSError:
        return [], True
    if not start:
        data = b"\n" + data
    places = sorted(place for name in kinds for place in _places(data, b'\n{"is":"%b"' % name.encode()))
    lines = [data[place + 1 : data.find(b"\n", place + 1)] for place in places if data.find(b"\n", place + 1) >= 0]
    return lines, start == 0


def _places(data: bytes, what: bytes) -> Iterator[int]:
    place = data.find(what)
    while place >= 0:
        yield place
        place = data.find(what, place + 1)
