"""Heat scales: blue against orange around zero, and dark to yellow from zero up; both colour-blind safe.

A terminal with few colours would round an even ramp to odd ones, so those have ramps of their own, made of colours
that they have.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, TypeAlias

__all__ = ["RGB", "Depth", "ramp", "rgb"]

RGB: TypeAlias = tuple[int, int, int]
Depth: TypeAlias = Literal["truecolor", "256", "standard"]
"""How many colours the terminal has; "standard" are 16."""
LEVELS = 31
"""Colours of a smooth ramp: few, so that neighbours are often equal and cost no bytes."""

_SMOOTH: dict[tuple[str, bool], tuple[str, ...]] = {
    ("diverging", True): ("#7fc7ff", "#2f7fc4", "#1c3d5e", "#171c24", "#5e4120", "#c47f2f", "#ffd08a"),
    ("diverging", False): ("#0a4f94", "#3f8fd6", "#b3d4f0", "#f3f2ee", "#f3d2a6", "#d68a2e", "#8a4a00"),
    ("sequential", True): ("#171c24", "#26375a", "#4b4f78", "#7f6a7a", "#bd8f63", "#f0c452", "#fff0a0"),
    ("sequential", False): ("#f3f2ee", "#f0dc9c", "#d9ae62", "#ad7f66", "#77586f", "#43366b", "#171c4d"),
}
_256: dict[tuple[str, bool], tuple[str, ...]] = {
    ("diverging", True): (
        "#87d7ff", "#5fafff", "#0087d7", "#005f87", "#1c1c1c", "#875f00", "#d78700", "#ffaf5f", "#ffd7af",
    ),
    ("diverging", False): (
        "#005f87", "#0087d7", "#5fafff", "#afd7ff", "#eeeeee", "#ffd7af", "#ffaf5f", "#d78700", "#875f00",
    ),
    ("sequential", True): ("#1c1c1c", "#303030", "#005f87", "#5f8787", "#afaf5f", "#ffd75f", "#ffffaf"),
    ("sequential", False): ("#eeeeee", "#ffd7af", "#d7af5f", "#af875f", "#875f87", "#5f5f87", "#00005f"),
}  # fmt: skip
_16: dict[tuple[str, bool], tuple[str, ...]] = {
    ("diverging", True): ("#55ffff", "#00aaaa", "#000000", "#aa5500", "#ffff55"),
    ("diverging", False): ("#0000aa", "#55ffff", "#ffffff", "#ffff55", "#aa5500"),
    ("sequential", True): ("#000000", "#0000aa", "#00aaaa", "#aaaaaa", "#ffff55"),
    ("sequential", False): ("#ffffff", "#aaaaaa", "#00aaaa", "#0000aa", "#000000"),
}


def rgb(color: str) -> RGB:
    """Red, green and blue of "#rrggbb", 0 to 255 each."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


@lru_cache(maxsize=16)
def ramp(kind: str, dark: bool, depth: Depth = "truecolor") -> tuple[RGB, ...]:
    """Colours of a "diverging" or "sequential" scale, an odd number, from its low end to its high end."""
    if depth != "truecolor":
        return tuple(rgb(c) for c in (_256 if depth == "256" else _16)[kind, dark])
    stops = [rgb(c) for c in _SMOOTH[kind, dark]]
    return tuple(_between(stops, i / (LEVELS - 1)) for i in range(LEVELS))


def _between(stops: list[RGB], share: float) -> RGB:
    at = share * (len(stops) - 1)
    k = min(int(at), len(stops) - 2)
    r, g, b = (round(x + (y - x) * (at - k)) for x, y in zip(stops[k], stops[k + 1], strict=True))
    return r, g, b
