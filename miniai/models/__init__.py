"""Named models, one module each: the module's file name is what `--model` takes.

A model's module has `DEFAULTS` (a `Defaults`) and `build(shape, classes)`. It imports torch inside `build` only,
so that `--help` can list the names, and show the defaults, at once. `build` also initialises the weights, from
torch's global generator: seed it first.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple, cast

from miniai.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Defaults", "build", "defaults", "names"]


class Defaults(NamedTuple):
    """How a model is trained if the user says nothing else."""

    lr: float
    """Learning rate."""
    bs: int
    """Batch size of the training half."""
    opt: str
    """Name of an optimizer in `miniai.optimizers`."""
    sched: str | None = None
    """Name of a schedule in `miniai.schedules`, with `lr` its highest rate; None: the rate stays as it is."""


def names() -> list[str]:
    """The models' names, sorted: the files of this folder, none of them imported."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))


def build(name: str, shape: tuple[int, int, int], classes: int) -> nn.Module:
    """A new model for images of `shape` (channels, height, width); its output is (batch, classes).

    Raises `UsageError` for a name that is not there, and for a shape that the model cannot take.
    """
    module = _module(name)
    if len(shape) != 3 or min(shape) < 1 or classes < 1:
        raise UsageError(f"no model for images of {_size(shape)} (channels x height x width) in {classes} classes")
    return cast("nn.Module", module.build(shape, classes))


def defaults(name: str) -> Defaults:
    """The model's own defaults; raises `UsageError` for a name that is not there."""
    return cast(Defaults, _module(name).DEFAULTS)


def _module(name: str) -> ModuleType:
    if name not in names():
        raise UsageError(f"no model is named {name!r}: choose one of {', '.join(names())}")
    return import_module(f"{__name__}.{name}")


def _size(shape: tuple[int, ...]) -> str:
    return "x".join(str(n) for n in shape)
