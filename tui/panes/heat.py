"""Heat scales: numbers to a few colours, and rows of coloured cells that cost few bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING

from rich.segment import Segment

from tui.colors import Palette, style
from tui.panes.lines import Part
from tui.ramps import RGB, ink, ramp
from tui.text import compact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Scale", "legend", "levels", "row", "rows", "scale"]

ENDS = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
DECADES = 8
"""A logarithmic scale of gradients or ratios spans at most so many powers of ten."""
LINEAR, QUIET = 1000.0, 0.01
"""Deviations and means beyond the first have a logarithmic scale, down to the second: or only they could be seen."""
BROKEN, NONE = -1, -2
"""Levels of NaN, and of no number at all (infinity)."""


@dataclass(frozen=True)
class Scale:
    """Which numbers the ends of a ramp stand for."""

    kind: str
    """"diverging" around 0, "sequential" from 0, "log" from `low`, or "both log": log(1 + size) around 0."""
    limit: float
    low: float = 0.0

    @property
    def both(self) -> bool:
        """Whether there are numbers below 0."""
        return self.kind in ("diverging", "both log")

    @property
    def ramp(self) -> str:
        """The colours' kind."""
        return "diverging" if self.both else "sequential"

    def level(self, value: float, levels: int) -> int:
        """Place on a ramp of so many colours, 0 to levels - 1."""
        if self.kind == "log":
            share = 0.0 if value <= self.low else math.log(value / self.low) / math.log(self.limit / self.low)
        elif self.kind == "both log":
            share = math.copysign(math.log1p(abs(value)), value) / math.log1p(self.limit)
        else:
            share = value / self.limit
        share = min(max(share, -1.0), 1.0)
        if self.both:
            share = (share + 1) / 2
        return min(max(round(share * (levels - 1)), 0), levels - 1)


def scale(statistic: str, extreme: float, least: float = 0.0) -> Scale:
    """A scale that holds `extreme`, the largest size, and on a log scale `least`, the smallest above zero.

    Its ends move in steps.
    """
    if statistic == "near_zero":
        return Scale("sequential", 1.0)
    exploded = math.isfinite(extreme) and extreme > LINEAR
    if statistic in ("grad", "ratio"):
        return _log_scale(extreme, least, DECADES)
    if exploded:
        held = _log_scale(extreme, max(least, QUIET), 99)
        return held if statistic == "std" else Scale("both log", held.limit)
    limit = 0.1
    if math.isfinite(extreme) and extreme > 0:
        unit = 10.0 ** math.floor(math.log10(extreme))
        limit = next((n * unit for n in ENDS if n * unit >= extreme * 0.999999), 10 * unit)
    return Scale("diverging" if statistic == "mean" else "sequential", max(limit, 1e-6))


def _log_scale(extreme: float, least: float, decades: int) -> Scale:
    top = min(max(extreme, 1e-30), 1e300) if math.isfinite(extreme) and extreme > 0 else 1.0
    high = math.ceil(math.log10(top) - 1e-6)
    low = math.floor(math.log10(min(max(least, 1e-38), top)) + 1e-6) if least > 0 else high - 1
    return Scale("log", 10.0**high, 10.0 ** max(min(low, high - 1), high - decades))


def levels(values: NDArray[np.float64], held: Scale, colors: Palette) -> NDArray[np.int64]:
    """Places on the ramp for an array of any shape; `BROKEN` for NaN and `NONE` for infinity."""
    import numpy as np  # not before there are numbers

    n = len(ramp(held.ramp, colors.dark, colors.depth))
    fine = np.isfinite(values)
    tame = np.where(fine, values, 0.0)
    if held.kind == "log":
        share = np.log(np.maximum(tame, held.low) / held.low) / math.log(held.limit / held.low)
    elif held.kind == "both log":
        share = np.copysign(np.log1p(np.abs(tame)), tame) / math.log1p(held.limit)
    else:
        share = tame / held.limit
    if held.both:
        share = (share + 1) / 2
    places: NDArray[np.int64] = np.rint(np.clip(share, 0.0, 1.0) * (n - 1)).astype(np.int64)
    places[~fine] = np.where(np.isnan(values[~fine]), BROKEN, NONE)
    return places


class _Looks(dict[tuple[int, int], Segment]):
    """Segments by (level, cells), each made once: a heatmap is made of few."""

    def __init__(self, kind: str, colors: Palette) -> None:
        self.shades = ramp(kind, colors.dark, colors.depth)
        self.colors = colors

    def __missing__(self, key: tuple[int, int]) -> Segment:
        place, n = key
        if place == BROKEN:
            made = Segment("×" * n, style(self.colors.wrong))
        elif place == NONE:
            made = Segment("·" * n, style(self.colors.faint))
        else:
            made = Segment(" " * n, style(bg=self.shades[place]))
        self[key] = made
        return made

    def marked(self, place: int, n: int) -> Segment:
        """The cells under the cursor: their colour stays, a mark in dark or light lies on the first."""
        shade = self.shades[place] if place >= 0 else None
        fg: str | RGB = self.colors.foreground if shade is None else ink(shade)
        return Segment("┃".ljust(n), style(fg, shade, bold=True))


_looks = lru_cache(maxsize=32)(_Looks)


def row(
    places: Sequence[int], held: Scale, colors: Palette, cursor: tuple[int, int] | None = None
) -> list[Segment]:  # fmt: skip
    """A cell for every level, equal neighbours joined; the cells from cursor[0] up to cursor[1] are marked.

    A space on a colour; a red × where the value is not a number; a dot where there is none.
    """
    looks = _looks(held.ramp, colors)
    if cursor is not None and 0 <= cursor[0] < len(places):
        start, end = cursor
        mark = looks.marked(places[start], end - start)
        return [*row(places[:start], held, colors), mark, *row(places[end:], held, colors)]
    return [looks[place, len(list(run))] for place, run in groupby(places)]


def rows(places: NDArray[np.int64], held: Scale, colors: Palette) -> list[list[Segment]]:
    """`row` of every row of (rows, cells) levels, without a mark; all at once, which costs a fraction."""
    import numpy as np

    if not places.size:
        return [[] for _ in places]
    looks = _looks(held.ramp, colors)
    begins = np.ones(places.shape, bool)  # every row begins a run of its own
    np.not_equal(places[:, 1:], places[:, :-1], out=begins[:, 1:])
    at = np.flatnonzero(begins)
    runs = zip(places.ravel()[at].tolist(), np.diff(at, append=places.size).tolist(), strict=True)
    made = [looks[run] for run in runs]
    ends = np.cumsum(begins.sum(1)).tolist()
    return [made[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def legend(held: Scale, width: int, colors: Palette) -> list[Part]:
    """The ramp in `width` cells with the numbers of its ends."""
    low = -held.limit if held.both else held.low
    muted = style(colors.muted)
    shades = ramp(held.ramp, colors.dark, colors.depth)
    ends = (compact(low), compact(held.limit) + (" log" if "log" in held.kind else ""))
    places = [round(i * (len(shades) - 1) / max(width - 1, 1)) for i in range(width)]
    inner: list[Part] = [(" ", style(bg=shades[place])) for place in places]
    return [(f"{ends[0]} ", muted), *inner, (f" {ends[1]}", muted)]
