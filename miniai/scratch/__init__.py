"""Lesson 14 by hand: what torch.nn, torch.optim and torch.utils.data do for a small net, small enough to read.

Only tensors, autograd and `Parameter` are torch's. Each piece equals torch's: it finds the same parameters, yields the
same batches for the same seed, takes the same steps. Names are loaded when they are first asked for, so that the
processes of a ProcessLoader start without torch where their dataset needs none.

```text
Module ── Sequential, SequentialReduce, Linear, ReLU, Flatten ── mlp(shape, classes)
SGD
Dataset ── Sampler ── BatchSampler ── collate ── SliceLoader, DataLoader, ProcessLoader ── image_loader(x, y, bs)
Metric ── Accuracy
```
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from miniai.scratch.data import BatchSampler, Dataset, Sampler, collate
    from miniai.scratch.layers import Flatten, Linear, ReLU, flatten, mlp
    from miniai.scratch.loaders import DataLoader, SliceLoader, image_loader
    from miniai.scratch.metric import Accuracy, Metric
    from miniai.scratch.modules import Module
    from miniai.scratch.optim import SGD
    from miniai.scratch.processes import ProcessLoader
    from miniai.scratch.sequential import Sequential, SequentialReduce

_HOMES = {
    "data": ("BatchSampler", "Dataset", "Sampler", "collate"),
    "layers": ("Flatten", "Linear", "ReLU", "flatten", "mlp"),
    "loaders": ("DataLoader", "SliceLoader", "image_loader"),
    "metric": ("Accuracy", "Metric"),
    "modules": ("Module",),
    "optim": ("SGD",),
    "processes": ("ProcessLoader",),
    "sequential": ("Sequential", "SequentialReduce"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "SGD", "Accuracy", "BatchSampler", "DataLoader", "Dataset", "Flatten", "Linear", "Metric", "Module",
    "ProcessLoader", "ReLU", "Sampler", "Sequential", "SequentialReduce", "SliceLoader", "collate", "flatten",
    "image_loader", "mlp",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
