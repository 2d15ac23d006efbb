"""The crosshair: an upright line at one step, and beside it a box of what is known there."""

from __future__ import annotations

from rich.style import Style

from tui.colors import Palette, style
from tui.panes.chart import Axis, Grid
from tui.panes.loss_marks import Groups, marks, narrow
from tui.panes.loss_reading import reading, squeezed
from tui.panes.loss_view import View
from tui.state.run import RunState
from tui.text import cut

__all__ = ["draw_cross", "marked", "moved", "reading"]

NAMES = 8
"""Cells for the names of the box's rows."""


def draw_cross(
    grid: Grid, state: RunState, view: View, place: tuple[int, int, int], x: Axis, colors: Palette, groups: Groups
) -> tuple[int, int]:
    """The line, if the step is in the window, and the box beside it, where it hides less; `groups` are the marks.

    Returns the rows that the box takes, and those that it takes at the right.
    """
    left, width, height = place
    at = state.clock.one(view.told(state), min(view.cross or 0, state.step))
    column = None
    if x.low <= at <= x.high:
        column = left + x.cell(at, width, 2)
        for row in range(height):
            grid.put(column, row, "│", style(colors.focus), only_blank=True)
    names = {"train": colors.train, "valid": colors.valid, "wrong": colors.wrong, "mark": colors.foreground}
    here = [] if column is None else groups.get(column, [])
    rows = squeezed(reading(state, view, here), height, width - NAMES - 3)
    wide = min(max(len(value) for _, value, _ in rows) + NAMES + 1, width - 2)
    start = _side(grid, place, wide, len(rows), column)
    on_left = start == left + 1
    for row, (name, value, kind) in enumerate(rows):
        look: Style = style(names.get(kind, colors.muted))
        value_look = style(colors.wrong if kind == "wrong" else colors.foreground, bold=kind == "head")
        grid.words(start - (not on_left), row, " " * (wide + 1), look)
        grid.words(start, row, cut(f"{name:<7}", wide), look)
        grid.words(start + NAMES, row, cut(narrow(value), max(wide - NAMES, 0)), value_look)
    return len(rows), 0 if on_left else len(rows)


def _side(grid: Grid, place: tuple[int, int, int], wide: int, tall: int, column: int | None) -> int:
    """Where the box begins: at the right or the left end, beside the line, where it covers less that is drawn."""
    left, width, _ = place

    def covered(start: int) -> int:
        on_line = column is not None and start - 1 <= column <= start + wide
        drawn = sum(c != " " for chars in grid.chars[:tall] for c in chars[start : start + wide])
        return drawn + (10_000 if on_line else 0)

    return min((left + width - wide, left + 1), key=covered)


def moved(state: RunState, view: View, columns: int, width: int) -> int:
    """The step that lies so many columns of the plot to the right of the crosshair; at least one step for each."""
    unit = view.told(state)
    low, high = view.bounds(state)
    step = min(view.cross if view.cross is not None else state.step, state.step)
    axis = view.axis(state)
    share = (axis.high - axis.low) / max(width, 1)
    target = state.clock.step(unit, state.clock.one(unit, step) + columns * share)
    least = step + columns
    found = round(target)
    found = max(found, least) if columns > 0 else min(found, least)
    first = 1 if high > 1 or low >= 0 else 0
    return min(max(found, first), max(state.step, 1))


def marked(state: RunState, view: View, by: int) -> int | None:
    """The step of the next mark after the crosshair (`by` 1) or of the last one before it (-1); None without one."""
    at = view.cross if view.cross is not None else state.step + 1
    steps = [max(mark.step, 1) for mark in marks(state)]
    found = [step for step in steps if (step > at if by > 0 else step < at)]
    return (min if by > 0 else max)(found, default=None)
