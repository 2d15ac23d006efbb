"""Many small tensors to the CPU in one copy."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

__all__ = ["fetch"]


def _away(value: Any) -> bool:
    """Whether it is a dense tensor on another device; the meta device has no values that could be copied."""
    dense = isinstance(value, Tensor) and value.layout is torch.strided
    return dense and value.device.type not in ("cpu", "meta")


def fetch(lists: Iterable[list[Any]]) -> None:
    """Put into the lists, for each dense tensor that is not on the CPU, the same one on the CPU.

    One copy for all tensors of one device and type. Those that came together share their memory.
    """
    groups: dict[tuple[torch.device, torch.dtype], list[tuple[list[Any], int]]] = {}
    for values in lists:
        for i, value in enumerate(values):
            if _away(value):
                groups.setdefault((value.device, value.dtype), []).append((values, i))
    for places in groups.values():
        tensors = [values[i].detach() for values, i in places]
        together = torch.cat([t.reshape(-1) for t in tensors]).cpu()
        arrived = torch.split(together, [t.numel() for t in tensors])
        for (values, i), tensor, part in zip(places, tensors, arrived, strict=True):
            values[i] = part.view(tensor.shape)
