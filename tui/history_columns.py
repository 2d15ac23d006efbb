"""A series reduced to the columns of a chart, with what lies outside the fences left out and counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tui.history_newest import Points

__all__ = ["Columns", "far_out", "reduced"]

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

ENOUGH = 8
"""Points from which quartiles say something."""
FAR = 3.0
"""Interquartile ranges beyond the quartiles from which a value is far out."""


@dataclass(frozen=True, eq=False)
class Columns:
    """A series reduced to a chart's columns; only columns that hold values, all arrays of one length."""

    at: Floats
    """Position of each column on the axis: that of its last value."""
    low: Floats
    high: Floats
    smooth: Floats
    """Smoothed value at the column's end; NaN where the column has no finite value."""
    last: Floats
    """The column's last value."""
    bad: Ints
    """Count of NaN and infinite values; where a column has only those, `low`, `high` and `smooth` are NaN."""
    hidden: int = 0
    """Values that the fences keep out."""
    exact: bool = True
    """Whether that is all of them; else there are more in buckets of which only the extremes are known."""


def reduced(
    points: Points, place: Floats, low: float, high: float, width: int,
    smoothed: Callable[[Ints], Floats], fences: Callable[[Points], tuple[float, float]] | None = None,
) -> Columns:  # fmt: skip
    """The points whose `place` is from `low` to `high` in at most `width` columns.

    `smoothed` gives the smoothed values after points, by their numbers.
    """
    held = np.flatnonzero((place >= low) & (place <= high))
    if not len(held):
        empty = np.zeros(0)
        return Columns(empty, empty, empty, empty, empty, np.zeros(0, np.int64))
    points = Points(*(getattr(points, name)[held] for name in Points.__dataclass_fields__))
    place = place[held]
    hidden, exact, floor, roof = 0, True, -np.inf, np.inf
    if fences is not None:
        floor, roof = fences(points)
        points, hidden, exact = _fenced(points, floor, roof)
    span = max(high - low, 1e-9)
    column = np.minimum((place - low) * width / span, width - 1).astype(np.int64)
    starts = np.flatnonzero(np.diff(column, prepend=-1))
    ends = np.append(starts[1:], len(held)) - 1
    lows, highs = np.minimum.reduceat(points.low, starts), np.maximum.reduceat(points.high, starts)
    none = ~np.isfinite(lows)
    lows[none], highs[none] = np.nan, np.nan
    known = np.maximum.accumulate(np.where(np.isfinite(points.low), np.arange(len(held)), 0))[ends]
    smooth = smoothed(held[known])
    smooth = np.where(none | ~((smooth >= floor) & (smooth <= roof)), np.nan, smooth)
    bad = np.add.reduceat(points.bad, starts)
    return Columns(place[ends], lows, highs, smooth, points.last[ends], bad, hidden, exact)


def far_out(points: Points, log: bool = False) -> tuple[float, float]:
    """Fences three interquartile ranges beyond the quartiles (Tukey, "Exploratory Data Analysis", 1977: "far out").

    Over the extremes of the points, of their logarithms if `log`; infinite where there are too few points.
    """
    values = np.concatenate([points.low[points.count > 0], points.high[points.count > 0]])
    values = values[values > 0] if log else values
    if len(values) < 2 * ENOUGH:
        return -np.inf, np.inf
    if log:
        values = np.log10(values)
    first, third = (float(q) for q in np.percentile(values, (25, 75)))
    room = FAR * (third - first)
    if not np.isfinite(room) or room == 0:
        return -np.inf, np.inf
    low, high = first - room, third + room
    return (float(10.0 ** max(low, -320.0)), float(10.0 ** min(high, 308.0))) if log else (low, high)


def _fenced(points: Points, low: float, high: float) -> tuple[Points, int, bool]:
    """The points without what lies beyond; of a bucket the known values within are kept."""
    fine = points.count > 0
    below, above = fine & (points.low < low), fine & (points.high > high)
    out = below | above
    if not out.any():
        return points, 0, True
    single = points.count == 1
    hidden = int((below & ~single).sum() + (above & ~single).sum() + (out & single).sum())
    values = np.stack([points.low, points.high, points.last])
    within = np.isfinite(values) & (values >= low) & (values <= high)
    lows = np.where(out, np.where(within, values, np.inf).min(0), points.low)
    highs = np.where(out, np.where(within, values, -np.inf).max(0), points.high)
    last = np.where(np.isfinite(points.last) & ((points.last < low) | (points.last > high)), np.nan, points.last)
    kept = Points(points.at, lows, highs, last, points.count, points.bad)
    return kept, hidden, bool(single[out].all())
