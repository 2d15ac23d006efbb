"""The loss chart as lines: curves, the band of raw values behind them, axes, legend, and what is broken in red."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from textual.strip import Strip

from tui.colors import style
from tui.panes import chart
from tui.panes.chart import Axis, Grid
from tui.panes.lines import Frame, message
from tui.panes.loss_cross import draw_cross
from tui.panes.loss_legend import draw_legend, draw_notes
from tui.panes.loss_marks import draw_marks, grouped
from tui.panes.loss_plot import HUGE, LABEL, TINY, Plot, columns_of, curves, usable, y_axis
from tui.panes.loss_view import Choice, View
from tui.state.run import RunState
from tui.text import count, cut, fit

if TYPE_CHECKING:
    from tui.history import Columns

__all__ = ["COLUMNS_PER_TICK", "LABEL", "ROWS_PER_TICK", "draw_axes", "loss_chart"]

ROWS_PER_TICK, COLUMNS_PER_TICK = 3, 11
POINTED, APART = 2, 4
"""Cells for each value of an epoch from which it has a dot of its own; else one of so many cells has a dot."""


def loss_chart(state: RunState, frame: Frame, view: View | None = None) -> list[Strip]:
    """The whole chart as lines."""
    view = view or View()
    width, height, colors = frame.width, frame.height, frame.colors
    plot_width, plot_height = width - LABEL, height - 2
    choice = view.choice(state)
    known = [s for s in (choice.train, choice.valid) if s is not None and s.used]
    if not known or plot_width < 8 or plot_height < 3:
        return message(_nothing(state, choice) if plot_height >= 3 else ["too low"], frame)
    view.parts = max(plot_width // COLUMNS_PER_TICK, 2)
    x, unit = view.axis(state), view.told(state)
    smoothing = max(view.strength(state), 0)
    train = columns_of(state, choice.train, x, unit, plot_width, smoothing, view)
    valid = columns_of(state, choice.valid, x, unit, plot_width, 0, view)
    plot = Plot(Grid(width, height), state, view, choice, colors, x, unit, train, valid)
    _draw(plot)
    return plot.grid.strips()


def _draw(plot: Plot) -> None:
    grid, colors, (left, width, height) = plot.grid, plot.colors, plot.place
    y = y_axis(plot, max(height // ROWS_PER_TICK, 2))
    draw_axes(plot, y or Axis(0.0, 1.0, ()))
    if y is not None:
        if plot.choice.kind == "epochs":
            _draw_points(plot, plot.train, y, "○", colors.train)
        _draw_points(plot, plot.valid, y, "●", colors.valid)
        chart.lines(grid, (left, width, height), plot.x, y, curves(plot))
        if plot.train is not None and plot.choice.kind == "steps":
            _draw_raw(plot, plot.train, y)
    else:
        grid.put(left + 2, height // 2, _why_empty(plot), style(colors.muted))
    for columns in (plot.train, plot.valid):
        _draw_broken(plot, columns)
    groups = grouped(plot.state, left, width, plot.x, plot.unit)
    if plot.view.cross is None:
        above = draw_legend(plot)
    else:
        above, under = draw_cross(grid, plot.state, plot.view, plot.place, plot.x, colors, groups)
        above = max(above, draw_notes(plot, under))
    draw_marks(grid, groups, plot.place, above, colors)


def _nothing(state: RunState, choice: Choice) -> list[str]:
    """What an empty chart says."""
    due = state.fit.train_batches if state.fit is not None else 0
    if choice.name == "loss":
        later = [f"the first validation is due at step {count(due)}"] if due else []
        return ["the training loss is drawn from the first batch on", *later]
    if choice.kind == "epochs":
        when = f", at step {count(due)}" if due else ""
        return [f"{cut(choice.name, 30)}: the first value comes at the end of an epoch{when}"]
    return [f"{cut(choice.name, 30)}: nothing was reported yet"]


def _why_empty(plot: Plot) -> str:
    held = [c for c in (plot.train, plot.valid) if c is not None and len(c.at)]
    if not held:
        return "no value in this window"
    return "nothing above 0 to draw on a log axis" if plot.view.log else ""


def draw_axes(plot: Plot, y: Axis) -> None:
    """Both axes with their ticks and labels, and the unit of the lower one."""
    grid, (left, width, height) = plot.grid, plot.place
    rule, text = style(plot.colors.border), style(plot.colors.muted)
    for row in range(height):
        grid.put(left - 1, row, "│", rule)
    for value, label in y.ticks:
        row = height - 1 - y.cell(value, height, 4)
        grid.put(0, row, fit(cut(label, left - 1), left - 1, ">"), text)
        grid.put(left - 1, row, "┤", rule)
    grid.put(left - 1, height, "└" + "─" * width, rule)
    word = {"steps": "step", "epochs": "epoch", "time": "time"}[plot.unit]
    grid.put(0, height + 1, fit(word, left - 2, ">"), style(plot.colors.muted))
    end = left - 1
    for value, label in plot.x.ticks:
        column = left + plot.x.cell(value, width, 2)
        start = min(max(column - len(label) // 2, end), grid.width - len(label))
        grid.put(column, height, "┬", rule)
        if start >= end:
            grid.put(start, height + 1, label, text)
            end = start + len(label) + 1


def _draw_raw(plot: Plot, train: Columns, y: Axis) -> None:
    """What the raw values span in each column, behind the lines; ends that cannot be drawn lie at the axis's end."""
    import numpy as np  # not before the first value

    from tui.panes.band import band

    log = plot.view.log
    ends = []
    usable = np.zeros(len(train.at), bool)
    for values, edge in ((train.low, y.low), (train.high, y.high)):
        good = np.isfinite(values) & (np.abs(values) < HUGE) & ((values > TINY) | (not log))
        tame = np.where(good, values, 1.0)
        ends.append(np.where(good, np.log10(tame) if log else tame, edge))
        usable |= good
    low, high = (np.where(usable, end, np.nan) for end in ends)
    band(plot.grid, plot.place, (plot.x, y), train.at, low, high, style(plot.colors.train_faint))


def _draw_points(plot: Plot, columns: Columns | None, y: Axis, sign: str, color: str) -> None:
    """A dot for each value, at the step where it was measured, on top of the lines.

    Where values are closer, one dot in every few columns says whose line it is: of two curves that lie on each other
    both are seen, without colours too. Train and validation take turns.
    """
    if columns is None:
        return
    log, (left, width, height) = plot.view.log, plot.place
    crowded = len(columns.at) > width // POINTED
    shift = APART // 2 if sign == "○" else 0
    points: dict[int, tuple[int, float]] = {}
    for at, value in zip(columns.at.tolist(), columns.last.tolist(), strict=True):
        if usable(value, log):
            column = plot.x.cell(at, width, 2)
            points[(column + shift) // APART if crowded else column] = column, value
    for column, value in points.values():
        row = height - 1 - y.cell(math.log10(value) if log else value, height, 4)
        plot.grid.put(left + column, row, sign, style(color))


def _draw_broken(plot: Plot, columns: Columns | None) -> None:
    """A red × below every column that holds a NaN or an infinity."""
    left, width, height = plot.place
    if columns is None:
        return
    look, before = style(plot.colors.wrong, bold=True), -9
    for at, bad in zip(columns.at.tolist(), columns.bad.tolist(), strict=True):
        column = left + plot.x.cell(at, width, 2) if bad else -9
        if before >= 0 and column - before == 2:  # neighbours that rounding has parted
            plot.grid.put(column - 1, height - 1, "×", look)
        if bad:
            plot.grid.put(column, height - 1, "×", look)
        before = column
