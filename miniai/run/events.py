"""Facts: what the trainer has done, one JSON object a line of the journal.

Every fact is a frozen `msgspec.Struct` tagged by its class name under `"is"`; `encode` and `Decoder` go both
ways. Times (`at`) are seconds since the trainer started, on a monotonic clock. Epochs and batches count from 0,
`step` counts trained batches since the run began. `phase` is "train" or "valid".

JSON has no NaN and no infinity: numbers that may be either travel as the strings "nan", "inf" and "-inf"
(`number` writes them, `float()` reads them).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

import msgspec

from miniai.run.machine import GpuUse, Machine

__all__ = [
    "SCHEMA",
    "Alerted",
    "BatchSkipped",
    "Changed",
    "ConfusionMeasured",
    "Continued",
    "DataLoaded",
    "DatasetDescribed",
    "EnvironmentNoted",
    "EpochEnded",
    "EpochSkipped",
    "EpochStarted",
    "Fact",
    "FitEnded",
    "FitStarted",
    "HistogramsMeasured",
    "Layer",
    "LayersMeasured",
    "Number",
    "Paused",
    "Phase",
    "PreviewSaved",
    "Progressed",
    "RateSuggested",
    "RatesTried",
    "Refused",
    "RunResumed",
    "RunStarted",
    "Saved",
    "Scalars",
    "StageReached",
    "StopPlanned",
    "SystemSampled",
    "decode",
    "encode",
    "number",
    "numbers",
]  # fmt: skip

SCHEMA = 1
"""Version of the journal's format; the first line of a journal carries it."""

Phase: TypeAlias = Literal["train", "valid"]
Number: TypeAlias = float | Literal["nan", "inf", "-inf"]
"""A float, or "nan", "inf", "-inf": what a JSON line can carry."""


class Fact(msgspec.Struct, frozen=True, tag_field="is", kw_only=True, omit_defaults=True):
    """Base of all facts."""

    at: float
    """Seconds since the trainer started."""


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

    stage: Literal["loading torch", "looking for data", "reading data", "building the model", "first batch",
                   "looking at the data"]  # fmt: skip
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


class LayersMeasured(Fact, frozen=True, tag=True):
    """Statistics of each layer's output at one train step, in the order of `FitStarted.layers`."""

    step: int
    means: list[Number]
    stds: list[Number]
    near_zero: list[Number]
    """Share, 0 to 1, of activations in the lowest of 40 bins over 0 to 10 of the absolute values."""
    nonfinite: list[int]
    """Count of NaN and infinite activations."""
    grads: list[Number | None] = []
    """Norm of the gradient over each layer's own parameters; None where none of them has a gradient."""
    ratios: list[Number | None] = []
    """Norm of the step's change of the layer's weights, over the norm of the weights before it; None without any."""
    grad_norm: Number | None = None
    """Norm of the gradient over all parameters of the model."""


class HistogramsMeasured(Fact, frozen=True, tag=True):
    """Histograms of the absolute values of each layer's output at one train step, rarer than `LayersMeasured`."""

    step: int
    layers: list[str]
    """Per layer 42 quantised counts (40 bins over 0 to 10, above, not finite): see `miniai.run.packed`."""


class PreviewSaved(Fact, frozen=True, tag=True):
    """Images of one batch with their labels and predictions lie in `file`, relative to the run directory."""

    step: int
    phase: Phase
    file: str
    count: int
    kind: Literal["batch", "worst"] = "batch"
    """One batch as it came, or the samples of the last validation that the model was most wrong about."""
    complete: bool = True
    """With "worst": whether every batch of the validation was done."""


class ConfusionMeasured(Fact, frozen=True, tag=True):
    """How often a validation half took which class for which; of a half that was cut short, what was seen of it."""

    epoch: int
    step: int
    classes: int
    """Number of classes; 0: there is nothing to count, and `why` says so."""
    why: str = ""
    counts: list[int] = []
    """Samples by label and prediction, `counts[label * classes + prediction]`; empty if there are too many classes."""
    totals: list[int] = []
    """Samples of each label."""
    right: list[int] = []
    """Those of them that were taken for what they are."""
    predicted: list[int] = []
    """How often each class was predicted."""
    pairs: list[tuple[int, int, int]] = []
    """The most frequent mistakes: (label, prediction, how often), the most frequent first."""
    left_out: int = 0
    """Samples without a usable label or prediction (NaN)."""
    complete: bool = True
    """Whether every batch of the half was done."""


class SystemSampled(Fact, frozen=True, tag=True):
    """What the trainer's machine is doing, about every two seconds; None: it could not be read."""

    machine: Machine | None = None
    """In the first sample, and whenever it has changed."""
    gpus: list[GpuUse] = []
    """In the order of `Machine.gpus`."""
    cpu: float | None = None
    """Share, 0 to 1, of the time of all cores."""
    memory: int | None = None
    """MiB in use."""
    process_cpu: float | None = None
    """Cores that the trainer keeps busy: 1.5 is one and a half."""
    process_memory: int | None = None
    """MiB that the trainer holds."""
    disk_free: int | None = None
    """MiB that may still be written to the run directory's disk."""


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


class RunResumed(Fact, frozen=True, tag=True):
    """The run goes on from `step` in a new process: what the journal holds of later steps is void.

    `at` of this and the facts after it goes on from the last fact before: the time between the processes is no time.
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


class StopPlanned(Fact, frozen=True, tag=True):
    """The run will end in order: after the running batch, or after the whole epoch."""

    when: Literal["batch", "epoch"]
    epoch: int
    request: str = ""


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


AnyFact: TypeAlias = (
    RunStarted | StageReached | DataLoaded | FitStarted | EpochStarted | Progressed | Scalars | LayersMeasured
    | HistogramsMeasured
    | PreviewSaved | Paused | Continued | RunResumed | BatchSkipped | EpochSkipped | EpochEnded | StopPlanned | Refused
    | Alerted | Changed | Saved | FitEnded | EnvironmentNoted
    | RatesTried | RateSuggested | DatasetDescribed
    | ConfusionMeasured | SystemSampled
)  # fmt: skip
"""Union of all facts: what a journal line decodes to."""

_encoder = msgspec.json.Encoder()
_decoder: msgspec.json.Decoder[AnyFact] = msgspec.json.Decoder(AnyFact)


def encode(fact: Fact) -> bytes:
    """One JSON line without its newline."""
    return _encoder.encode(fact)


def decode(line: bytes) -> AnyFact:
    """Read one line; raises `msgspec.DecodeError` for what is not a fact of this schema."""
    return _decoder.decode(line)


def number(value: float) -> Number:
    """A value as a JSON line can carry it, to seven significant digits (a float32 has no more)."""
    if math.isfinite(value):
        return float(f"{value:.7g}")
    return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")


def numbers(values: Sequence[float] | Mapping[str, float]) -> list[Number]:
    """`number` of each value."""
    items = values.values() if isinstance(values, Mapping) else values
    return [number(v) for v in items]
