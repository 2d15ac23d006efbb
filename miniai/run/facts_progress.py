"""Facts of the training loop: halves of epochs, how far they are, and the values of series."""

from __future__ import annotations

from typing import Literal

from miniai.run.fact import Fact, Number, Phase

__all__ = [
    "EpochEnded", "EpochStarted", "Progressed", "Scalars",
]  # fmt: skip


class EpochStarted(Fact, frozen=True, tag=True):
    """A half epoch began."""

    epoch: int
    phase: Phase
    batches: int
    step: int


class Progressed(Fact, frozen=True, tag=True):
    """Where the running half epoch is; at most a few a second."""

    epoch: int
    phase: Phase
    batch: int
    """Batches of this half that are done."""
    samples: int
    """Images of this half that are done."""
    seconds: float
    """Time spent in this half, pauses excluded."""
    waited: float
    """The part of `seconds` that was spent waiting for the next batch."""
    metrics: dict[str, Number]
    """Running values over this half so far, `loss` first."""


class Scalars(Fact, frozen=True, tag=True):
    """New values of one series at consecutive train steps.

    Value `i` belongs to step `first + i * stride`. A training loss is numbered by the step that it led to: the
    first batch's loss is at step 1.
    """

    name: str
    """"loss" (training), "valid_loss", "lr", ..."""
    first: int
    values: list[Number]
    stride: int = 1
    times: list[tuple[int, float]] = []
    """Where a reader has joined several such facts: last step and `at` of each; never in a journal."""


class EpochEnded(Fact, frozen=True, tag=True):
    """A half epoch is over: completed, skipped or cut short by a stop."""

    epoch: int
    phase: Phase
    metrics: dict[str, Number]
    """Over the samples that were seen, `loss` first; empty if none were."""
    batches: int
    """Batches that were done."""
    of: int
    """Batches that a complete half has."""
    samples: int
    seconds: float
    """Pauses excluded."""
    step: int
    ended: Literal["complete", "skipped", "stopped", "failed"] = "complete"
    off: bool = False
    """Never begun: validation was switched off before."""
