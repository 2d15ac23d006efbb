"""Signatures that tell which keyword arguments a function passes on.

A plotting function takes `**kw` and hands it to matplotlib. Its bare signature says nothing about what may be in
there; `delegates` merges the names in. matplotlib is imported only when somebody asks for the signature.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from importlib import import_module
from inspect import Parameter, Signature
from types import MethodType
from typing import Any, Generic, ParamSpec, TypeVar

__all__ = ["delegates"]

P = ParamSpec("P")
R = TypeVar("R")


def delegates(*targets: str, hide: tuple[str, ...] = ()) -> Callable[[Callable[P, R]], Delegating[P, R]]:
    """Decorate a function so that its signature names the keyword arguments it passes on to `targets`.

    A target is written "module:name" and imported when the signature is first read; one that is not installed adds
    nothing. Of each target, the parameters with a default are added, as keyword arguments, in their order; those
    that the function has itself, and those in `hide`, are left out. `**kw` stays if a target takes any keyword.
    Calls are not changed in any way.
    """

    def decorate(f: Callable[P, R]) -> Delegating[P, R]:
        return Delegating(f, targets, hide)

    return decorate


class Delegating(Generic[P, R]):
    """A function whose signature includes what it passes on; see `delegates`."""

    __name__: str
    __qualname__: str
    __wrapped__: Callable[P, R]

    def __init__(self, f: Callable[P, R], targets: tuple[str, ...], hide: tuple[str, ...]) -> None:
        functools.update_wrapper(self, f)
        self._targets, self._hide = targets, hide

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.__wrapped__(*args, **kwargs)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Bind like a function; it is also how help() knows a routine."""
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<function {self.__module__}.{self.__qualname__}>"

    def __reduce__(self) -> str:
        return self.__qualname__

    @property
    def __signature__(self) -> Signature:
        own = inspect.signature(self.__wrapped__)
        found = [inspect.signature(f) for f in map(_target, self._targets) if f is not None]
        return _merged(own, found, self._hide) if found else own


def _target(path: str) -> Any:
    """What "module:name" names; None if it is not installed."""
    module, _, name = path.partition(":")
    try:
        return functools.reduce(getattr, name.split("."), import_module(module))
    except ImportError:
        return None


def _merged(own: Signature, targets: list[Signature], hide: tuple[str, ...]) -> Signature:
    """`own` with the keyword arguments of `targets` before its `**kw`."""
    kept = {p.name: p for p in own.parameters.values() if p.kind is not Parameter.VAR_KEYWORD}
    passed = {
        p.name: p.replace(kind=Parameter.KEYWORD_ONLY)
        for target in targets
        for p in target.parameters.values()
        if p.default is not Parameter.empty and p.kind is not Parameter.POSITIONAL_ONLY
    }
    extra = [p for name, p in passed.items() if name not in kept and name not in hide]
    rest = [p for p in own.parameters.values() if p.kind is Parameter.VAR_KEYWORD]
    takes_any = any(p.kind is Parameter.VAR_KEYWORD for target in targets for p in target.parameters.values())
    return own.replace(parameters=[*kept.values(), *extra, *(rest if takes_any else [])])
