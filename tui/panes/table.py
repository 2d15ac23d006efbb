"""The metrics table as lines: which columns fit, the best of each marked, the cell under the cursor, and a copy."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import accumulate

from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip

from tui.colors import Palette, style
from tui.panes.lines import Frame, Part, blank, length, line, message, pad
from tui.state.rows import Row, Sort
from tui.state.run import RunState
from tui.state.summary import best_line
from tui.text import count, cut, duration, fit, metric

__all__ = ["Columns", "View", "cells", "column_at", "fitting", "heads", "table"]

EPOCH, PHASE, IMAGES, TIME, NOTE = 5, 10, 9, 8, 20
"""Widths of the columns, the space before each included."""
SIGNS = {"running": "▸", "skipped": "»", "stopped": "■", "failed": "×"}
"""What stands beside the numbers of a half that is not, or not yet, whole."""
VALUES = (10, 9)
"""Widths of a metric's column: the wide one where everything fits with it."""


@dataclass(frozen=True)
class View:
    """How the table is looked at."""

    sort: Sort = field(default_factory=Sort)
    top: int | None = None
    """The first row that is seen; None: the newest rows, or the first in the order."""
    first: int = 0
    """The first metric that is seen."""
    cursor: tuple[Row, str] | None = None
    """Row and column (see `Sort`) of the cell under the cursor."""

    def start(self, rows: int, room: int) -> int:
        """The first of `rows` rows that is seen where there is room for `room`."""
        last = max(rows - room, 0)
        return (last if self.sort.is_plain else 0) if self.top is None else max(min(self.top, last), 0)


@dataclass(frozen=True)
class Columns:
    """What fits: metrics, images and time, and a column of notes."""

    names: list[str]
    value: int
    extra: bool
    notes: bool

    @property
    def used(self) -> int:
        """Cells of all but the notes."""
        return EPOCH + PHASE + self.value * len(self.names) + ((IMAGES - 1 + TIME) if self.extra else 0)


def fitting(names: list[str], width: int, first: int = 0) -> Columns:
    """The columns that fit into `width`, metrics from number `first` on."""
    names = names[min(first, max(len(names) - 1, 0)) :]
    room = width - EPOCH - PHASE
    value = next((v for v in VALUES if room >= v * len(names) + IMAGES + TIME - 1), VALUES[-1])
    shown = names[: max(room // value, 1)]
    room -= len(shown) * value
    extra = room >= IMAGES + TIME - 1
    return Columns(shown, value, extra, extra and room >= IMAGES + TIME + NOTE)


def table(state: RunState, frame: Frame, view: View | None = None) -> list[Strip]:
    """Head, rows, and a last line: the cell under the cursor, else the best value."""
    view = view or View()
    if not len(state.rows):
        first = "the first row comes with the first epoch: one for training, one for validation"
        return message([first], frame)
    width, height = frame.width, frame.height
    columns = fitting(state.rows.names, width, view.first)
    rows, room = view.sort(state.rows), max(height - 2, 1)
    start = view.start(len(rows), room)
    body = [_row(state, rows, i, columns, frame, view) for i in range(start, min(start + room, len(rows)))]
    lines = pad([_head(columns, frame, view.sort), *body], width, height - 1)
    seen = rows[start : start + room]
    return [*lines, _last(state, seen, frame, view) if height > 2 else blank(width)]


def _head(columns: Columns, frame: Frame, sort: Sort) -> Strip:
    """Names, the one that the rows are sorted by with a sign for the direction."""
    muted, chosen = style(frame.colors.muted), style(frame.colors.focus, bold=True)
    wide = columns.value - 1
    head: list[tuple[str, str, int]] = [("epoch", "epoch", EPOCH)]
    head += [("=" + name, short, wide) for name, short in zip(columns.names, heads(columns.names, wide), strict=True)]
    if columns.extra:
        head += [("images", "images", IMAGES - 1), ("time", "time", TIME - 1)]
    parts: list[Part] = []
    for column, name, cells_ in head:
        on = column == sort.column and not sort.is_plain
        parts += [(fit(name, cells_, ">"), chosen if on else muted)]
        parts += [(("▴" if sort.upward else "▾") if on else " ", chosen)]
        parts += [(" " * (PHASE - 1), muted)] if column == "epoch" else []
    return line(parts, frame.width)


def _row(state: RunState, rows: list[Row], i: int, columns: Columns, frame: Frame, view: View) -> Strip:
    row, width, colors = rows[i], frame.width, frame.colors
    text, muted = style(colors.foreground), style(colors.muted)
    first = not view.sort.is_plain or i == 0 or rows[i - 1].epoch != row.epoch
    at = view.cursor[1] if view.cursor is not None and view.cursor[0] is row else ""

    def look(column: str, plain: Style) -> Style:
        return plain + Style(reverse=True) if column == at else plain

    number = str(row.epoch + 1) if first or at == "epoch" else ""
    parts: list[Part] = [(fit(number, EPOCH, ">"), look("epoch", muted))]
    own = colors.train if row.phase == "train" else colors.valid
    parts += [("  " + fit(row.phase, PHASE - 4), style(own))]
    parts += [(_sign(row) + " ", style({"running": own, "failed": colors.wrong}.get(row.ended, colors.waiting)))]
    for name in columns.names:
        shown, plain = _value(state, row, name, columns.value, colors)
        parts += [(shown, look("=" + name, plain))]
    note: Part = (row.note, style(colors.wrong if row.ended == "failed" else colors.waiting))
    if row.note and not columns.notes:
        base = length(parts)
        text_of = next((t for t in _notes(row) if cell_len(t) <= width - base), "")  # no half of it
        return line([*parts, (fit(text_of, max(columns.used - base, len(text_of)), ">"), note[1])], width)
    if columns.extra:
        took = f"{row.seconds:.1f}s" if row.seconds < 60 else duration(row.seconds)
        seen, took = ("-", "-") if row.off else (count(row.samples), took)
        parts += [(fit(seen, IMAGES - 1, ">"), look("images", text))]
        parts += [(fit(took, TIME, ">"), look("time", text))]
    if columns.notes:
        parts += [("   ", text), (f"{row.batches}/{row.of}", muted) if row.ended == "running" else note]
    return line(parts, width)


def _notes(row: Row) -> list[str]:
    """What is not as usual about a row, in ever fewer words."""
    batches = [f"{row.skipped} skipped"] if row.ended == "complete" and row.skipped else []
    return [row.note, *batches, _kind(row)]


def _kind(row: Row) -> str:
    """What kind of row it is, in a word: one of `SIGNS`; empty for a whole one."""
    if row.off or (row.ended == "complete" and not row.skipped):
        return ""
    return "skipped" if row.ended == "complete" else row.ended


def _sign(row: Row) -> str:
    return SIGNS.get(_kind(row), " ")


def heads(names: list[str], width: int) -> list[str]:
    """The names in so many cells; those that would look the same keep their ends."""
    plain = [cut(name, width) for name in names]
    for end in range(3, width - 2):
        twice = {short for short in plain if plain.count(short) > 1}
        made = [
            cut(name, width - end) + name[-end:] if short in twice and name[-end:].isascii() else short
            for name, short in zip(names, plain, strict=True)
        ]
        if len(set(made)) == len(set(names)):
            return made
    return plain


def _value(state: RunState, row: Row, name: str, width: int, colors: Palette) -> Part:
    """A number, the best one of its column and half marked, a broken one in red."""
    value = row.metrics.get(name)
    best = state.rows.best.get((name, row.phase))
    marked = best is not None and best.epoch == row.epoch and row.ended == "complete"
    broken = value is not None and not math.isfinite(value)
    look = style(colors.wrong if broken else colors.foreground, bold=marked or broken)
    return fit("-" if value is None else metric(value), width - 1, ">") + ("*" if marked else " "), look


def _last(state: RunState, seen: list[Row], frame: Frame, view: View) -> Strip:
    muted = style(frame.colors.muted)
    if view.cursor is None:
        told = "* " + best if (best := best_line(state)) else ""
        for kind, sign in SIGNS.items():
            more = f"{'   ' if told else ''}{sign} {kind}"
            if any(_kind(row) == kind for row in seen) and cell_len(told + more) <= frame.width:
                told += more
        return line([(cut(told, frame.width), muted)], frame.width)
    row, column = view.cursor
    value, name = row.value(column), column.removeprefix("=")
    what = f"epoch {row.epoch + 1} {row.phase}" + ("" if column == "epoch" else f" {name} {_exact(value) or '-'}")
    top = state.rows.best.get((name, row.phase)) if column.startswith("=") else None
    beside = f" · best {metric(top.value)} at epoch {top.epoch + 1}" if top is not None else ""
    state_of = f" · {row.note}" if row.note else " · running" if row.ended == "running" else ""
    room = max(frame.width - cell_len(what), 0)
    told = next((t for t in (beside + state_of, state_of or beside) if cell_len(t) <= room), "")  # none half said
    return line([(cut(what, frame.width), style(frame.colors.foreground)), (told, muted)], frame.width)


def _exact(value: float | None) -> str:
    """All digits that are known."""
    return "" if value is None else f"{value:.10g}" if math.isfinite(value) else metric(value)


def cells(state: RunState, sort: Sort) -> list[list[str]]:
    """The whole table, every column, with all digits: a head and a row for each half epoch, in the order shown."""
    names = state.rows.names
    head = ["epoch", "half", *names, "images", "seconds", "batches", "of", "state"]
    rows = [
        [
            str(row.epoch + 1), row.phase, *(_exact(row.metrics.get(name)) for name in names), str(row.samples),
            _exact(row.seconds), str(row.batches), str(row.of), row.note or row.ended,
        ]
        for row in sort(state.rows)
    ]  # fmt: skip
    return [head, *rows]


def column_at(columns: Columns, x: int) -> str:
    """The column that has cell `x` of a line; "" if none has."""
    wide = [EPOCH, PHASE, *[columns.value] * len(columns.names), *([IMAGES - 1, TIME] if columns.extra else [])]
    names = ["epoch", "", *("=" + name for name in columns.names), *(["images", "time"] if columns.extra else [])]
    return next((name for name, end in zip(names, accumulate(wide), strict=True) if x < end), "")
