"""Facts that answer requests, and alerts."""

from __future__ import annotations

from typing import Literal

from miniai.run.fact import Fact, Phase

__all__ = [
    "Alerted", "BatchSkipped", "Changed", "Continued", "EpochSkipped", "Paused", "Refused", "StopPlanned",
]  # fmt: skip


class Paused(Fact, frozen=True, tag=True):
    """Training stands still after `batch` batches of this half."""

    epoch: int
    phase: Phase
    batch: int
    step: int
    request: str = ""
    """Id of the request that this answers."""


class Continued(Fact, frozen=True, tag=True):
    """Training goes on. `paused` is how many seconds it stood still."""

    paused: float
    request: str = ""


class BatchSkipped(Fact, frozen=True, tag=True):
    """Batch number `batch` of this half was not trained on (or not validated on)."""

    epoch: int
    phase: Phase
    batch: int
    request: str = ""


class EpochSkipped(Fact, frozen=True, tag=True):
    """The rest of this half epoch is skipped; `at_batch` batches of it were done."""

    epoch: int
    phase: Phase
    at_batch: int
    request: str = ""


class StopPlanned(Fact, frozen=True, tag=True):
    """The run will end in order: after the running batch, or after the whole epoch."""

    when: Literal["batch", "epoch"]
    epoch: int
    request: str = ""


class Changed(Fact, frozen=True, tag=True):
    """Something of the fit is different from now on, as a request asked for."""

    what: Literal["lr", "epochs", "valid"]
    """Learning rate, number of epochs, or whether validation halves are done (1 or 0)."""
    old: float
    new: float
    step: int
    """Train step after which it holds."""
    epoch: int = 0
    """Epoch from which it holds."""
    note: str = ""
    """What follows from it that the user may not expect."""
    request: str = ""


class Refused(Fact, frozen=True, tag=True):
    """A request was not followed."""

    request: str
    why: str


class Alerted(Fact, frozen=True, tag=True):
    """Something that the user should know."""

    topic: str
    """One word that names the kind: "nan", "journal", "device" ..."""
    text: str
    step: int = 0
    rule: str = ""
    """What must be so for this alert, in words; empty where the text says all."""
