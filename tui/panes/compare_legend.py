"""The legend of a comparison: what each letter stands for, its newest and its best value, or those at the crosshair."""

from __future__ import annotations

import math
from typing import TypeAlias

from rich.style import Style

from tui.colors import style
from tui.compare_runs import Compared
from tui.panes.chart import Grid
from tui.panes.compare_view import Comparison, color_of, curve_of
from tui.panes.loss_plot import Plot
from tui.panes.loss_view import RAW, Choice
from tui.state.rows import smaller_is_better
from tui.text import count, cut, duration, fit, metric

__all__ = ["draw_legend", "values"]

Row: TypeAlias = list[tuple[str, Style]]
STAYS = 20
"""Drawn cells that the legend must hide more where it is than elsewhere before it moves."""
VALUE = 8


def values(comparison: Comparison, run: Compared) -> tuple[str, str]:
    """A run's newest value (or that at the crosshair), and its best one; empty where there is none."""
    state, choice = run.state, curve_of(run.state, comparison.name)
    if choice is None or choice.train is None:
        return "", ""
    step: float = choice.train.end
    if comparison.cross is not None:
        if not state.clock.knows(comparison.unit):
            return "", ""
        if comparison.cross > state.clock.one(comparison.unit, max(state.step, 1)) * 1.000001:
            return ("ended" if state.over else "not yet"), ""
        step = state.clock.step(comparison.unit, comparison.cross)
    known = choice.train.read(round(step), max(comparison.strength, 0))
    if known is None:
        return "-", ""
    smooth = choice.kind == "steps" and comparison.strength != RAW and math.isfinite(known.smooth)
    word = f"{known.value:.4g}" if choice.kind == "held" else metric(known.smooth if smooth else known.value)
    return word, _best(comparison, choice)


def _best(comparison: Comparison, choice: Choice) -> str:
    """The best value of a curve of values of epochs; of others none is better."""
    series = choice.train
    if choice.kind != "epochs" or series is None or comparison.cross is not None:
        return ""
    low, high = float(series.low.min()), float(series.high.max())
    best = low if smaller_is_better(choice.name) else high
    return metric(best) if math.isfinite(best) else ""


def draw_legend(comparison: Comparison, plot: Plot) -> None:
    """Where it hides least of what is drawn, and where it was if that is nearly as good."""
    left, width, height = plot.place
    rows = _rows(comparison, plot)
    wide = max(sum(len(text) for text, _ in row) for row in rows)
    if wide > width - 4 or len(rows) > max(height - 4, height // 2):
        rows = _short_rows(comparison, plot)
        wide = max(sum(len(text) for text, _ in row) for row in rows)
    right, low = left + width - wide, height - len(rows)
    corners = [(right, 0), (left + 1, 0), (right, low - 1), (left + 1, low - 1)]
    hidden = [_hidden(plot.grid, start, row, wide, len(rows)) for start, row in corners]
    now = min(comparison.corner, len(corners) - 1)
    least = min(range(len(corners)), key=lambda i: hidden[i])
    comparison.corner = least if hidden[now] > hidden[least] + STAYS else now
    start, first = corners[comparison.corner]
    for i, row in enumerate(rows):
        column = start
        plot.grid.put(column, first + i, " " * wide, Style.null())
        for text, look in row:
            plot.grid.put(column, first + i, text, look)
            column += len(text)


def _short_rows(comparison: Comparison, plot: Plot) -> list[Row]:
    """Letters and values side by side; only the letters where there is no room for that."""
    _, width, height = plot.place
    at = [[(f" at {_place(comparison)}", style(plot.colors.focus, bold=True))]] if comparison.cross is not None else []
    entries: list[Row] = []
    for i, run in enumerate(comparison.runs):
        letter = (f" {run.letter}", style(color_of(i, plot.colors), bold=True))
        value = values(comparison, run)[0] or "-"
        entries.append([letter, (" " + fit(value, VALUE), style(plot.colors.foreground))])
    beside = min(4, (width - 4) // (VALUE + 3))
    rows = [[part for entry in entries[i : i + beside] for part in entry] for i in range(0, len(entries), beside or 1)]
    if not beside or len(rows) > height // 3:
        rows = [[entry[0] for entry in entries]]
    return [*at, *rows]


def _hidden(grid: Grid, start: int, row: int, wide: int, tall: int) -> int:
    lines = grid.chars[max(row, 0) : row + tall]
    return sum(c != " " for chars in lines for c in chars[start : start + wide])


def _rows(comparison: Comparison, plot: Plot) -> list[Row]:
    """One row for each run; above them where the crosshair stands."""
    colors = plot.colors
    told = [values(comparison, run) for run in comparison.runs]
    name = min(max(len(run.name) for run in comparison.runs), 22 if plot.place[1] > 70 else 14)
    best = any(b for _, b in told)
    rows: list[Row] = []
    if comparison.cross is not None:
        rows.append([(f" at {_place(comparison)}", style(colors.focus, bold=True))])
    for i, (run, (value, top)) in enumerate(zip(comparison.runs, told, strict=True)):
        own = style(color_of(i, colors), bold=True)
        row: Row = [(f" {run.letter} ━ ", own), (fit(_one_cell(cut(run.name, name)), name), style(colors.muted))]
        row.append((" " + fit(value or "-", VALUE, ">"), style(colors.foreground)))
        if best:
            row.append(("  best " + fit(top or "-", VALUE, ">"), style(colors.muted)))
        row += _broken(run, comparison, colors.wrong)
        rows.append(row)
    return rows


def _broken(run: Compared, comparison: Comparison, wrong: str) -> Row:
    choice = curve_of(run.state, comparison.name)
    broken, step = choice.train.nonfinite if choice is not None and choice.train is not None else (0, 0)
    return [(f"  × at {count(step)}", style(wrong, bold=True))] if broken else []


def _place(comparison: Comparison) -> str:
    at = comparison.cross or 0.0
    if comparison.unit == "time":
        return duration(at)
    return f"step {count(round(at))}" if comparison.unit == "steps" else f"epoch {at:.2f}"


def _one_cell(text: str) -> str:
    """Text of characters that take one cell each, as the grid needs them."""
    from rich.cells import cell_len

    return "".join(c if cell_len(c) == 1 else "?" for c in text)
