"""Test-time augmentation: predict each image in several forms, take the mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from miniai.callbacks.base import Callback
from miniai.callbacks.transform import BatchTransformCB
from miniai.errors import LearnerError
from miniai.looking import one_pass, trial

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["flip", "tta"]


def flip(x: Tensor) -> Tensor:
    """Images (..., width) mirrored left to right."""
    return x.flip(-1)


def tta(
    learn: Learner,
    tfms: Iterable[Callable[[Tensor], Tensor]] = (flip,),
    cbs: Callback | Iterable[Callback] | None = None,
) -> tuple[Tensor, Tensor]:
    """The mean of the model's outputs for the validation inputs as they are and as each of `tfms` makes them.

    Returns (outputs, targets); for a classifier's scores, `outputs.argmax(1)` is the class. Each form takes one pass
    over the validation data, as `capture_preds` makes it, in which `cbs` take part. LearnerError if the passes come in
    different orders.
    """
    with trial(learn, cbs) as own:  # one for all: what the forms draw is not the same again in each pass
        total, targets = one_pass(learn, own)
        passes = 1
        for tfm in tfms:
            preds, again = one_pass(learn, [_of_inputs(tfm), *own])
            if not torch.equal(targets, again):
                raise LearnerError("the passes over the validation data differ in order: do not shuffle it for tta")
            total = total + preds
            passes += 1
    return total / passes, targets


def _of_inputs(tfm: Callable[[Tensor], Tensor]) -> BatchTransformCB:
    def transform(batch: Any) -> tuple[Any, ...]:
        return (tfm(batch[0]), *batch[1:])

    return BatchTransformCB(transform, on_train=False)
