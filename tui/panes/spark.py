"""Sparklines: the newest values of a history as a row of small bars."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["spark"]

BARS = " ▁▂▃▄▅▆▇█"


def spark(values: Sequence[float], width: int, top: float) -> str:
    """The newest `width` values, the last one at the right end; `top` and more is a whole bar.

    What is above 0 is at least the smallest bar; NaN is a dot.
    """
    if width <= 0:
        return ""
    return "".join(_bar(v, top) for v in list(values)[-width:]).rjust(width)


def _bar(value: float, top: float) -> str:
    if math.isnan(value):
        return "·"
    if value <= 0 or top <= 0:
        return BARS[0]
    return BARS[max(min(math.ceil(min(value / top, 1.0) * (len(BARS) - 1)), len(BARS) - 1), 1)]
