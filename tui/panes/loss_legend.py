"""Words at the chart's right end: names and newest values, what is broken, what is hidden."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tui.colors import style
from tui.panes.lines import Part, length
from tui.panes.loss_plot import LABEL, Plot
from tui.panes.loss_view import RAW
from tui.text import count, fit, metric

if TYPE_CHECKING:
    from tui.history import Series

__all__ = ["draw_legend", "draw_notes"]

MOST = 0.75
"""Share of the chart's width that a note may take; else it is said more shortly."""


def draw_legend(plot: Plot) -> int:
    """Names, newest values and notes in the upper right corner, where a falling loss leaves room; or in the lower one.

    Returns the rows that it takes at the top.
    """
    rows = [*_names(plot), *_notes(plot)]
    low = plot.place[2] - len(rows)
    if low > len(rows) and _covered(plot, rows, low) < _covered(plot, rows, 0):
        _draw(plot, rows, low)
        return 0
    _draw(plot, rows, 0)
    return len(rows)


def draw_notes(plot: Plot, row: int) -> int:
    """At the right, from `row` on: what is broken, what is hidden; returns the first row below."""
    rows = _notes(plot)
    _draw(plot, rows, row)
    return row + len(rows)


def _names(plot: Plot) -> list[list[Part]]:
    """A row for each curve."""
    colors, choice = plot.colors, plot.choice
    first = f"{'○' if choice.kind == 'epochs' else '━'} {choice.first}"
    both = ((choice.train, first, colors.train), (choice.valid, "● valid", colors.valid))
    rows: list[list[Part]] = []
    for series, word, color in both:
        if series is not None and series.used:
            shown = fit(metric(_newest(plot, series)), 8, ">")
            rows.append([(f" {word}", style(color)), (f" {shown}", style(colors.foreground))])
    return rows


def _newest(plot: Plot, series: Series) -> float:
    """The value at the end of the line that is drawn: of a smoothed one the smoothed value."""
    strength = plot.view.strength(plot.state)
    known = series.read(series.end, max(strength, 0))
    smooth = series is plot.choice.train and plot.choice.kind == "steps" and strength != RAW
    if known is None or (smooth and math.isfinite(known.value)):
        return math.nan if known is None else known.smooth
    return known.value


def _notes(plot: Plot) -> list[list[Part]]:
    """What is broken, what is hidden."""
    colors, choice = plot.colors, plot.choice
    notes = []
    for series, where in ((choice.train, ""), (choice.valid, " in validation")):
        broken, step = series.nonfinite if series is not None else (0, 0)
        if broken:
            text = f"× {count(broken)} NaN or inf{where}, first at step {count(step)}"
            if len(text) > MOST * plot.place[1]:
                text = f"× {'valid: ' if where else ''}{count(broken)} NaN or inf, first at {count(step)}"
            notes.append((text, colors.wrong, True))
    if plot.view.trimmed:
        notes.append((_hidden(plot), colors.muted, False))
    return [[(f" {text}", style(color, bold=bold))] for text, color, bold in notes]


def _hidden(plot: Plot) -> str:
    """How many values of the window are left out."""
    columns = [c for c in (plot.train, plot.valid) if c is not None]
    n = sum(c.hidden for c in columns)
    least = "" if all(c.exact for c in columns) else "at least "
    return f"{least}{count(n)} outlier{'s' * (n != 1)} hidden"


def _start(plot: Plot, row: list[Part]) -> int:
    return max(plot.grid.width - length(row), LABEL)


def _covered(plot: Plot, rows: list[list[Part]], top: int) -> int:
    """How much of what is drawn would lie below the rows."""
    return sum(
        char != " " for y, row in enumerate(rows, top) for char in plot.grid.chars[y][_start(plot, row) :]
    )  # fmt: skip


def _draw(plot: Plot, rows: list[list[Part]], top: int) -> None:
    for y, row in enumerate(rows, top):
        x = _start(plot, row)
        for text, look in row:
            plot.grid.words(x, y, text, look)
            x += len(text)
