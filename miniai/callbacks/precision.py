"""MixedPrecision: the forward pass in half precision, the weights in single."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from miniai.callbacks.device import DeviceCB
from miniai.callbacks.train import TrainCB
from miniai.errors import LearnerError

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["MixedPrecision"]


class MixedPrecision(TrainCB):
    """A TrainCB whose model and loss run under torch's autocast (Micikevicius et al., Mixed Precision Training, 2018).

    In float16 on CUDA, in bfloat16 on other devices; `dtype` says otherwise. In float16 the gradients are scaled so
    that small ones are not lost: `after_backward` sees them unscaled, and a step whose gradients are not finite is
    left out. bfloat16 needs no scaling. Autocast is on during *predict* and
    *get_loss* only, so that no cancel and no error can leave it on. As any TrainCB it does nothing for a Learner
    that does the steps itself.
    """

    # after DeviceCB has moved the model
    order = DeviceCB.order + 10

    def __init__(self, n_inp: int = 1, dtype: torch.dtype | None = None) -> None:
        super().__init__(n_inp)
        if dtype not in (None, torch.float16, torch.bfloat16):
            raise LearnerError(f"MixedPrecision computes in torch.float16 or torch.bfloat16, not {dtype}")
        self.dtype = dtype
        self.scaler: torch.amp.GradScaler | None = None
        """During a fit in float16: the scaler of the gradients."""
        self._type, self._used = "cpu", torch.bfloat16
        self._unscaled = False

    def before_fit(self, learn: Learner, /) -> None:
        """Choose the type for the device that the model is on."""
        super().before_fit(learn)
        parameter = next(iter(learn.model.parameters()), None)
        self._type = "cpu" if parameter is None else parameter.device.type
        self._used = self.dtype or (torch.float16 if self._type == "cuda" else torch.bfloat16)
        self.scaler = torch.amp.GradScaler(self._type) if self._used == torch.float16 else None
        self._unscaled = False

    def predict(self, learn: Learner) -> None:
        """The model's output, in half precision."""
        with torch.autocast(self._type, self._used):
            super().predict(learn)

    def get_loss(self, learn: Learner) -> None:
        """The loss; autocast runs what needs single precision in it."""
        with torch.autocast(self._type, self._used):
            super().get_loss(learn)

    def backward(self, learn: Learner) -> None:
        """Gradients, computed from the scaled loss and unscaled again."""
        if self.scaler is None:
            super().backward(learn)
            return
        self.scaler.scale(learn.loss).backward()
        self.scaler.unscale_(learn.opt)
        self._unscaled = True

    def step(self, learn: Learner) -> None:
        """One optimizer step, unless a gradient is not finite."""
        if self.scaler is None:
            super().step(learn)
            return
        self.scaler.step(learn.opt)
        self.scaler.update()
        self._unscaled = False

    def cleanup_batch(self, _learn: Learner, /) -> None:
        """Make the scaler ready for the next batch if this one was cancelled before its step."""
        if self._unscaled and self.scaler is not None:
            self._unscaled = False
            self.scaler.update()

    def state_dict(self) -> dict[str, Any]:
        """The scaler's factor, where there is one."""
        return {} if self.scaler is None else {"scaler": self.scaler.state_dict()}

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Scale as before."""
        if self.scaler is not None:
            self.scaler.load_state_dict(state["scaler"])

    def cleanup_fit(self, learn: Learner, /) -> None:
        """Let the scaler go: a fit of its own has an optimizer of its own."""
        super().cleanup_fit(learn)
        self.scaler = None
