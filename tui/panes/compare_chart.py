"""The curves of several runs in one chart: each has a colour and a letter, the legend says what it is at."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from textual.strip import Strip

from tui.colors import style
from tui.compare_runs import Compared
from tui.panes import chart
from tui.panes.chart import Axis, Curve, Grid
from tui.panes.compare_legend import draw_legend
from tui.panes.compare_view import Comparison, color_of, curve_of
from tui.panes.lines import Frame, message
from tui.panes.loss_draw import COLUMNS_PER_TICK, LABEL, ROWS_PER_TICK, draw_axes
from tui.panes.loss_plot import Plot, columns_of, curves, usable
from tui.panes.loss_view import View

__all__ = ["compare_chart", "parts_of"]

APART = 18
"""Cells between two letters on one curve."""


@dataclass(frozen=True)
class Drawn:
    """One run's part of the chart."""

    which: int
    run: Compared
    plot: Plot
    curves: list[Curve]


def compare_chart(comparison: Comparison, frame: Frame) -> list[Strip]:
    """The whole chart as lines."""
    width, height = frame.width - LABEL, frame.height - 2
    if width < 12 or height < 3:
        return message(["too small"], frame)
    grid = Grid(frame.width, frame.height)
    drawn = [d for i, run in enumerate(comparison.runs) if (d := _drawn(comparison, i, run, grid, frame)) is not None]
    if not drawn:
        return message(_nothing(comparison), frame)
    first = drawn[0].plot
    values = [value for d in drawn for _, ys, _ in d.curves for value in ys]
    y = _y_axis(values, comparison.log, max(height // ROWS_PER_TICK, 2))
    draw_axes(first, y)
    chart.lines(grid, first.place, first.x, y, [curve for d in drawn for curve in d.curves])
    if not values:
        why = "nothing above 0 to draw on a log axis" if comparison.log else "no value that can be drawn"
        grid.put(LABEL + 2, height // 2, why, style(frame.colors.muted))
    for d in drawn:
        _draw_letters(d, y, len(drawn))
        _draw_broken(d)
    if comparison.cross is not None:
        column = LABEL + first.x.cell(comparison.cross, width, 2)
        for row in range(height):
            grid.put(column, row, "│", style(frame.colors.focus), only_blank=True)
    draw_legend(comparison, first)
    return grid.strips()


def parts_of(width: int) -> int:
    """Parts that the ticks cut the axis into where the plot has so many cells."""
    return max(width // COLUMNS_PER_TICK, 2)


def _drawn(comparison: Comparison, which: int, run: Compared, grid: Grid, frame: Frame) -> Drawn | None:
    """A run's curve in its colour; None if it has none, or none on this axis."""
    state, unit = run.state, comparison.unit
    choice = curve_of(state, comparison.name)
    if choice is None or not state.clock.knows(unit):
        return None
    x = comparison.axis(parts_of(grid.width - LABEL))
    view = View(log=comparison.log, smoothing=comparison.strength, unit=unit)
    columns = columns_of(state, choice.train, x, unit, grid.width - LABEL, max(comparison.strength, 0), view)
    colors = replace(frame.colors, train=color_of(which, frame.colors))
    plot = Plot(grid, state, view, choice, colors, x, unit, columns, None)
    return Drawn(which, run, plot, curves(plot))


def _nothing(comparison: Comparison) -> list[str]:
    """What an empty chart says."""
    known = [run for run in comparison.runs if not run.trouble]
    if any(curve_of(run.state, comparison.name) for run in known):
        return [f"the {comparison.unit} of these steps are not known yet"]
    troubles = [f"{run.letter} {run.name}: {run.trouble}" for run in comparison.runs if run.trouble]
    return [f"{comparison.name}: nothing yet", *troubles] if known else troubles


def _y_axis(values: list[float], log: bool, parts: int) -> Axis:
    """An axis that holds all; on a log axis the values are powers of ten."""
    if not values:
        return Axis(0.0, 1.0, ())
    low, high = min(values), max(values)
    return chart.log_axis(10.0**low, 10.0**high, parts) if log else chart.linear_axis(low, high, parts)


def _draw_letters(drawn: Drawn, y: Axis, runs: int) -> None:
    """The run's letter on its curve: at its end, and here and there, where those of the others are not."""
    plot = drawn.plot
    left, width, height = plot.place
    points = [(left + plot.x.cell(at, width, 2), value) for xs, ys, _ in drawn.curves for at, value in zip(xs, ys)]  # noqa: B905
    look = style(plot.colors.train, bold=True)
    by_column = dict(points)
    wanted = range(left + APART - 1 - drawn.which * APART // max(runs, 1), left + width, APART)
    few = len(by_column) <= width // APART
    end = max(by_column, default=0)
    between = by_column if few else [c for c in wanted if c in by_column and c < end - APART // 2]
    for column in dict.fromkeys([*[*by_column][-1:], *between]):
        row = height - 1 - y.cell(by_column[column], height, 4)
        free = next((c for c in (column, column - 1, column - 2) if not plot.grid.chars[row][c].isalpha()), column)
        plot.grid.put(max(free, left), row, drawn.run.letter, look)


def _draw_broken(drawn: Drawn) -> None:
    """A red × below every column that holds a NaN or an infinity."""
    columns, (left, width, height) = drawn.plot.train, drawn.plot.place
    if columns is None:
        return
    for at, bad, last in zip(columns.at.tolist(), columns.bad.tolist(), columns.last.tolist(), strict=True):
        if bad or not usable(last, False) or math.isnan(last):
            column = left + drawn.plot.x.cell(at, width, 2)
            drawn.plot.grid.put(column, height - 1, "×", style(drawn.plot.colors.wrong, bold=True))
