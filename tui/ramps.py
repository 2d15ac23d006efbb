"""Heat scales: blue against orange around zero, and dark to yellow from zero up; both colour-blind safe.

Smooth ones are perceptually even: neighbours lie the same distance apart in Oklab (B. Ottosson, "A perceptual color
space for image processing", 2020), so that equal steps of a number look like equal steps.

A terminal with few colours would round an even ramp to odd ones, so those have ramps of their own, made of colours
that they have.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Literal, TypeAlias

__all__ = ["RGB", "Depth", "ink", "oklab", "ramp", "rgb"]

RGB: TypeAlias = tuple[int, int, int]
Lab: TypeAlias = tuple[float, float, float]
"""Lightness 0 to 1, green to red, blue to yellow."""
Depth: TypeAlias = Literal["truecolor", "256", "standard", "grey"]
"""How many colours the terminal has; "standard" are 16, "grey" is for people who want none."""
LEVELS = 31
"""Colours of a smooth ramp: few, so that neighbours are often equal and cost no bytes."""

_SMOOTH: dict[tuple[str, bool], tuple[str, ...]] = {
    ("diverging", True): ("#7fc7ff", "#2f7fc4", "#1c3d5e", "#171c24", "#5e4120", "#c47f2f", "#f7bb6c"),
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
_GREY = {True: ("#1c1c1c", "#f0f0f0"), False: ("#303030", "#f3f3f3")}
_16: dict[tuple[str, bool], tuple[str, ...]] = {
    ("diverging", True): ("#55ffff", "#00aaaa", "#000000", "#aa5500", "#ffff55"),
    ("diverging", False): ("#0000aa", "#55ffff", "#ffffff", "#ffff55", "#aa5500"),
    ("sequential", True): ("#000000", "#0000aa", "#00aaaa", "#aaaaaa", "#ffff55"),
    ("sequential", False): ("#ffffff", "#aaaaaa", "#00aaaa", "#0000aa", "#000000"),
}


def rgb(color: str) -> RGB:
    """Red, green and blue of "#rrggbb", 0 to 255 each."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def ink(ground: RGB) -> RGB:
    """Black or white, whichever can be read better on `ground`: contrast at least 4.5 (WCAG 2.1)."""
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (x / 255 for x in ground))
    bright = 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.1791  # where both contrasts are the same
    return (0, 0, 0) if bright else (255, 255, 255)


@lru_cache(maxsize=16)
def ramp(kind: str, dark: bool, depth: Depth = "truecolor") -> tuple[RGB, ...]:
    """Colours of a "diverging" or "sequential" scale, an odd number, from its low end to its high end."""
    if depth == "grey" and kind == "diverging":  # from dark to bright, or both ends would look the same
        return tuple(_even([oklab(rgb(c)) for c in _GREY[dark]], LEVELS))
    if depth in ("256", "standard"):
        return tuple(rgb(c) for c in (_256 if depth == "256" else _16)[kind, dark])
    stops = [oklab(rgb(c)) for c in _SMOOTH[kind, dark]]
    if kind == "sequential":
        return tuple(_even(stops, LEVELS))
    middle = len(stops) // 2
    half = LEVELS // 2 + 1
    return (*_even(stops[: middle + 1], half), *_even(stops[middle:], half)[1:])


def _even(stops: Sequence[Lab], n: int) -> list[RGB]:
    """`n` colours at equal distances along the path through the stops, both ends included."""
    fine = 32
    path = [
        (a[0] + (b[0] - a[0]) * i / fine, a[1] + (b[1] - a[1]) * i / fine, a[2] + (b[2] - a[2]) * i / fine)
        for a, b in pairwise(stops)
        for i in range(fine)
    ] + [stops[-1]]
    far = [0.0]
    for a, b in pairwise(path):
        far.append(far[-1] + math.dist(a, b))
    picked, at = [], 0
    for k in range(n):
        while at < len(far) - 1 and far[at] < far[-1] * k / (n - 1) - 1e-12:
            at += 1
        picked.append(_srgb(path[at]))
    return picked


def oklab(color: RGB) -> Lab:
    """An sRGB colour in Oklab."""
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (x / 255 for x in color))
    long = _cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
    medium = _cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
    short = _cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def _cbrt(x: float) -> float:
    return float(x ** (1 / 3))


def _srgb(lab: Lab) -> RGB:
    """Back, cut off at what a screen can show."""
    x, y, z = lab
    long = (x + 0.3963377774 * y + 0.2158037573 * z) ** 3
    medium = (x - 0.1055613458 * y - 0.0638541728 * z) ** 3
    short = (x - 0.0894841775 * y - 1.2914855480 * z) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    r, g, b = (_byte(c) for c in linear)
    return r, g, b


def _byte(c: float) -> int:
    shown = 12.92 * c if c <= 0.0031308 else 1.055 * c ** (1 / 2.4) - 0.055
    return min(max(round(255 * shown), 0), 255)
