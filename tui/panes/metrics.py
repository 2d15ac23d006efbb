"""The metrics table: a row for each half epoch, the running one live, the best value of each column marked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from textual.strip import Strip

from tui.colors import Palette, style
from tui.panes.base import ScrollPane
from tui.panes.lines import Frame, Part, blank, length, line, message, pad
from tui.state.rows import Row
from tui.state.run import RunState, Section
from tui.state.summary import best_line
from tui.text import count, cut, duration, fit, metric

__all__ = ["MetricsPane", "table"]

EPOCH, PHASE, IMAGES, TIME, NOTE = 5, 7, 9, 8, 20
"""Widths of the columns, the space before each included."""
VALUES = (10, 9)
"""Widths of a metric's column: the wide one where everything fits with it."""


class MetricsPane(ScrollPane):
    """Keeps the newest row in view unless it was scrolled."""

    sections: ClassVar[tuple[Section, ...]] = ("metrics",)
    every: ClassVar[float] = 0.5
    key: ClassVar[str] = "2"

    def heading(self, state: RunState) -> str:
        """The title."""
        hidden = len(state.rows.names) - len(_columns(state.rows.names, self.content_size.width).names)
        return "metrics" + (f" ─ {hidden} more when wider" if hidden else "")

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """The table."""
        room = max(frame.height - 2, 1)
        self.offset_rows = min(max(self.offset_rows, -max(len(state.rows) - room, 0)), 0)
        return table(state, frame, self.offset_rows)


@dataclass(frozen=True)
class _Columns:
    """What fits: metrics, images and time, and a column of notes."""

    names: list[str]
    value: int
    extra: bool
    notes: bool

    @property
    def used(self) -> int:
        """Cells of all but the notes."""
        return EPOCH + PHASE + self.value * len(self.names) + ((IMAGES - 1 + TIME) if self.extra else 0)


def _columns(names: list[str], width: int) -> _Columns:
    room = width - EPOCH - PHASE
    value = next((v for v in VALUES if room >= v * len(names) + IMAGES + TIME - 1), VALUES[-1])
    shown = names[: max(room // value, 1)]
    room -= len(shown) * value
    extra = room >= IMAGES + TIME - 1
    return _Columns(shown, value, extra, extra and room >= IMAGES + TIME + NOTE)


def table(state: RunState, frame: Frame, offset: int = 0) -> list[Strip]:
    """Head, rows and the best value; `offset` rows up from the newest."""
    if not len(state.rows):
        first = "the first row comes with the first epoch: one for training, one for validation"
        return message([first], frame)
    width, height, colors = frame.width, frame.height, frame.colors
    columns = _columns(state.rows.names, width)
    muted = style(colors.muted)
    head: list[Part] = [(fit("epoch", EPOCH, ">"), muted), (" " * PHASE, muted)]
    head += [(fit(name, columns.value - 1, ">") + " ", muted) for name in columns.names]
    if columns.extra:
        head += [(fit("images", IMAGES - 1, ">"), muted), (fit("time", TIME, ">"), muted)]
    rows, room = list(state.rows), max(height - 2, 1)
    end = len(rows) + offset
    body = [_row(state, rows, i, columns, frame) for i in range(max(end - room, 0), end)]
    lines = pad([line(head, width), *body], width, height - 1)
    best = best_line(state)
    return [*lines, line([("* " + best if best else "", muted)], width) if height > 2 else blank(width)]


def _row(state: RunState, rows: list[Row], i: int, columns: _Columns, frame: Frame) -> Strip:
    row, width, colors = rows[i], frame.width, frame.colors
    running, text = row.ended == "running", style(colors.foreground)
    first = i == 0 or rows[i - 1].epoch != row.epoch
    parts: list[Part] = [
        (fit(str(row.epoch + 1) if first else "", EPOCH, ">"), style(colors.muted)),
        ("  " + fit(row.phase, PHASE - 2), style(colors.train if row.phase == "train" else colors.valid)),
    ]
    parts += [_value(state, row, name, columns.value, colors) for name in columns.names]
    note: Part = (row.note, style(colors.wrong if row.ended == "failed" else colors.waiting))
    if row.note and not columns.notes:
        base = length(parts)
        text_of = cut(row.note, max(width - base - 1, 0))
        return line([*parts, (fit(text_of, max(columns.used - base, len(text_of) + 1), ">"), note[1])], width)
    if columns.extra:
        took = f"{row.seconds:.1f}s" if row.seconds < 60 else duration(row.seconds)
        parts += [(fit(count(row.samples), IMAGES - 1, ">"), text), (fit(took, TIME, ">"), text)]
    if columns.notes:
        live: Part = (f"{row.batches}/{row.of}", style(colors.muted)) if running else note
        parts += [("   ", text), live]
    return line(parts, width)


def _value(state: RunState, row: Row, name: str, width: int, colors: Palette) -> Part:
    """A number, the best one of its column marked, a broken one in red."""
    value = row.metrics.get(name)
    best = state.rows.best.get((name, row.phase))
    marked = best is not None and best.epoch == row.epoch and row.phase == "valid" and row.ended == "complete"
    broken = value is not None and not math.isfinite(value)
    look = style(colors.wrong if broken else colors.foreground, bold=marked or broken)
    return fit("-" if value is None else metric(value), width - 1, ">") + ("*" if marked else " "), look
