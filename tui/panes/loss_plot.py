"""What the loss chart draws, as numbers: the curves reduced to columns, their axis, stretches without gaps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from tui.colors import Palette
from tui.panes import chart
from tui.panes.chart import Axis, Curve, Grid
from tui.panes.loss_view import RAW, Choice, View
from tui.state.clock import Unit
from tui.state.run import RunState

if TYPE_CHECKING:
    from tui.history import Columns, Series

__all__ = ["HUGE", "LABEL", "TINY", "Plot", "columns_of", "curves", "usable", "y_axis"]

LABEL = 7
"""Cells left of the plot: a label of 6 and the axis."""
TINY, HUGE = 1e-300, 1e300
"""Sizes from which a value is not drawn: on a log axis below the one, on any above the other."""


@dataclass(frozen=True)
class Plot:
    """What is drawn where."""

    grid: Grid
    state: RunState
    view: View
    choice: Choice
    colors: Palette
    x: Axis
    unit: Unit
    train: Columns | None
    valid: Columns | None

    @property
    def place(self) -> tuple[int, int, int]:
        """(left, width, height) of the plot, in cells."""
        return LABEL, self.grid.width - LABEL, self.grid.height - 2


def columns_of(
    state: RunState, series: Series | None, x: Axis, unit: Unit, width: int, smoothing: int, view: View
) -> Columns | None:
    """The part of a series that lies on the axis `x`, in at most `width` columns; None without any value."""
    if series is None or not series.used:
        return None
    from tui.history_columns import far_out  # numpy: there are values, so it is loaded

    place = None if unit == "steps" else partial(state.clock.to, unit)
    fences = partial(far_out, log=view.log) if view.trimmed else None
    return series.columns(x.low, x.high, width, smoothing, place, fences)


def usable(value: float, log: bool) -> bool:
    """Whether a value can be drawn."""
    return math.isfinite(value) and (not log or value > TINY) and abs(value) < HUGE


def y_axis(plot: Plot, parts: int) -> Axis | None:
    """An axis that holds every finite value; None if there is none to draw."""
    log = plot.view.log
    values = [float(v) for c in (plot.train, plot.valid) if c is not None for a in (c.low, c.high) for v in a]
    values = [v for v in values if usable(v, log)]
    if not values:
        return None
    return (chart.log_axis if log else chart.linear_axis)(min(values), max(values), parts)


def _runs(steps: Sequence[float], values: Sequence[float], log: bool) -> Iterator[tuple[list[float], list[float]]]:
    """Stretches of neighbours that can be drawn; the rest is a gap."""
    xs: list[float] = []
    ys: list[float] = []
    for step, value in zip(steps, values, strict=True):
        if usable(value, log):
            xs.append(step)
            ys.append(math.log10(value) if log else value)
        elif xs:
            yield xs, ys
            xs, ys = [], []
    if xs:
        yield xs, ys


def curves(plot: Plot) -> list[Curve]:
    """Validation and smoothed lines; at most two points of each for each column of cells."""
    found: list[Curve] = []
    log, colors = plot.view.log, plot.colors
    if plot.valid is not None:
        held = _runs(plot.valid.at.tolist(), plot.valid.last.tolist(), log)
        found += [(xs, ys, colors.valid) for xs, ys in held]
    if plot.train is not None:
        at, values = plot.train.at.tolist(), plot.train.smooth.tolist()
        if plot.choice.kind != "steps" or plot.view.strength(plot.state) == RAW:
            values = plot.train.last.tolist()
        if plot.choice.kind == "held":
            at, values = _stairs(plot, at, values)
        found += [(xs, ys, colors.train) for xs, ys in _runs(at, values, log)]
    return found


def _stairs(plot: Plot, at: list[float], values: list[float]) -> tuple[list[float], list[float]]:
    """Each value holds until the next, the last one until now; the value before the window reaches into it."""
    state, unit, x = plot.state, plot.unit, plot.x
    series = plot.choice.train
    assert series is not None
    before = series.read(int(state.clock.step(unit, x.low)))
    if before is not None:
        at, values = [x.low, *at], [before.value, *values]
    end = min(state.clock.one(unit, max(state.step, 1)), x.high)
    xs, ys = at[:1], values[:1]
    for here, value in zip(at[1:], values[1:], strict=True):
        xs += [here, here]
        ys += [ys[-1], value]
    if xs and end > xs[-1]:
        xs, ys = [*xs, end], [*ys, ys[-1]]
    return xs, ys
