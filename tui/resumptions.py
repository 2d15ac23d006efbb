"""What a journal holds of steps that were done again: a run that was resumed from an earlier checkpoint."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from miniai.run.events import AnyFact, FitEnded, RunResumed, RunStarted, Scalars, decode

__all__ = ["Resumption", "complete", "resumptions", "still_true"]

_TAG = b'"RunResumed"'
_BLOCK = 1 << 20
"""Bytes that are searched at a time."""


class Resumption(NamedTuple):
    """A line of a journal that makes earlier lines void."""

    offset: int
    """Where the line begins, in bytes."""
    step: int


def resumptions(fd: int, start: int = 0) -> list[Resumption]:
    """All that an open journal tells of from a line's beginning on, in its order; quick also in a long one."""
    found: list[Resumption] = []
    for offset, lines in _blocks(fd, start):
        at = lines.find(_TAG)
        while at >= 0:
            first, end = lines.rfind(b"\n", 0, at) + 1, lines.find(b"\n", at)
            if (fact := _read(lines[first:end])) is not None:
                found.append(Resumption(offset + first, fact.step))
            at = lines.find(_TAG, end)
    return found


def complete(fd: int) -> int:
    """Where the last complete line of an open journal ends, in bytes."""
    return max((offset + len(lines) for offset, lines in _blocks(fd, 0)), default=0)


def _blocks(fd: int, offset: int) -> Iterator[tuple[int, bytes]]:
    """Complete lines, many at a time, and where they begin; no mmap: a file that is shortened meanwhile would kill."""
    size = _BLOCK
    while data := os.pread(fd, size, offset):
        end = data.rfind(b"\n") + 1
        if end:
            yield offset, data[:end]
            offset, size = offset + end, _BLOCK
        elif len(data) < size:
            return
        else:
            size *= 2


def _read(line: bytes) -> RunResumed | None:
    try:
        fact = decode(line)
    except msgspec.DecodeError:
        return None
    return fact if isinstance(fact, RunResumed) else None


def still_true(fact: AnyFact, step: int) -> AnyFact | None:
    """A fact, or the part of it, that still counts when the run is later resumed from `step`; None if nothing does.

    Facts that name no step stay: whoever takes them learns of the resumption too, and goes back to where it was.
    """
    if isinstance(fact, Scalars):
        kept = max((step - fact.first) // fact.stride + 1, 0) if fact.stride > 0 else 0
        if kept >= len(fact.values):
            return fact
        return msgspec.structs.replace(fact, values=fact.values[:kept]) if kept else None
    if isinstance(fact, (RunStarted, RunResumed)):
        return fact
    return None if isinstance(fact, FitEnded) or getattr(fact, "step", 0) > step else fact
