"""Facts of a run as a whole: how it began, what is trained, where it was saved and resumed, how it ended."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from miniai.run.fact import Fact, Number, Phase

__all__ = [
    "DataLoaded", "DatasetDescribed", "EnvironmentNoted", "FitEnded", "FitStarted", "Layer", "RateSuggested",
    "RatesTried", "RunResumed", "RunStarted", "Saved", "StageReached",
]  # fmt: skip


class RunStarted(Fact, frozen=True, tag=True):
    """The trainer process runs; always the first line of a journal."""

    schema: int
    run: str
    """The run's id, also its directory's name."""
    wall: float
    """Wall-clock time of `at == 0`, seconds since 1970."""
    dataset: str
    model: str
    epochs: int
    pid: int
    host: str


class StageReached(Fact, frozen=True, tag=True):
    """The preparation got this far; `done` of `total` where a count is known."""

    stage: Literal["loading torch", "looking for a GPU", "looking for data", "reading data", "building the model",
                   "first batch", "looking at the data"]  # fmt: skip
    done: int = 0
    total: int = 0


class DataLoaded(Fact, frozen=True, tag=True):
    """The dataset is in memory."""

    dataset: str
    source: str
    """Where it came from, in words, for example "Debian's dataset-fashion-mnist"."""
    sample: bool
    """True if this is the embedded sample and not the full data."""
    train: int
    """Number of training images."""
    valid: int
    shape: tuple[int, int, int]
    """(channels, height, width) of one image."""
    classes: list[str]


class Layer(msgspec.Struct, frozen=True):
    """One measured layer of the model."""

    name: str
    """Dotted path in the model, "0.1"."""
    kind: str
    """Class name, "Conv2d"."""
    shape: str = ""
    """What it maps in a few characters, "1>8"."""
    parameters: int = 0
    """Numbers that the layer holds as parameters."""


class FitStarted(Fact, frozen=True, tag=True):
    """Learner.fit began."""

    epochs: int
    model: str
    parameters: int
    device: str
    batch_size: int
    train_batches: int
    """Batches of one training half epoch."""
    valid_batches: int
    lr: float
    opt: str
    metrics: list[str]
    """Names in the order of the table's columns, without the loss."""
    layers: list[Layer]
    """Measured layers, in the order of `LayersMeasured`'s lists; empty with --no-stats."""
    sched: str = "constant"
    """Name of the learning rate's schedule."""
    modules: list[Layer] = []
    """Every module with parameters of its own or without parts, in the model's order; shared parameters once."""
    trainable: int = 0
    """How many of the `parameters` the optimizer may change."""


class EnvironmentNoted(Fact, frozen=True, tag=True):
    """What the run is made with; what could not be found out is empty."""

    python: str
    torch: str
    system: str
    """Operating system and processor, "Linux 6.1 x86_64"."""
    device: str
    """Name of the device in words."""
    threads: int
    """torch's threads on the CPU."""
    folder: str
    """Folder in which the trainer was started."""
    revision: str = ""
    """Commit of the git repository that holds `folder`."""
    branch: str = ""
    dirty: bool | None = None
    """Whether tracked files of it had changes; None: not known."""


class RunResumed(Fact, frozen=True, tag=True):
    """The run goes on from `step` in a new process: what the journal holds of later steps is void.

    `at` of this and the facts after it goes on from the last fact before: the time between the processes is no time.
    Written once the new process has everything and begins: one that fails before leaves the run as it was.
    """

    step: int
    epoch: int = 0
    phase: Phase = "train"
    """The half that the checkpoint was taken in; "valid" also stands for the end of an epoch."""
    batch: int = 0
    """Batches of that half that are done already."""
    wall: float = 0.0
    """Wall-clock seconds since 1970."""
    pid: int = 0
    host: str = ""
    saved_at: float | None = None
    """`at` of the checkpoint: what was told of that very step afterwards, as a validation, is done again too. None: it
    was written by a version that did not note it."""


class Saved(Fact, frozen=True, tag=True):
    """A checkpoint was written whole: a run can be resumed from `step`."""

    step: int
    epoch: int
    name: str
    """Its folder's name in the run's checkpoints folder."""
    why: Literal["epoch", "time", "best", "request", "stop"]
    bytes: int = 0
    seconds: float = 0.0
    """How long the training stood still for it."""
    request: str = ""


class RatesTried(Fact, frozen=True, tag=True):
    """Batches of a search for a learning rate: rate and loss of each, the first being batch `first`."""

    first: int
    rates: list[float]
    losses: list[Number]


class RateSuggested(Fact, frozen=True, tag=True):
    """What a search for a learning rate has found."""

    rate: float | None
    """A rate to begin with; None if the curve shows none."""
    ended: str
    """Why the search ended, in words."""
    why: str
    """How `rate` was found, or why there is none, in words."""


class DatasetDescribed(Fact, frozen=True, tag=True):
    """All that is known of a dataset, and files with some of its images, relative to the run directory."""

    about: dict[str, Any]
    """The fields of `miniai.facts.DatasetFacts`."""
    files: dict[str, str]
    """For each split a file with the tensors `pixels` (images, channels, height, width), uint8, and `labels`."""


class FitEnded(Fact, frozen=True, tag=True):
    """The run is over; always a journal's last fact when the trainer could still write."""

    reason: Literal["done", "stopped", "failed"]
    step: int
    error: str = ""
    """One line, when `reason` is "failed"."""
