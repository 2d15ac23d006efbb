"""Which device to train on, and what to say when a GPU is there that torch cannot use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miniai.deadline import Deadline
from miniai.errors import UsageError

if TYPE_CHECKING:
    import torch

__all__ = ["gpu_names", "pick_device"]

PATIENCE = 3.0
"""Seconds that the driver gets to say which GPUs there are."""


def gpu_names() -> list[str]:
    """Names of the NVIDIA GPUs in this machine, asked of the driver and not of torch; empty if there are none.

    Empty too if the driver does not answer in time: it may hang for ever.
    """
    call = Deadline(PATIENCE, "GPU driver")
    try:
        return call(_asked)
    except TimeoutError:
        return []
    finally:
        call.close()


def _asked() -> list[str]:
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        names = [pynvml.nvmlDeviceGetName(handle) for handle in handles]
        return [name.decode() if isinstance(name, bytes) else str(name) for name in names]
    except pynvml.NVMLError:
        return []
    finally:
        pynvml.nvmlShutdown()


def pick_device(name: str) -> tuple[torch.device, str]:
    """The torch device for `name` ("auto", "cpu", "cuda", "cuda:1", "mps"), and an alert's text or "".

    UsageError if torch does not know the name or cannot use that device here.
    """
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda"), ""
        if torch.backends.mps.is_available():
            return torch.device("mps"), ""
        if gpus := gpu_names():
            return torch.device("cpu"), (
                f"there is a GPU ({gpus[0]}) but torch {torch.__version__} cannot use it: training on the CPU; "
                "install a torch built for this machine's CUDA driver"
            )
        return torch.device("cpu"), ""
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(f"--device {name!r} cannot be used here ({reason}): choose auto, cpu, cuda or mps") from error
    return device, ""
