"""Nested state as JSON and back: what a checkpoint holds beside its tensors. Reading it builds plain values only.

Strings, numbers, booleans, None, lists and dictionaries with string keys stay what they are. The rest is a dictionary
with one key that begins with "$": `$tensor`, `$bytes`, `$tuple`, `$deque`, `$dict` (any keys), `$float` (NaN and the
infinities, which JSON has not). Other objects are refused: there is no way to read them back but to run their code.
"""

from __future__ import annotations

import base64
import math
import sys
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from miniai.errors import RunError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

__all__ = ["from_plain", "to_plain"]

_DTYPES = (
    "bfloat16", "bool", "complex128", "complex64", "float16", "float32", "float64", "int16", "int32", "int64", "int8",
    "uint8",
)  # fmt: skip


def to_plain(value: Any, tensors: dict[str, Tensor] | None = None, name: str = "") -> Any:
    """`value` as JSON can carry it; RunError for an object that it cannot.

    With `tensors`, tensors go there, under names made of `name` and their place in `value`; else into the JSON.
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": repr(float(value))}
    if isinstance(value, bytes):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, (list, tuple, deque)):
        parts = [to_plain(part, tensors, f"{name}.{i}") for i, part in enumerate(value)]
        if isinstance(value, deque):
            return {"$deque": parts, "maxlen": value.maxlen}
        return {"$tuple": parts} if isinstance(value, tuple) else parts
    if isinstance(value, Mapping):
        if all(isinstance(key, str) and not key.startswith("$") for key in value):
            return {key: to_plain(part, tensors, f"{name}.{key}") for key, part in value.items()}
        pairs = value.items()
        return {"$dict": [[to_plain(key), to_plain(part, tensors, f"{name}.{key}")] for key, part in pairs]}
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return _plain_tensor(value, tensors, name)
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:  # one number of numpy's
        return to_plain(value.item())
    raise RunError(f"a {type(value).__name__} cannot be saved in a checkpoint{f' ({name})' if name else ''}")


def _plain_tensor(value: Tensor, tensors: dict[str, Tensor] | None, name: str) -> dict[str, Any]:
    if tensors is not None:
        key = name.lstrip(".")
        while key in tensors:  # a key with a dot in it
            key += "_"
        tensors[key] = value
        return {"$tensor": key}
    flat = value.detach().cpu().contiguous().reshape(-1)
    data = flat.view(sys.modules["torch"].uint8).numpy().tobytes() if flat.numel() else b""
    kind = str(value.dtype).removeprefix("torch.")
    return {"$tensor": [kind, list(value.shape), base64.b64encode(data).decode()]}


def from_plain(value: Any, tensors: Mapping[str, Tensor] | None = None) -> Any:
    """What `to_plain` was given; RunError for what it cannot have written."""
    if isinstance(value, list):
        return [from_plain(part, tensors) for part in value]
    if not isinstance(value, dict):
        return value
    kind = next((key for key in value if key.startswith("$")), None)
    if kind is None:
        return {key: from_plain(part, tensors) for key, part in value.items()}
    try:
        return _special(kind, value, tensors)
    except (ArithmeticError, KeyError, TypeError, ValueError) as error:
        raise RunError(f"a {kind[1:20]} in a checkpoint cannot be read: {error}") from error


def _special(kind: str, value: dict[str, Any], tensors: Mapping[str, Tensor] | None) -> Any:
    content = value[kind]
    if kind == "$tensor":
        return _tensor(content, tensors or {})
    if kind == "$float" and content in ("nan", "inf", "-inf"):
        return float(content)
    if kind == "$bytes":
        return base64.b64decode(content, validate=True)
    if kind == "$tuple":
        return tuple(from_plain(part, tensors) for part in content)
    if kind == "$deque":
        return deque((from_plain(part, tensors) for part in content), value.get("maxlen"))
    if kind == "$dict":
        return {from_plain(key): from_plain(part, tensors) for key, part in content}
    raise ValueError("of no kind that is known")


def _tensor(content: Any, tensors: Mapping[str, Tensor]) -> Tensor:
    import torch

    if isinstance(content, str):
        if content not in tensors:
            raise ValueError(f"there is no tensor {content[:60]!r}")
        return tensors[content]
    dtype, shape, data = content
    if dtype not in _DTYPES or not all(isinstance(n, int) and n >= 0 for n in shape):
        raise ValueError(f"a tensor of type {str(dtype)[:20]!r} and shape {str(shape)[:60]}")
    kind: torch.dtype = getattr(torch, dtype)
    raw = base64.b64decode(data, validate=True)
    if math.prod(shape) * kind.itemsize != len(raw):
        raise ValueError(f"{len(raw)} bytes for a tensor of shape {str(shape)[:60]}")
    if not raw:
        return torch.empty(shape, dtype=kind)
    return torch.frombuffer(bytearray(raw), dtype=kind).reshape(shape)
