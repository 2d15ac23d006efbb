"""A line chart on a grid of cells: plotext draws the lines, the axes and marks around them are our own.

plotext 5.3 raises for an infinite value and prints 38-digit labels, so it is given finite numbers only and no
axes; and axes of our own can stand still while the numbers move. To be used on the UI thread only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.colors import style
from tui.text import compact

__all__ = ["SOLID", "Axis", "Curve", "Grid", "linear_axis", "lines", "log_axis", "step_axis"]

Curve: TypeAlias = tuple[Sequence[float], Sequence[float], str]
"""Steps, values and "#rrggbb"."""
NICE = (1.0, 2.0, 5.0)
SOLID = "\u00a0"
"""A blank that belongs to words: nothing is drawn behind it. It leaves the grid as a plain blank."""
_CODE = re.compile(r"\x1b\[[0-9;]*m")
_WORD = re.compile(r"[^ ]+")


@dataclass(frozen=True)
class Axis:
    """A range that moves in steps, with its ticks; on a log axis all numbers are powers of ten."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def cell(self, value: float, cells: int, dots: int) -> int:
        """Cell, 0 to cells - 1, that holds the braille dot of a value; a cell has 2 dots across and 4 down."""
        share = (value - self.low) / (self.high - self.low)
        return min(max(round(share * (cells * dots - 1)), 0) // dots, cells - 1)


def nice_step(span: float, parts: int) -> float:
    """The smallest of 1, 2, 5 times a power of ten that cuts `span` into at most `parts`."""
    raw = max(span, 1e-300) / max(parts, 1)
    unit = 10.0 ** math.floor(math.log10(raw))
    return next((n * unit for n in NICE if n * unit >= raw * 0.999999), 10 * unit)


def linear_axis(low: float, high: float, parts: int) -> Axis:
    """From the tick below `low` to the tick above `high`."""
    if high - low < 1e-9 * max(abs(high), abs(low), 1e-9):
        room = max(abs(high) * 0.1, 1e-6)
        low, high = low - room, high + room
    step = nice_step(high - low, parts)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    places = [i * step for i in range(first, last + 1)]
    return Axis(first * step, last * step, tuple(zip(places, _texts(places, step), strict=True)))


def _texts(places: list[float], step: float) -> list[str]:
    """Ticks in words, with as many digits as tell them apart."""
    texts: list[str] = []
    for digits in range(1, 5):
        texts = [compact(round(place, 12) if step > 1e-9 else place, digits) for place in places]
        if len(set(texts)) == len(texts):
            break
    return texts


def log_axis(low: float, high: float, parts: int) -> Axis:
    """The same for positive values; `low`, `high` and the ticks' places are powers of ten."""
    marks = [n * 10.0**e for e in range(math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1) for n in NICE]
    below = [m for m in marks if m <= low * 1.000001]
    above = [m for m in marks if m >= high * 0.999999 and m > below[-1]] or [marks[-1] * 2]
    if 2 * math.log10(high / low) < math.log10(above[0] / below[-1]):  # the values would lie in a corner
        near = linear_axis(low, high, parts)
        if near.low > 0:
            return Axis(math.log10(near.low), math.log10(near.high), tuple((math.log10(v), t) for v, t in near.ticks))
    held = [m for m in marks if below[-1] <= m <= above[0]]
    if len(held) > parts + 1:
        decades = [m for m in held if abs(math.log10(m) - round(math.log10(m))) < 1e-9]
        held = decades if len(decades) > 2 else held
        held = held[:: max(-(-len(held) // max(parts + 1, 1)), 1)]
    ticks = tuple((math.log10(m), compact(m)) for m in held)
    return Axis(math.log10(below[-1]), math.log10(above[0]), ticks)


def step_axis(last: int, total: int, parts: int) -> Axis:
    """Steps from 0 to the nice number above `last`, and never past the planned `total`."""
    limit = 10.0
    while limit < last:
        unit = 10.0 ** math.floor(math.log10(limit) + 1e-9)
        limit = next((n * unit for n in (2.0, 5.0, 10.0) if n * unit > limit * 1.000001), limit * 2)
    if total >= last > 0:
        limit = min(limit, float(max(total, 1)))
    step = max(nice_step(limit, parts), 1.0)
    ticks = [(i * step, compact(i * step)) for i in range(int(limit / step + 1e-9) + 1)]
    if limit - ticks[-1][0] > 0.6 * step:
        ticks.append((limit, f"{limit:.0f}" if limit < 1e6 else compact(limit)))
    return Axis(0.0, limit, tuple(ticks))


class Grid:
    """Characters and styles of a rectangle of cells."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.chars = [[" "] * width for _ in range(height)]
        self.styles: list[list[Style]] = [[Style.null()] * width for _ in range(height)]

    def put(self, x: int, y: int, text: str, look: Style, only_blank: bool = False) -> None:
        """Write one-cell characters from (x, y) on; what lies outside is left out."""
        if not 0 <= y < self.height:
            return
        for i, char in enumerate(text, x):
            if 0 <= i < self.width and not (only_blank and self.chars[y][i] != " "):
                self.chars[y][i], self.styles[y][i] = char, look

    def words(self, x: int, y: int, text: str, look: Style) -> None:
        """Write words, behind whose blanks nothing is drawn any more."""
        self.put(x, y, text.replace(" ", SOLID), look)

    def is_blank(self, x: int, y: int, width: int) -> bool:
        """Whether the cells hold nothing yet."""
        return 0 <= y < self.height and all(c == " " for c in self.chars[y][max(x, 0) : x + width])

    def strips(self) -> list[Strip]:
        """The rows, cells of one style joined."""
        rows = []
        for chars, styles in zip(self.chars, self.styles, strict=True):
            segments, start = [], 0
            for i in range(1, self.width + 1):
                if i == self.width or styles[i] is not styles[start]:
                    segments.append(Segment("".join(chars[start:i]).replace(SOLID, " "), styles[start]))
                    start = i
            rows.append(Strip(segments, self.width))
        return rows


def lines(
    grid: Grid, place: tuple[int, int, int], x: Axis, y: Axis,
    curves: Iterable[Curve],
) -> None:  # fmt: skip
    """Draw curves (steps, values, "#rrggbb") of finite numbers into the grid; `place` is (left, width, height).

    Values outside the axes are cut off at the edge; later curves cover earlier ones.
    """
    left, width, height = place
    for steps, values, color in reversed(list(curves)):  # what is drawn first stays
        dots = _dots(steps, values, (x, y), 2 * width, 4 * height)
        if not dots:
            continue
        look = style((int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)))
        first = min(dot[0] for dot in dots) // 2
        lowest = min(dot[1] for dot in dots) // 4
        shape = tuple((column - 2 * first, row - 4 * lowest) for column, row in dots)
        for column, above, text in _drawn(shape):
            grid.put(left + first + column, height - 1 - lowest - above, text, look, only_blank=True)


def _dots(
    steps: Sequence[float], values: Sequence[float], axes: tuple[Axis, Axis], wide: int, tall: int
) -> list[tuple[int, int]]:
    """The points as (column, row) of braille dots, the rows from below, by plotext's own rule; none twice in a row."""
    x, y = axes
    across, up = x.high - x.low, y.high - y.low
    found: list[tuple[int, int]] = []
    for step, value in zip(steps, values, strict=True):
        if x.low <= step <= x.high:
            tame = min(max(value, y.low), y.high)
            column = int(round(0.5 + (wide - 1) * (step - x.low) / across, 8))
            dot = column, int(round(0.5 + (tall - 1) * (tame - y.low) / up, 8))
            if not found or found[-1] != dot:
                found.append(dot)
    return found


@lru_cache(maxsize=64)
def _drawn(dots: tuple[tuple[int, int], ...]) -> list[tuple[int, int, str]]:
    """A curve through dots as (column, row from below, text) of cells: a picture that is the same is made once.

    Most of the time of a chart goes into this, and most frames change no dot of most curves.
    """
    from textual_plotext.plot import Plot

    width, height = (max(dot[i] for dot in dots) // size + 1 for i, size in enumerate((2, 4)))
    plot: Any = Plot()
    plot.plotsize(width, height)
    plot._set_size(width, height)  # textual-plotext issue 5: plotsize alone keeps the old size
    plot.frame(False)
    plot.xaxes(False, False)
    plot.yaxes(False, False)
    plot.xticks([], [])
    plot.yticks([], [])
    plot.xlim(0, 2 * width - 1)
    plot.ylim(0, 4 * height - 1)
    plot.plot([column for column, _ in dots], [row for _, row in dots], marker="braille")
    return [
        (match.start(), height - 1 - row, match.group())
        for row, text in enumerate(_CODE.sub("", plot.build()).split("\n")[:height])
        for match in _WORD.finditer(text)
    ]
