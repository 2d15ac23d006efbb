"""What all facts have in common, and the numbers that a JSON line can carry.

JSON has no NaN and no infinity: numbers that may be either travel as the strings "nan", "inf" and "-inf"
(`number` writes them, `float()` reads them).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

__all__ = ["Fact", "Number", "Phase", "number", "numbers"]

Phase: TypeAlias = Literal["train", "valid"]
Number: TypeAlias = float | Literal["nan", "inf", "-inf"]
"""A float, or "nan", "inf", "-inf": what a JSON line can carry."""


class Fact(msgspec.Struct, frozen=True, tag_field="is", kw_only=True, omit_defaults=True):
    """Base of all facts."""

    at: float
    """Seconds since the trainer started."""


def number(value: float) -> Number:
    """A value as a JSON line can carry it, to seven significant digits (a float32 has no more)."""
    if math.isfinite(value):
        return float(f"{value:.7g}")
    return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")


def numbers(values: Sequence[float] | Mapping[str, float]) -> list[Number]:
    """`number` of each value."""
    items = values.values() if isinstance(values, Mapping) else values
    return [number(v) for v in items]
