"""What a function does, as a short text: another one when its body changes, the same in every process."""

from __future__ import annotations

import functools
import hashlib
import pickle
from collections.abc import Callable, Iterator, Mapping
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

__all__ = ["fingerprint"]

_PLAIN = (type(None), bool, int, float, complex, str, bytes, type(...))


def fingerprint(f: Callable[..., object]) -> str:
    """A digest (32 hexadecimal digits) of code, constants, defaults, closure and the globals that the code names.

    What cannot be pickled counts by its identity: then the digest is another one in each process, and never stale.
    """
    return hashlib.blake2b(repr(_described(f, ())).encode(), digest_size=16).hexdigest()


def _described(value: object, above: tuple[int, ...]) -> object:
    """`value` as something whose `repr` tells what it is; `above` are the ids of what it is a part of."""
    if isinstance(value, _PLAIN):
        return type(value).__name__, value
    if id(value) in above:
        return "itself", above.index(id(value))
    above = (*above, id(value))
    if isinstance(value, (ModuleType, type)):
        return type(value).__name__, getattr(value, "__module__", ""), getattr(value, "__qualname__", value.__name__)
    if isinstance(value, (CodeType, FunctionType, MethodType, functools.partial)) or hasattr(value, "__wrapped__"):
        return type(value).__name__, [_described(part, above) for part in _parts(value)]
    if isinstance(value, Mapping):
        return type(value).__name__, [[_described(part, above) for part in item] for item in value.items()]
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [_described(part, above) for part in value]
    if isinstance(value, (set, frozenset)):
        return type(value).__name__, sorted(repr(_described(part, above)) for part in value)
    return type(value).__name__, _pickled(value)


def _parts(value: Any) -> Iterator[object]:
    """What a piece of code, or something that calls one, consists of."""
    if isinstance(value, CodeType):
        yield from (value.co_code, value.co_consts, value.co_names, value.co_varnames, value.co_freevars)
    elif isinstance(value, FunctionType):
        yield from (value.__code__, value.__defaults__, value.__kwdefaults__)
        yield from (_content(cell) for cell in value.__closure__ or ())
        named = sorted(set(_names(value.__code__)) & value.__globals__.keys())
        yield from ((name, value.__globals__[name]) for name in named)
    elif isinstance(value, MethodType):
        yield from (value.__func__, value.__self__)
    elif isinstance(value, functools.partial):
        yield from (value.func, value.args, value.keywords)
    else:
        yield value.__wrapped__


def _names(code: CodeType) -> Iterator[str]:
    """The names in the code and in the functions inside of it."""
    yield from code.co_names
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _names(const)


def _content(cell: Any) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # a name that has no value yet
        return "empty"


def _pickled(value: object) -> object:
    try:
        return pickle.dumps(value, protocol=5)
    except Exception:  # noqa: BLE001 - what the pickling of somebody else's object raises can be anything
        return id(value)
