"""Facts that measure: layers, predictions, mistakes and the machine."""

from __future__ import annotations

from typing import Literal

from miniai.run.fact import Fact, Number, Phase
from miniai.run.machine import GpuUse, Machine

__all__ = [
    "ConfusionMeasured", "HistogramsMeasured", "LayersMeasured", "PreviewSaved", "SystemSampled",
]  # fmt: skip


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
    log: int | None = None
    """Bytes that the program had written to the run's log: a replay shows so much of it."""
