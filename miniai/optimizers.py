"""Named optimizers: what `--opt` takes. No torch until one is asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from miniai.errors import UsageError

if TYPE_CHECKING:
    from torch.optim import Optimizer

__all__ = ["OptFunc", "get", "names"]

OptFunc: TypeAlias = "Callable[..., Optimizer]"
"""Called as `opt_func(params, lr)`; makes the optimizer."""

_TABLE: dict[str, tuple[str, dict[str, Any]]] = {
    "adam": ("Adam", {}),
    "adamw": ("AdamW", {}),
    "momentum": ("SGD", {"momentum": 0.9}),
    "rmsprop": ("RMSprop", {}),
    "sgd": ("SGD", {}),
}
"""Name -> (class in `torch.optim`, its arguments beside the parameters and the learning rate)."""


def names() -> list[str]:
    """The names that `get` knows, sorted."""
    return sorted(_TABLE)


def get(name: str) -> OptFunc:
    """The function `(params, lr) -> Optimizer` of this name; raises `UsageError` that lists the names."""
    if name not in _TABLE:
        raise UsageError(f"no optimizer is named {name!r}: choose one of {', '.join(names())}")
    from torch import optim

    cls, options = _TABLE[name]
    return partial(getattr(optim, cls), **options)
