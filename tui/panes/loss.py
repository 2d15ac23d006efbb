"""The loss chart: raw training loss faint, smoothed strong, validation where it was measured, marks, NaN in red."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.strip import Strip

from tui.colors import Palette, style
from tui.panes import chart
from tui.panes.base import Pane
from tui.panes.chart import Axis, Curve, Grid
from tui.panes.lines import Frame, message
from tui.state.run import RunState, Section
from tui.text import count, cut, fit, metric

if TYPE_CHECKING:
    from tui.history import Columns

__all__ = ["LossPane", "loss_chart"]

LABEL = 7
"""Cells left of the plot: a label of 6 and the axis."""
ROWS_PER_TICK, COLUMNS_PER_TICK = 3, 11
SMOOTHING = (200, 1_000, 5_000)
"""Ends of the step axis above which a longer average is drawn, so that it spans about the same share of it."""
TINY, HUGE = 1e-300, 1e300
"""Sizes from which a value is not drawn: on a log axis below the one, on any above the other."""
SIGNS = {"pause": "‖", "skip": "»", "lr": "↓"}


class LossPane(Pane, can_focus=True):
    """`y` switches the scale."""

    sections: ClassVar[tuple[Section, ...]] = ("loss", "marks")
    every: ClassVar[float] = 0.5
    ALLOW_SELECT: ClassVar[bool] = False
    key: ClassVar[str] = "1"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.log_y = False

    def heading(self, state: RunState) -> str:  # noqa: ARG002
        """The title."""
        return f"loss ─ {'log' if self.log_y else 'linear'} y"

    def toggle_log(self) -> None:
        """Switch between a linear and a logarithmic axis."""
        self.log_y = not self.log_y
        self.redraw()

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """The chart, or what will come."""
        return loss_chart(state, frame, self.log_y)


def loss_chart(state: RunState, frame: Frame, log: bool = False) -> list[Strip]:
    """The whole chart as lines."""
    width, height, colors = frame.width, frame.height, frame.colors
    plot_width, plot_height = width - LABEL, height - 2
    if not state.series.keys() & {"loss", "valid_loss"} or plot_width < 8 or plot_height < 3:
        due = state.fit.train_batches if state.fit is not None else 0
        later = [f"the first validation is due at step {count(due)}"] if due else []
        texts = ["the training loss is drawn from the first batch on", *later]
        return message(texts if plot_height >= 3 else ["too low"], frame)
    total = state.progress.epochs * state.progress.halves["train"]
    x = chart.step_axis(max(state.step, 1), total, max(plot_width // COLUMNS_PER_TICK, 2))
    smoothing = sum(x.high > limit for limit in SMOOTHING)
    train = _columns(state, "loss", x, plot_width, smoothing)
    valid = _columns(state, "valid_loss", x, plot_width)
    y = _y_axis(train, valid, max(plot_height // ROWS_PER_TICK, 2), log)
    grid = Grid(width, height)
    if y is not None:
        _draw_axes(grid, x, y, colors)
        if valid is not None and len(valid.at) <= plot_width // 4:
            _draw_points(grid, valid, (x, y), colors, log)
        chart.lines(grid, (LABEL, plot_width, plot_height), x, y, _curves(train, valid, colors, log))
        if train is not None:
            _draw_raw(grid, train, (x, y), colors, log)
    else:
        _draw_axes(grid, x, Axis(0.0, 1.0, ()), colors)
        grid.put(
            LABEL + 2, plot_height // 2, "nothing above 0 to draw on a log axis" if log else "", style(colors.muted)
        )
    for columns in (train, valid):
        _draw_broken(grid, columns, x, colors)
    _draw_legend(grid, state, colors)
    _draw_marks(grid, state, x, colors)
    return grid.strips()


def _columns(state: RunState, name: str, x: Axis, width: int, smoothing: int = 0) -> Columns | None:
    series = state.series.get(name)
    return series.columns(x.low, x.high, width, smoothing) if series is not None and series.used else None


def _usable(value: float, log: bool) -> bool:
    return math.isfinite(value) and (not log or value > TINY) and abs(value) < HUGE


def _y_axis(train: Columns | None, valid: Columns | None, parts: int, log: bool) -> Axis | None:
    """An axis that holds every finite value; None if there is none to draw."""
    values = [float(v) for c in (train, valid) if c is not None for a in (c.low, c.high) for v in a]
    values = [v for v in values if _usable(v, log)]
    if not values:
        return None
    return (chart.log_axis if log else chart.linear_axis)(min(values), max(values), parts)


def _runs(steps: Sequence[float], values: Sequence[float], log: bool) -> Iterator[tuple[list[float], list[float]]]:
    """Stretches of neighbours that can be drawn; the rest is a gap."""
    xs: list[float] = []
    ys: list[float] = []
    for step, value in zip(steps, values, strict=True):
        if _usable(value, log):
            xs.append(step)
            ys.append(math.log10(value) if log else value)
        elif xs:
            yield xs, ys
            xs, ys = [], []
    if xs:
        yield xs, ys


def _curves(train: Columns | None, valid: Columns | None, colors: Palette, log: bool) -> list[Curve]:
    """Validation and smoothed lines; at most one point of each for each column of cells."""
    curves: list[Curve] = []
    if valid is not None:
        curves += [(xs, ys, colors.valid) for xs, ys in _runs(valid.at.tolist(), valid.last.tolist(), log)]
    if train is not None:
        smooth = _runs(train.at.tolist(), train.smooth.tolist(), log)
        curves += [(xs, ys, colors.train) for xs, ys in smooth]
    return curves


def _draw_axes(grid: Grid, x: Axis, y: Axis, colors: Palette) -> None:
    width, height = grid.width - LABEL, grid.height - 2
    rule, text = style(colors.border), style(colors.muted)
    for row in range(height):
        grid.put(LABEL - 1, row, "│", rule)
    for value, label in y.ticks:
        row = height - 1 - y.cell(value, height, 4)
        grid.put(0, row, fit(cut(label, LABEL - 2), LABEL - 1, ">"), text)
        grid.put(LABEL - 1, row, "┤", rule)
    grid.put(LABEL - 1, height, "└" + "─" * width, rule)
    grid.put(0, height + 1, fit("step", LABEL - 2, ">"), style(colors.faint))
    end = LABEL - 1
    for value, label in x.ticks:
        column = LABEL + x.cell(value, width, 2)
        start = min(max(column - len(label) // 2, end), grid.width - len(label))
        grid.put(column, height, "┬", rule)
        if start >= end:
            grid.put(start, height + 1, label, text)
            end = start + len(label) + 1


def _draw_raw(grid: Grid, train: Columns, axes: tuple[Axis, Axis], colors: Palette, log: bool) -> None:
    """What the raw values span in each column, behind the lines; ends that cannot be drawn lie at the axis's end."""
    import numpy as np  # not before the first value

    from tui.panes.band import band

    y = axes[1]
    ends = []
    usable = np.zeros(len(train.at), bool)
    for values, edge in ((train.low, y.low), (train.high, y.high)):
        good = np.isfinite(values) & (np.abs(values) < HUGE) & ((values > TINY) | (not log))
        tame = np.where(good, values, 1.0)
        ends.append(np.where(good, np.log10(tame) if log else tame, edge))
        usable |= good
    low, high = (np.where(usable, end, np.nan) for end in ends)
    place = (LABEL, grid.width - LABEL, grid.height - 2)
    band(grid, place, axes, train.at, low, high, style(colors.train_faint))


def _draw_points(grid: Grid, valid: Columns, axes: tuple[Axis, Axis], colors: Palette, log: bool) -> None:
    """A dot for each validation, at the step where it was measured."""
    x, y = axes
    width, height = grid.width - LABEL, grid.height - 2
    for step, value in zip(valid.at.tolist(), valid.last.tolist(), strict=True):
        if _usable(value, log):
            row = height - 1 - y.cell(math.log10(value) if log else value, height, 4)
            grid.put(LABEL + x.cell(step, width, 2), row, "●", style(colors.valid))


def _draw_broken(grid: Grid, columns: Columns | None, x: Axis, colors: Palette) -> None:
    """A red × below every column that holds a NaN or an infinity."""
    if columns is None:
        return
    for step, bad in zip(columns.at.tolist(), columns.bad.tolist(), strict=True):
        if bad:
            place = LABEL + x.cell(step, grid.width - LABEL, 2)
            grid.put(place, grid.height - 3, "×", style(colors.wrong, bold=True))


def _draw_legend(grid: Grid, state: RunState, colors: Palette) -> None:
    """Names and newest values at the top right, where a falling loss leaves room; and what is broken."""
    entries = []
    for name, word, sign, color in (("loss", "train", "━", colors.train), ("valid_loss", "valid", "●", colors.valid)):
        series = state.series.get(name)
        if series is not None and series.used:
            value = float(series.last[series.used - 1])
            entries.append((f"{sign} {word}", fit(metric(value), 8, ">"), color))
    for row, (word, shown, color) in enumerate(entries):
        start = grid.width - len(word) - 9
        grid.put(start - 1, row, " ", style(color))
        grid.put(start, row, word, style(color))
        grid.put(start + len(word), row, f" {shown}", style(colors.foreground))
    row = len(entries)
    for name, where in (("loss", ""), ("valid_loss", " in validation")):
        series = state.series.get(name)
        broken, first = series.nonfinite if series is not None else (0, 0)
        if broken:
            text = f"× {count(broken)} NaN or inf{where}, first at step {count(first)}"
            grid.put(max(grid.width - len(text), LABEL), row, text, style(colors.wrong, bold=True))
            row += 1


def _draw_marks(grid: Grid, state: RunState, x: Axis, colors: Palette) -> None:
    """Thin lines where something happened, with a word if there is room for it."""
    width, height = grid.width - LABEL, grid.height - 2
    last = -100
    for mark in state.marks:
        if not x.low <= mark.step <= x.high:
            continue
        column = LABEL + x.cell(mark.step, width, 2)
        look = style(colors.waiting if mark.kind == "pause" else colors.faint)
        for row in range(height):
            grid.put(column, row, "┊", look, only_blank=True)
        if column - last > 2:
            text = f"{SIGNS[mark.kind]} {mark.text}" if mark.kind != "pause" else SIGNS[mark.kind]
            row = height - 2
            free = grid.is_blank(column + 1, row, len(text) + 1) and column + len(text) + 1 < grid.width
            grid.put(column + 1, row, text if free else "", style(colors.muted))
            last = column
