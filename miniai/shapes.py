"""Tensors in words, for errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

__all__ = ["shapes_of"]


def shapes_of(x: Any) -> str:
    """What `x` is, in a few words: "float32 (5, 3)" for a tensor, the parts in brackets for what holds tensors."""
    if isinstance(x, torch.Tensor):
        device = "" if x.device.type == "cpu" else f" on {x.device}"
        return f"{str(x.dtype).removeprefix('torch.')} {tuple(x.shape)}{device}"
    if isinstance(x, Mapping):
        return f"{{{', '.join(f'{key}: {shapes_of(value)}' for key, value in x.items())}}}"
    if isinstance(x, (list, tuple)):
        return f"[{', '.join(shapes_of(part) for part in x)}]"
    return type(x).__name__
