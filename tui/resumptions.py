"""What a journal holds of steps that were done again: a run that was resumed from an earlier checkpoint."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from miniai.run import events as ev
from miniai.run.events import AnyFact, RunResumed, Scalars, decode

__all__ = ["Resumption", "complete", "decisive", "done_again", "resumptions", "still_true"]

_TAG = b'"RunResumed"'
_BLOCK = 1 << 20
"""Bytes that are searched at a time."""


class Resumption(NamedTuple):
    """A line of a journal that makes earlier lines void."""

    offset: int
    """Where the line begins, in bytes."""
    fact: RunResumed


def resumptions(fd: int, start: int = 0) -> list[Resumption]:
    """All that an open journal tells of from a line's beginning on, in its order; quick also in a long one."""
    found: list[Resumption] = []
    for offset, lines in _blocks(fd, start):
        at = lines.find(_TAG)
        while at >= 0:
            first, end = lines.rfind(b"\n", 0, at) + 1, lines.find(b"\n", at)
            if (fact := _read(lines[first:end])) is not None:
                found.append(Resumption(offset + first, fact))
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


def decisive(resumed: Iterable[RunResumed]) -> list[RunResumed]:
    """Those that decide what holds of facts before all of them: the others make nothing void that these leave."""
    kept: list[RunResumed] = []
    for fact in resumed:
        if not any(_covers(other, fact) for other in kept):
            kept = [other for other in kept if not _covers(fact, other)] + [fact]
    return kept


def _covers(one: RunResumed, other: RunResumed) -> bool:
    """Whether all that `other` makes void is void by `one` already."""
    if one.saved_at is None or other.saved_at is None:
        return one.step < other.step or one == other
    return one.step <= other.step and one.saved_at <= other.saved_at


def done_again(fact: AnyFact, resumed: RunResumed) -> bool:
    """Whether a fact of the loop before `resumed` is void by its time: it was told after the checkpoint."""
    if resumed.saved_at is not None:
        return fact.at > resumed.saved_at
    return isinstance(fact, ev.EpochEnded) and not _over(fact, resumed)


def _over(end: ev.EpochEnded, resumed: RunResumed) -> bool:
    """The same by its place, where the time is not known: a half that was cut short goes on where it was taken up.

    One that was skipped, or a validation that was off, is over; but not if it was skipped after the place that the run
    goes on from.
    """
    again = (end.epoch, end.phase) == (resumed.epoch, resumed.phase)
    return not again or end.ended == "complete" or (end.ended == "skipped" and end.batches <= resumed.batch)


_BY_TIME = (
    ev.EpochStarted, ev.EpochEnded, ev.Progressed, ev.Paused, ev.Continued, ev.BatchSkipped, ev.EpochSkipped,
    ev.StopPlanned, ev.Changed,
)  # fmt: skip
"""Facts of which several may be told at one step; what was measured of a step is measured once."""


def still_true(fact: AnyFact, resumed: RunResumed) -> AnyFact | None:
    """A fact before `resumed`, or the part of it, that still counts; None if nothing does.

    Facts that are about no step stay: whoever takes them learns of the resumption too, and goes back to where it was.
    """
    if isinstance(fact, Scalars):
        return _cut(fact, resumed.step - (fact.name == "valid_loss" and done_again(fact, resumed)))
    if isinstance(fact, (ev.RunStarted, RunResumed)):
        return fact
    step = getattr(fact, "step", 0)
    if isinstance(fact, ev.FitEnded) or step > resumed.step:
        return None
    by_time = isinstance(fact, _BY_TIME) or (isinstance(fact, ev.Alerted) and step == resumed.step > 0)
    return None if by_time and done_again(fact, resumed) else fact


def _cut(fact: Scalars, step: int) -> Scalars | None:
    """The part of a series up to a step."""
    kept = max((step - fact.first) // fact.stride + 1, 0) if fact.stride > 0 else 0
    if kept >= len(fact.values):
        return fact
    return msgspec.structs.replace(fact, values=fact.values[:kept]) if kept else None
