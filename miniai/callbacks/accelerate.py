"""AccelerateCB: training through Hugging Face's accelerate, on whatever devices it finds."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from miniai.callbacks.device import DeviceCB
from miniai.callbacks.train import TrainCB
from miniai.conv import to_device
from miniai.errors import LearnerError
from miniai.optional import need

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["AccelerateCB"]


def _accelerator(mixed_precision: str) -> Any:
    """Accelerate's object; float16 on a CPU, where accelerate has no scaling for it, becomes bfloat16."""
    library = need("accelerate", "accel")
    if mixed_precision == "fp16" and library.PartialState().device.type == "cpu":
        mixed_precision = "bf16"
    try:
        return library.Accelerator(mixed_precision=mixed_precision)
    except ValueError as error:  # a wrong name, or another precision than this process has begun with
        raise LearnerError(f"AccelerateCB(mixed_precision={mixed_precision!r}): {error}") from error


class AccelerateCB(TrainCB):
    """A TrainCB that lets accelerate place model, optimizer and batches and compute in `mixed_precision`.

    `mixed_precision` is "fp16", "bf16" or "no"; on a CPU "fp16" means "bf16". accelerate has one precision for the
    life of a process: another one is a LearnerError. Model, optimizer and loaders are prepared for the time of a fit
    and are the Learner's own again after it, however it ended. Loaders that are not torch's DataLoader are used as
    they are, and their batches moved. `acc` is the Accelerator.
    """

    # after the callbacks that move or change the model, before those that look at it
    order = DeviceCB.order + 10

    def __init__(self, n_inp: int = 1, mixed_precision: str = "fp16") -> None:
        super().__init__(n_inp)
        self.mixed_precision = mixed_precision
        self.acc = _accelerator(mixed_precision)
        self._own: tuple[Any, Any, Any] | None = None
        self._added: set[str] = set()

    def before_fit(self, learn: Learner, /) -> None:
        """Prepare model, optimizer and loaders."""
        super().before_fit(learn)
        own = learn.model, learn.opt, learn.dls
        before = set(vars(learn.model))
        model = self.acc.prepare(learn.model)
        self._own, self._added = own, set(vars(own[0])) - before
        learn.model = model
        if learn.opt is not None:
            learn.opt = self.acc.prepare(learn.opt)
        learn.dls = self._prepared(learn.dls)

    def _prepared(self, dls: Any) -> Any:
        """A copy of `dls` with prepared loaders; what it holds besides stays."""
        dls = SimpleNamespace(**dls._asdict()) if hasattr(dls, "_asdict") else copy.copy(dls)  # no named tuple changes
        for name in ("train", "valid"):
            dl = getattr(dls, name, None)
            if dl is not None:
                setattr(dls, name, self.acc.prepare(dl))
        return dls

    def before_batch(self, learn: Learner, /) -> None:
        """Move the batch, if the loader has not."""
        learn.batch = to_device(learn.batch, self.acc.device)

    def backward(self, learn: Learner) -> None:
        """Gradients, scaled if the precision asks for it."""
        self.acc.backward(learn.loss)

    def state_dict(self) -> dict[str, Any]:
        """The factor of accelerate's scaler, where there is one."""
        return {} if self.acc.scaler is None else {"scaler": self.acc.scaler.state_dict()}

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Scale as before."""
        if self.acc.scaler is not None:
            self.acc.scaler.load_state_dict(state["scaler"])

    def cleanup_fit(self, learn: Learner, /) -> None:
        """Put the Learner's own model, optimizer and loaders back."""
        super().cleanup_fit(learn)
        own, self._own = self._own, None
        if own is None:
            return
        learn.model, learn.opt, learn.dls = own
        self.acc.unwrap_model(learn.model, keep_fp32_wrapper=False)
        for name in self._added & set(vars(learn.model)):  # a wrapped forward, and a mark that it was prepared
            delattr(learn.model, name)
        # it keeps all that it has prepared, and its own way to forget collects garbage, which takes a second
        self.acc = _accelerator(self.mixed_precision)
