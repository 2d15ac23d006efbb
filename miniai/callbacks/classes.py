"""What a batch of a classification consists of, and how a validation half has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from torch import Tensor

from miniai.callbacks.base import CancelEpochException, CancelFitException
from miniai.shapes import shapes_of

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["Classified", "classified", "in_order"]


class Classified(NamedTuple):
    """One batch: what it was, and what it was taken for."""

    labels: Tensor
    """(n,) of whole numbers."""
    outputs: Tensor
    """(n, classes); the largest of a row is the prediction."""
    images: Tensor | None
    """(n, channels, height, width) if the inputs are images."""


def classified(learn: Learner) -> Classified | str:
    """The running batch; in words why not, if it is not one of a classification with one label for each sample."""
    batch, outputs, at = learn.batch, learn.preds, learn.n_inp
    if not isinstance(batch, (tuple, list)) or len(batch) <= at:
        return "batches have no targets"
    labels = batch[at]
    if not isinstance(labels, Tensor) or not isinstance(outputs, Tensor):
        return f"targets {shapes_of(labels)} and outputs {shapes_of(outputs)}"
    if labels.ndim != 1 or outputs.ndim != 2 or len(labels) != len(outputs):
        return f"targets have the shape {tuple(labels.shape)} and outputs {tuple(outputs.shape)}"
    if labels.is_floating_point() or labels.is_complex():
        return "targets are not whole numbers"
    first = batch[0]
    images = first if isinstance(first, Tensor) and first.ndim == 4 and len(first) == len(labels) else None
    return Classified(labels, outputs.detach(), images)


def in_order(leaving: BaseException | None) -> bool:
    """Whether a half epoch that `leaving` ends has done what it did in order: its numbers can be read."""
    return leaving is None or isinstance(leaving, (CancelEpochException, CancelFitException, KeyboardInterrupt))
