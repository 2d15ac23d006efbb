"""Named optimizers: what `--opt` takes. No torch until one is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from miniai.errors import UsageError

if TYPE_CHECKING:
    from torch.optim import Optimizer

    from miniai.learner import Learner

__all__ = ["OptFunc", "at_rate", "default_lr", "get", "names"]

OptFunc: TypeAlias = "Callable[..., Optimizer]"
"""Called as `opt_func(params, lr)`; makes the optimizer."""

_TABLE: dict[str, tuple[str, dict[str, Any], float]] = {
    "adam": ("Adam", {}, 3e-3),
    "adamw": ("AdamW", {}, 3e-3),
    "momentum": ("SGD", {"momentum": 0.9}, 0.05),
    "rmsprop": ("RMSprop", {}, 1e-3),
    "sgd": ("SGD", {}, 0.2),
}
"""Name -> (class in `torch.optim`, its arguments beside the parameters and the learning rate, its usual rate)."""


def names() -> list[str]:
    """The names that `get` knows, sorted."""
    return sorted(_TABLE)


def get(name: str) -> OptFunc:
    """The function `(params, lr) -> Optimizer` of this name; raises `UsageError` that lists the names."""
    cls, options, _ = _row(name)
    from torch import optim

    from miniai.eager import eager

    kind: type[Optimizer] = getattr(optim, cls)
    opt_func: OptFunc = eager(kind)
    return partial(opt_func, **options)


def default_lr(name: str) -> float:
    """A learning rate that small models begin to train with; raises `UsageError` that lists the names."""
    return _row(name)[2]


def _row(name: str) -> tuple[str, dict[str, Any], float]:
    if name not in _TABLE:
        raise UsageError(f"no optimizer is named {name!r}: choose one of {', '.join(names())}")
    return _TABLE[name]


@contextmanager
def at_rate(learn: Learner, lr: float | None) -> Iterator[None]:
    """Have the caller's own optimizer, where `opt_func` is None, at this rate for the time of a block."""
    opt: Any = learn.opt
    if lr is None or learn.opt_func is not None or opt is None:
        yield
        return
    before = [group["lr"] for group in opt.param_groups]
    for group in opt.param_groups:
        group["lr"] = lr
    try:
        yield
    finally:  # whoever put an earlier state back has made new groups
        for group, rate in zip(opt.param_groups, before, strict=True):
            group["lr"] = rate
