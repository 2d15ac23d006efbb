"""The metrics table: a row for each half epoch, the running one live, the best value of each column marked."""

from __future__ import annotations

from typing import ClassVar

from rich.style import Style
from textual.strip import Strip

from tui.colors import Palette, style
from tui.panes.base import ScrollPane
from tui.panes.lines import Part, blank, ends, line, message, pad
from tui.state.rows import Row
from tui.state.run import RunState, Section
from tui.state.summary import best_line
from tui.text import count, cut, duration, fit, metric

__all__ = ["MetricsPane", "table"]

EPOCH, PHASE, VALUE, IMAGES, TIME, NOTE = 5, 7, 9, 9, 8, 20
"""Widths of the columns, the space before each included."""


class MetricsPane(ScrollPane):
    """Keeps the newest row in view unless it was scrolled."""

    sections: ClassVar[tuple[Section, ...]] = ("metrics",)
    every: ClassVar[float] = 0.5
    key: ClassVar[str] = "2"

    def heading(self, state: RunState) -> str:
        """The title."""
        hidden = len(state.rows.names) - len(_columns(state.rows.names, self.content_size.width)[0])
        return "metrics" + (f" ─ {hidden} more when wider" if hidden else "")

    def draw(self, state: RunState, width: int, height: int) -> list[Strip]:
        """The table."""
        room = max(height - 2, 1)
        self.offset_rows = min(max(self.offset_rows, -max(len(state.rows) - room, 0)), 0)
        return table(state, width, height, self.look, self.offset_rows)


def _columns(names: list[str], width: int) -> tuple[list[str], bool, bool]:
    """Metric columns that fit, whether images and time fit too, and whether notes have a column of their own."""
    room = width - EPOCH - PHASE
    fits = max(room // VALUE, 1)
    shown = names[:fits]
    room -= len(shown) * VALUE
    extra = room >= IMAGES + TIME
    return shown, extra, extra and room >= IMAGES + TIME + NOTE


def table(state: RunState, width: int, height: int, colors: Palette, offset: int = 0) -> list[Strip]:
    """Head, rows and the best value; `offset` rows up from the newest."""
    if not len(state.rows):
        first = "the first row comes with the first epoch: one for training, one for validation"
        return message([first], width, height, colors)
    names, extra, notes = _columns(state.rows.names, width)
    muted = style(colors.muted)
    head: list[Part] = [(fit("epoch", EPOCH, ">"), muted), (" " * PHASE, muted)]
    head += [(fit(cut(name, VALUE - 1), VALUE - 1, ">") + " ", muted) for name in names]
    if extra:
        head += [(fit("images", IMAGES - 1, ">"), muted), (fit("time", TIME, ">"), muted)]
    rows, room = list(state.rows), max(height - 2, 1)
    end = len(rows) + offset
    body = [_row(state, rows, i, names, extra, notes, width, colors) for i in range(max(end - room, 0), end)]
    lines = pad([line(head, width), *body], width, height - 1)
    best = best_line(state)
    return [*lines, line([(" * " + best if best else "", muted)], width) if height > 2 else blank(width)]


def _row(
    state: RunState, rows: list[Row], i: int, names: list[str], extra: bool, notes: bool, width: int, colors: Palette
) -> Strip:
    row = rows[i]
    running = row.ended == "running"
    first = i == 0 or rows[i - 1].epoch != row.epoch
    text = style(colors.foreground)
    epoch = str(row.epoch + 1) if first else ""
    parts: list[Part] = [
        (fit(epoch, EPOCH, ">"), style(colors.muted)),
        ("  " + fit(row.phase, PHASE - 2), style(colors.train if row.phase == "train" else colors.valid)),
    ]
    for name in names:
        value = row.metrics.get(name)
        best = state.rows.best.get((name, row.phase))
        is_best = best is not None and best.epoch == row.epoch and not running and row.phase == "valid"
        shown = "-" if value is None else metric(value)
        broken = shown in ("NaN", "inf", "-inf")
        color = style(colors.wrong, bold=True) if broken else style(colors.foreground, bold=is_best)
        parts.append((fit(shown, VALUE - 1, ">") + ("*" if is_best else " "), color))
    note: Part = (row.note, style(colors.wrong if row.ended == "failed" else colors.waiting))
    if row.note and not notes:
        return ends(parts, [note, (" " * (width - _used(names, extra)), Style.null())], width, gap=0)
    if extra:
        took = f"{row.seconds:.1f}s" if row.seconds < 60 else duration(row.seconds)
        parts += [(fit(count(row.samples), IMAGES - 1, ">"), text), (fit(took, TIME, ">"), text)]
    if notes:
        live: Part = (f"{row.batches}/{row.of}", style(colors.muted)) if running else note
        parts += [("   ", text), live]
    return line(parts, width)


def _used(names: list[str], extra: bool) -> int:
    return EPOCH + PHASE + VALUE * len(names) + ((IMAGES - 1 + TIME) if extra else 0)
