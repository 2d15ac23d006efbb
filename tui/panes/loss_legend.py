"""Words in the chart's top right corner: names and newest values, what is broken, what is hidden."""

from __future__ import annotations

from tui.colors import style
from tui.panes.loss_plot import LABEL, Plot
from tui.text import count, fit, metric

__all__ = ["draw_legend", "draw_notes"]


def draw_legend(plot: Plot) -> int:
    """Names and newest values at the top right, where a falling loss leaves room; returns the rows that it takes."""
    grid, colors, choice = plot.grid, plot.colors, plot.choice
    row = 0
    first = "○" if choice.kind == "epochs" else "━"
    both = ((choice.train, f"{first} train", colors.train), (choice.valid, "● valid", colors.valid))
    for series, sign, color in both:
        if series is not None and series.used:
            word = "━ rate" if choice.name == "learning rate" else sign
            start = grid.width - len(word) - 9
            grid.put(start - 1, row, " ", style(color))
            grid.put(start, row, word, style(color))
            shown = fit(metric(float(series.last[series.used - 1])), 8, ">")
            grid.put(start + len(word), row, f" {shown}", style(colors.foreground))
            row += 1
    return row


def draw_notes(plot: Plot, row: int) -> int:
    """At the right, from `row` on: what is broken, what is hidden; returns the first row below."""
    grid, colors, choice = plot.grid, plot.colors, plot.choice
    notes = []
    for series, where in ((choice.train, ""), (choice.valid, " in validation")):
        broken, step = series.nonfinite if series is not None else (0, 0)
        if broken:
            notes.append((f"× {count(broken)} NaN or inf{where}, first at step {count(step)}", colors.wrong, True))
    if plot.view.trimmed:
        notes.append((_hidden(plot), colors.muted, False))
    for i, (text, color, bold) in enumerate(notes, row):
        grid.put(max(grid.width - len(text) - 1, LABEL), i, f" {text}", style(color, bold=bold))
    return row + len(notes)


def _hidden(plot: Plot) -> str:
    """How many values of the window are left out."""
    columns = [c for c in (plot.train, plot.valid) if c is not None]
    n = sum(c.hidden for c in columns)
    least = "" if all(c.exact for c in columns) else "at least "
    return f"{least}{count(n)} outlier{'s' * (n != 1)} hidden"
