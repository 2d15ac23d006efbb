"""A band between two curves as braille dots: what the raw loss spans. Costs the same however high it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from rich.style import Style

from tui.panes.chart import Axis, Grid

__all__ = ["band"]

DOTS = np.array([[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]], np.int64)
"""Bits of a braille character, by row and column of its dots (Unicode, block 2800)."""


def band(
    grid: Grid, place: tuple[int, int, int], axes: tuple[Axis, Axis], steps: NDArray[np.float64],
    low: NDArray[np.float64], high: NDArray[np.float64], look: Style,
) -> None:  # fmt: skip
    """Draw an upright line from `low` to `high` at each step, neighbours joined, into cells that are still blank.

    `place` is (left, width, height) in cells; the values lie within the axes; NaN makes a gap.
    """
    left, width, height = place
    x, y = axes
    tall = 4 * height
    column = np.rint((steps - x.low) / (x.high - x.low) * (2 * width - 1)).astype(np.int64)
    bottom = np.full(2 * width, np.inf)
    top = np.full(2 * width, -np.inf)
    ends = [np.rint((values - y.low) / (y.high - y.low) * (tall - 1)) for values in (low, high)]
    np.minimum.at(bottom, column, np.where(np.isnan(ends[0]), np.inf, ends[0]))
    np.maximum.at(top, column, np.where(np.isnan(ends[1]), -np.inf, ends[1]))
    _join(column, ends[0], ends[1], bottom, top)
    row = np.arange(tall - 1, -1, -1)[:, None]  # dots from the bottom, the topmost first
    dots = (row >= np.rint(bottom)) & (row <= np.rint(top))  # (4 * height, 2 * width)
    cells = (dots.reshape(height, 4, width, 2) * DOTS[:, None, :]).sum((1, 3))  # (height, width)
    for at_y, bits in enumerate(cells.tolist()):
        chars, looks = grid.chars[at_y], grid.styles[at_y]
        for at_x, bit in enumerate(bits, left):
            if bit and chars[at_x] == " ":
                chars[at_x], looks[at_x] = chr(0x2800 + bit), look


def _join(
    column: NDArray[np.int64], low: NDArray[np.float64], high: NDArray[np.float64], bottom: NDArray[np.float64],
    top: NDArray[np.float64],
) -> None:  # fmt: skip
    """Widen `bottom` and `top` by lines between neighbours: from bottom to bottom, then from top to top, and so on."""
    ends = np.where(np.arange(len(column) - 1) % 2, [high[:-1], high[1:]], [low[:-1], low[1:]])
    held = np.flatnonzero(np.isfinite(ends).all(0) & (np.diff(column) > 0))
    start, gap = column[held], np.diff(column)[held]
    which = np.repeat(np.arange(len(held)), gap + 1)
    dot = np.arange(len(which)) - np.repeat(np.cumsum(gap + 1) - gap - 1, gap + 1)  # 0 to gap, for each line
    first, slope = ends[0, held][which], ((ends[1] - ends[0])[held] / gap)[which]
    for half in (-0.5, 0.5):  # a column of dots holds the line up to half way to either side
        values = first + slope * np.clip(dot + half, 0, gap[which])
        np.minimum.at(bottom, start[which] + dot, values)
        np.maximum.at(top, start[which] + dot, values)
