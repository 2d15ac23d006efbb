"""BatchTransformCB: a function of the whole batch, where the batch already is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from miniai.callbacks.base import Callback
from miniai.callbacks.device import DeviceCB
from miniai.errors import LearnerError

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["BatchTransformCB"]


class BatchTransformCB(Callback):
    """Replace each batch by `tfm(batch)`, after DeviceCB has moved it.

    `on_train` and `on_val` say in which halves of an epoch. `tfm` gets the batch as the loader made it, most often
    (inputs, targets), and returns one; LearnerError if it returns nothing.
    """

    order = DeviceCB.order + 1

    def __init__(self, tfm: Callable[[Any], Any], on_train: bool = True, on_val: bool = True) -> None:
        self.tfm, self.on_train, self.on_val = tfm, on_train, on_val

    def before_batch(self, learn: Learner, /) -> None:
        """Transform the batch."""
        if self.on_train if learn.training else self.on_val:
            batch = self.tfm(learn.batch)
            if batch is None:
                name = getattr(self.tfm, "__name__", repr(self.tfm))
                raise LearnerError(f"the batch transform {name} returned None: it must return the new batch")
            learn.batch = batch
