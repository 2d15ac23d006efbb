"""Where in a fit one is, and how a fit begins there: what a resumed run needs of the loop."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sized
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["Position", "Start", "batches", "count", "lengths"]


class Position(NamedTuple):
    """A place between two batches."""

    epoch: int
    training: bool
    """In which half of the epoch."""
    batch: int
    """Batches of that half that are behind: trained, validated or skipped."""
    over: bool = False
    """That half is over: the next begins."""
    fetched: bool = False
    """The loader has made batch number `batch` already, though nobody has had it."""


class Start:
    """Where a fit begins that goes on with an earlier one; a Learner takes it as `start`, for its next fit.

    `settle` is called once the loader stands where it did, for whoever puts the random state back.
    """

    def __init__(self, position: Position, settle: Callable[[], object] = bool) -> None:
        self.position, self.settle = position, settle

    def passed(self, epoch: int, training: bool) -> bool:
        """Whether a half epoch is behind."""
        at = self.position
        here, there = (epoch, not training), (at.epoch, not at.training)  # training comes first
        return here < there or (here == there and at.over)

    def within(self, epoch: int, training: bool) -> bool:
        """Whether the fit begins within this half epoch."""
        return not self.position.over and (epoch, training) == (self.position.epoch, self.position.training)

    def batches(self, dl: Any) -> Iterator[tuple[int, Any]]:
        """What is left of the half epoch, numbered: batches that are behind are not made if `dl` has `iter_from`."""
        at = self.position
        left: Iterator[Any]
        if hasattr(dl, "iter_from"):
            left = dl.iter_from(at.batch)
        else:
            left = iter(dl)
            for _ in islice(left, at.batch):
                pass
        ahead = list(islice(left, int(at.fetched)))
        self.settle()
        return enumerate(chain(ahead, left), at.batch)


def batches(learn: Learner) -> Iterator[tuple[int, Any]]:
    """The batches of the half epoch that begins, numbered; of the one that the fit was resumed within, the rest."""
    start, learn.start = learn.start, None
    if start is None or not start.within(learn.epoch, learn.training):
        return enumerate(learn.dl)
    return start.batches(learn.dl)


def count(dl: object) -> int:
    """Number of batches, or a number never reached where the loader does not know it."""
    return len(dl) if isinstance(dl, Sized) else sys.maxsize


def lengths(dls: object) -> tuple[int, int]:
    """Batches of a training and of a validation half; 0 where the loader does not know."""
    train, valid = (getattr(dls, name, None) for name in ("train", "valid"))
    return len(train) if isinstance(train, Sized) else 0, len(valid) if isinstance(valid, Sized) else 0
