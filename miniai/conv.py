"""Devices: where tensors live, and how a batch gets there; and lesson 15's convolution."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.utils.data import default_collate

__all__ = ["collate_device", "conv", "def_device", "to_cpu", "to_device"]


def _best_device() -> str:
    if torch.backends.mps.is_available():
        return "mps"
    return "cuda" if torch.cuda.is_available() else "cpu"


def_device = _best_device()
"""The best device that torch can use here: "cuda", "mps" or "cpu"."""


def _map(x: Any, f: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """`f` of each tensor in nested mappings, lists and (named) tuples; everything else stays as it is."""
    if isinstance(x, torch.Tensor):
        return f(x)
    if isinstance(x, Mapping):
        return {key: _map(value, f) for key, value in x.items()}
    if isinstance(x, tuple) and hasattr(x, "_fields"):
        return type(x)(*(_map(o, f) for o in x))
    if isinstance(x, (list, tuple)):
        return type(x)(_map(o, f) for o in x)
    return x


def to_device(x: Any, device: str | torch.device = def_device) -> Any:
    """`x` with all its tensors on `device`; the copy to a GPU does not wait (it matters for pinned memory)."""
    waits_not = torch.device(device).type == "cuda"
    return _map(x, lambda tensor: tensor.to(device, non_blocking=waits_not))


def _detached(tensor: torch.Tensor) -> torch.Tensor:
    tensor = tensor.detach().cpu()
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


def to_cpu(x: Any) -> Any:
    """`x` with all its tensors detached and on the CPU, half precision as float32. Waits for the device."""
    return _map(x, _detached)


def collate_device(b: list[Any]) -> Any:
    """Items as one batch on the default device."""
    return to_device(default_collate(b))


def conv(ni: int, nf: int, ks: int = 3, stride: int = 2, act: bool = True) -> nn.Module:
    """A 2d convolution, by default followed by a ReLU.

    (batch, ni, height, width) -> (batch, nf, ceil(height / stride), ceil(width / stride)) for odd `ks`.
    `miniai.init.conv` takes other activations and a normalisation.
    """
    layer = nn.Conv2d(ni, nf, ks, stride=stride, padding=ks // 2)
    return nn.Sequential(layer, nn.ReLU()) if act else layer
