"""torch's optimizers without the compiler: the first of them is there two seconds sooner.

`torch.optim` marks its methods for `torch.compile`, and the first call of one that is marked imports all of
`torch._dynamo`: 800 modules, longer than torch itself, for nothing where nothing is compiled. torch has no switch for
it, but each mark is a decorator that keeps what it decorates, so that `inspect.unwrap` finds the very method. A torch
that marks them otherwise is only as slow as it would be without this.
"""

from __future__ import annotations

import copyreg
import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch
from torch.optim import Optimizer

__all__ = ["eager"]

_METHODS = ("add_param_group", "load_state_dict", "state_dict", "zero_grad")
"""Beside `step`."""


OptT = TypeVar("OptT", bound=Optimizer)
_made: dict[type[Optimizer], type[Optimizer]] = {}


def eager(kind: type[OptT]) -> type[OptT]:
    """A class like `kind` of `torch.optim`, of the same name and with the same steps, for what is not compiled."""
    if kind not in _made:
        methods: dict[str, Any] = {name: inspect.unwrap(getattr(kind, name)) for name in _METHODS}
        methods["step"] = _without_gradients(inspect.unwrap(kind.step))
        methods["__reduce__"] = _reduced
        _made[kind] = type(kind.__name__, (kind,), {**methods, "__doc__": kind.__doc__})
    return cast("type[OptT]", _made[kind])


def _reduced(self: Optimizer) -> tuple[Any, ...]:
    """For pickle and for copies: a class that was made here is found by the one of torch that it is like."""
    cls, state = type(self), self.__getstate__()
    like = cast("type[Optimizer]", cls.__base__)
    if _made.get(like) is cls:
        return _empty, (like,), state
    return copyreg.__newobj__, (cls,), state  # type: ignore[attr-defined]  # what object does; not in the stubs


def _empty(kind: type[Optimizer]) -> Optimizer:
    cls = eager(kind)
    return cls.__new__(cls)


def _without_gradients(step: Callable[..., Any]) -> Callable[..., Any]:
    """What torch's decorator of `step` does besides."""

    @functools.wraps(step)
    def plain_step(self: Optimizer, closure: Callable[[], Any] | None = None) -> Any:
        with torch.set_grad_enabled(self.defaults.get("differentiable", False)):
            return step(self, closure)

    return plain_step
