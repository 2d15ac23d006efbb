"""What a run says of its model and its device, beyond what it needs itself. No torch at the top."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING

from miniai.run.events import Layer

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["device_name", "modules"]


def modules(model: nn.Module) -> list[Layer]:
    """Every module that has parameters of its own or no parts, in the model's order; a shared parameter counts once."""
    from miniai.callbacks.layers import measured_layers

    shapes = {layer.name: layer.shape for layer, _ in measured_layers(model)}
    found, counted = list[Layer](), set[int]()
    for name, module in model.named_modules():
        own = list(module.parameters(recurse=False))
        if own or not any(True for _ in module.children()):
            new = [p for p in own if id(p) not in counted]
            counted.update(id(p) for p in own)
            number = sum(p.numel() for p in new)
            found.append(Layer(name or "(model)", type(module).__name__, shapes.get(name, ""), number))
    return found


def device_name(device: torch.device) -> str:
    """The device in words: the GPU's name, or the processor's."""
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return _processor() if device.type == "cpu" else device.type


def _processor(info: Path = Path("/proc/cpuinfo")) -> str:
    """The processor's name as Linux or the platform tells it."""
    try:
        with info.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
