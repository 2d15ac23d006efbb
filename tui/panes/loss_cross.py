"""The crosshair: an upright line at one step, and what every curve says there, exactly or as its bucket's range."""

from __future__ import annotations

import math

from rich.style import Style

from tui.colors import Palette, style
from tui.panes.chart import Axis, Grid
from tui.panes.loss_view import RAW, Choice, View
from tui.state.run import RunState
from tui.text import count, cut, duration, metric

__all__ = ["draw_cross", "moved", "reading"]

Row = tuple[str, str, str]
"""Name, value, and the kind of row: "head", "train", "valid", "wrong" or "more"."""


def reading(state: RunState, view: View) -> list[Row]:
    """What is known at the crosshair: the step, its epoch and time, the values of the curves, the learning rate."""
    step = min(view.cross or 0, state.step)
    choice = view.choice(state)
    rows: list[Row] = [("step", _steps(choice, step), "head")]
    if epoch := _epoch(state, step):
        rows.append(("epoch", epoch, "more"))
    if state.clock.knows("time"):
        rows.append(("time", duration(state.clock.one("time", step)), "more"))
    smoothing = max(view.strength(state), 0)
    if choice.train is not None and choice.name != "learning rate":
        rows += _values("train", choice, step, smoothing)
    if view.strength(state) == RAW:
        rows = [row for row in rows if row[0] != "smooth"]
    if choice.valid is not None:
        rows += _values("valid", choice, step, 0)
    rate = state.series.get("lr")
    known = rate.read(step) if rate is not None and rate.used else None
    if known is not None:
        exact = known.exact or known.low == known.high
        words = f"{known.value:.4g}" if exact else f"{known.low:.3g} to {known.high:.3g}"
        rows.append(("lr", words, "train" if choice.name == "learning rate" else "more"))
    return rows


def _steps(choice: Choice, step: int) -> str:
    """The step, or the steps of the bucket that the values belong to."""
    known = choice.train.read(step) if choice.train is not None and choice.kind == "steps" else None
    if known is None or known.exact:
        return count(step)
    return f"{count(known.first)} to {count(known.last)}"


def _epoch(state: RunState, step: int) -> str:
    """The epoch, counted from 1 as in the header, and how much of it was done after the step."""
    if not state.clock.knows("epochs"):
        return ""
    done = state.clock.one("epochs", step)
    epoch = max(math.ceil(done - 1e-9), 1)
    of = f" of {state.progress.epochs}" if state.progress.epochs else ""
    return f"{epoch}{of}, {100 * (done - epoch + 1):.0f} %"


def _values(phase: str, choice: Choice, step: int, smoothing: int) -> list[Row]:
    """A curve's rows: the value or the range, the moving average, and what is not finite."""
    series = choice.train if phase == "train" else choice.valid
    known = series.read(step, smoothing) if series is not None and series.used else None
    if known is None:
        return [(phase, "none yet", "more")]
    if known.exact:
        words = metric(known.value)
        if known.last != step:
            words += f" at step {count(known.last)}"
    else:
        words = f"{metric(known.low)} to {metric(known.high)}" if not math.isnan(known.low) else "not finite"
        if phase == "valid" or choice.kind != "steps":
            words += f", steps {count(known.first)} to {count(known.last)}"
    rows: list[Row] = [(phase, words, "wrong" if known.exact and known.bad else phase)]
    if phase == "train" and choice.kind == "steps" and math.isfinite(known.smooth):
        rows.append(("smooth", metric(known.smooth), "train"))
    if known.bad and not known.exact:
        rows.append(("broken", f"{count(known.bad)} NaN or inf", "wrong"))
    return rows


def draw_cross(
    grid: Grid, state: RunState, view: View, place: tuple[int, int, int], x: Axis, colors: Palette
) -> tuple[int, int]:
    """The line, if the step is in the window, and the box beside it, where it hides less.

    Returns the rows that the box takes, and those that it takes at the right.
    """
    left, width, height = place
    at = state.clock.one(view.told(state), min(view.cross or 0, state.step))
    column = None
    if x.low <= at <= x.high:
        column = left + x.cell(at, width, 2)
        for row in range(height):
            grid.put(column, row, "│", style(colors.focus), only_blank=True)
    names = {"train": colors.train, "valid": colors.valid, "wrong": colors.wrong}
    rows = reading(state, view)[:height]
    wide = min(max(len(value) for _, value, _ in rows) + 9, width - 2)
    start = _side(grid, place, wide, len(rows), column)
    on_left = start == left + 1
    for row, (name, value, kind) in enumerate(rows):
        look: Style = style(names.get(kind, colors.muted))
        value_look = style(colors.wrong if kind == "wrong" else colors.foreground, bold=kind == "head")
        grid.put(start - (not on_left), row, " " * (wide + 1), look)
        grid.put(start, row, cut(f"{name:<7}", wide), look)
        grid.put(start + 8, row, cut(value, max(wide - 8, 0)), value_look)
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
