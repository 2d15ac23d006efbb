"""SystemCB: watches the machine while a fit runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from miniai.callbacks.base import Callback
from miniai.callbacks.clock import since_now
from miniai.nvml import visible_gpu
from miniai.run.events import Fact
from miniai.system import Sampler

if TYPE_CHECKING:
    from torch import nn

    from miniai.learner import Learner

__all__ = ["SystemCB"]


def _gpus_of(model: nn.Module) -> list[str]:
    """The driver's names of the GPUs on which the model's parameters lie."""
    devices = {p.device for p in model.parameters() if p.device.type == "cuda"}
    names = []
    for device in sorted(devices, key=lambda d: d.index or 0):
        uuid = getattr(torch.cuda.get_device_properties(device), "uuid", "")
        names.append(visible_gpu(torch.cuda.current_device() if device.index is None else device.index, str(uuid)))
    return names


class SystemCB(Callback):
    """Emit SystemSampled every `every` seconds of a fit, pauses included, from a thread of its own.

    GPUs through NVIDIA's driver (those of the model first), processors, memory, this process, and the disk of
    `folder`. The training loop has no part in it. See `miniai.system.Sampler`, which takes `options`.
    """

    order = 95  # the model is on its device

    def __init__(
        self,
        emit: Callable[[Fact], object],
        folder: Path | None = None,
        now: Callable[[], float] | None = None,
        **options: Any,
    ) -> None:
        self.emit, self.folder, self.now, self.options = emit, folder, now or since_now(), options
        self._sampler: Sampler | None = None

    def before_fit(self, learn: Learner, /) -> None:
        """Begin."""
        self._sampler = Sampler(self.emit, self.now, self.folder, _gpus_of(learn.model), **self.options)
        self._sampler.start()

    def cleanup_fit(self, _learn: Learner, /) -> None:
        """End, however the fit ended."""
        if self._sampler is not None:
            self._sampler.close()
            self._sampler = None
