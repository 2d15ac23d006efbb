"""DeviceCB: model and batches go to one device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from miniai.callbacks.base import Callback
from miniai.conv import def_device, to_device

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["DeviceCB"]


class DeviceCB(Callback):
    """Move the model (once) and each batch to `device`."""

    def __init__(self, device: str | torch.device = def_device) -> None:
        self.device = device

    def before_fit(self, learn: Learner, /) -> None:
        """Move the model; its parameters stay the same objects, so the optimizer keeps them."""
        learn.model.to(self.device)

    def before_batch(self, learn: Learner, /) -> None:
        """Move the batch."""
        learn.batch = to_device(learn.batch, self.device)
