"""Heat scales: numbers to a few colours, and rows of coloured cells that cost few bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.style import Style

from tui.colors import Palette, style
from tui.panes.lines import Part
from tui.ramps import ramp
from tui.text import compact

__all__ = ["Scale", "cells", "legend", "scale"]

ENDS = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)


@dataclass(frozen=True)
class Scale:
    """Which numbers the ends of a ramp stand for."""

    kind: str
    """"diverging" around 0, or "sequential" from 0."""
    limit: float

    def level(self, value: float, levels: int) -> int:
        """Place on a ramp of so many colours, 0 to levels - 1."""
        share = min(max(value / self.limit, -1.0), 1.0)
        if self.kind == "diverging":
            share = (share + 1) / 2
        return min(max(round(share * (levels - 1)), 0), levels - 1)


def scale(statistic: str, extreme: float) -> Scale:
    """A scale that holds `extreme`, the largest size; its end moves in steps."""
    if statistic == "near_zero":
        return Scale("sequential", 1.0)
    limit = 0.1
    if math.isfinite(extreme) and extreme > 0:
        unit = 10.0 ** math.floor(math.log10(extreme))
        limit = next((n * unit for n in ENDS if n * unit >= extreme * 0.999999), 10 * unit)
    return Scale("diverging" if statistic == "mean" else "sequential", min(max(limit, 1e-6), 1e30))


def cells(values: Sequence[float], each: int, held: Scale, colors: Palette) -> list[Part]:
    """`each` cells for every value: a space on a colour, and a red × where the value is not a number."""
    shades = ramp(held.kind, colors.dark, colors.depth)
    parts: list[tuple[str, Style, Any]] = []
    for value in values:
        key: Any = held.level(value, len(shades)) if math.isfinite(value) else "x"
        if parts and parts[-1][2] == key:
            text, look, _ = parts[-1]
            parts[-1] = (text + text[0] * each, look, key)
        elif key == "x":
            parts.append(("×" * each, style(colors.wrong), key))
        else:
            parts.append((" " * each, style(bg=shades[key]), key))
    return [(text, look) for text, look, _ in parts]


def legend(held: Scale, width: int, colors: Palette) -> list[Part]:
    """The ramp in `width` cells with the numbers of its ends."""
    low = -held.limit if held.kind == "diverging" else 0.0
    muted = style(colors.muted)
    shades = ramp(held.kind, colors.dark, colors.depth)
    ends = (compact(low), compact(held.limit))
    places = [round(i * (len(shades) - 1) / max(width - 1, 1)) for i in range(width)]
    inner: list[Part] = [(" ", style(bg=shades[place])) for place in places]
    return [(f"{ends[0]} ", muted), *inner, (f" {ends[1]}", muted)]
