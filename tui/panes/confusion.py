"""The confusion matrix of the last validation, the accuracy of each class, and what is mixed up most."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from textual.binding import Binding, BindingType
from textual.strip import Strip

from miniai.run.events import ConfusionMeasured
from tui.colors import Palette, style
from tui.panes.base import ScrollPane
from tui.panes.confusion_cells import Shades
from tui.panes.lines import Frame, Part, blank, length, line, message, pad
from tui.state.run import RunState, Section
from tui.text import clean, count, cut, fit, percent

__all__ = ["ConfusionPane", "confusion"]

CELL = (14, 12, 11, 10, 9, 8, 7, 6, 5)
"""Widths of a column of the matrix, the first that lets all columns be seen."""
TALL = 5
"""Lines of the tallest row of the matrix."""
RIGHT = 8
"""Width of the column of accuracies."""
LABEL = 16
"""Cells of the longest class name beside the matrix."""
APART = 4
"""Cells between the matrix and the list beside it."""
SIDE = 34
"""Cells of the list of mistakes where it stands beside the matrix."""


@dataclass
class View:
    """What the keys have chosen."""

    shares: bool = False
    """Per cent of each label instead of counts."""
    row: int = 0
    column: int = 0
    """First ones that are shown."""


class ConfusionPane(ScrollPane):
    """Arrows scroll; `%` goes from counts to per cent and back."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "scroll_columns(-1)", "left", show=False),
        Binding("right", "scroll_columns(1)", "right", show=False),
    ]
    sections: ClassVar[tuple[Section, ...]] = ("confusion",)
    every: ClassVar[float] = 1.0
    key: ClassVar[str] = "7"
    hints = (("shares", "counts, per cent"),)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.shares = False
        self.offset_columns = 0

    def heading(self, state: RunState) -> str:
        """The title."""
        fact = state.confusion.fact
        if fact is None or not fact.classes:
            return "confusion"
        part = "" if fact.complete else ", cut short"
        return f"confusion ─ validation of epoch {fact.epoch + 1}{part} ─ {'per cent' if self.shares else 'images'}"

    def action_scroll_columns(self, by: int) -> None:
        """Scroll by so many columns."""
        self.offset_columns += by
        self.redraw()

    def toggle_shares(self) -> None:
        """Counts or per cent."""
        self.shares = not self.shares
        self.redraw()

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """Matrix and lists, or what will come."""
        view = View(self.shares, self.offset_rows, self.offset_columns)
        lines = confusion(state, frame, view)
        self.offset_rows, self.offset_columns = view.row, view.column  # in range
        return lines


def confusion(state: RunState, frame: Frame, view: View | None = None) -> list[Strip]:
    """All lines; `view` is brought in range."""
    view = view or View()
    fact = state.confusion.fact
    if fact is None or not fact.classes:
        return message([_empty(state, fact)], frame)
    names = _names(state.classes, fact.classes)
    label = min(max(cell_len(n) for n in names), LABEL, max(frame.width // 4, 8)) + 1
    fits = frame.width >= label + RIGHT + 3 * CELL[-1] and frame.height >= 5
    if not fact.counts or not fits:
        return _classes(fact, names, frame, view)
    return _matrix(fact, names, label, frame, view)


def _empty(state: RunState, fact: ConfusionMeasured | None) -> str:
    if fact is not None:
        why = clean(fact.why, 200)
        return f"not a classification that can be counted: {why}" if why else "there is nothing to count"
    if state.over:
        return "this run has counted no validation"
    return "which class is taken for which: after the first validation"


def _names(known: list[str], classes: int) -> list[str]:
    return [known[i] if i < len(known) and known[i].strip() else str(i) for i in range(classes)]


def _heads(names: list[str], width: int) -> list[str]:
    """Names cut to `width` cells; those that would be alike are numbers."""
    short = [set_cell_size(name, width).strip() for name in names]
    times = Counter(short)
    return [name if times[name] == 1 and name else str(i) for i, name in enumerate(short)]


def _matrix(fact: ConfusionMeasured, names: list[str], label: int, frame: Frame, view: View) -> list[Strip]:
    n, width, height, colors = fact.classes, frame.width, frame.height, frame.colors
    side = width >= label + n * CELL[-1] + RIGHT + SIDE + 2
    room = width - label - RIGHT - (SIDE + 2 if side else 0)
    cell = next((c for c in CELL if c * n <= room), CELL[-1])
    columns = min(room // cell, n)
    below = 0 if side else max(min(len(fact.pairs) + 2, height - 2 - n), 0)
    body = max(height - 2 - (below if below > 2 else 0), 1)  # a gap and a head are no list
    tall = min(max(body // n, 1), TALL, cell // 2) if side else 1
    rows = min(body // tall, n)
    view.row, view.column = min(max(view.row, 0), n - rows), min(max(view.column, 0), n - columns)
    shown = range(view.column, view.column + columns)
    shades = Shades(fact, colors)
    heads, muted = _heads(names, cell - 1), style(colors.muted)
    top: list[Part] = [(fit("is", label), muted), *((fit(heads[j], cell - 1, ">") + " ", muted) for j in shown)]
    lines = [line([*top, (fit("right", RIGHT, ">"), muted)], width)]
    for i in range(view.row, view.row + rows):
        name: Part = (fit(names[i], label), style(colors.foreground))
        parts = [shades.cell(i, j, cell, view.shares) for j in shown]
        empty = line([(" " * label, muted), *((" " * cell, look) for _, look in parts)], width)
        row = [empty] * tall
        row[(tall - 1) // 2] = line([name, *parts, _accuracy(fact, i, colors)], width)
        lines += row
    if below > 2:
        lines += [blank(width), *(line(parts, width) for parts in _mistakes(fact, names, width, below - 1, colors))]
    lines = pad(lines, width, height - 1) if height > len(lines) else lines
    if side:
        apart = min(label + columns * cell + RIGHT + APART, width - SIDE)
        lines = _beside(lines, _mistakes(fact, names, SIDE, len(lines), colors), apart, width)
    return [*lines, _foot(fact, rows, columns, shades, frame)][:height]


def _accuracy(fact: ConfusionMeasured, i: int, colors: Palette) -> Part:
    total = fact.totals[i]
    share = fact.right[i] / total if total else None
    return fit("-" if share is None else percent(share), RIGHT, ">"), style(colors.foreground, bold=True)


def _foot(fact: ConfusionMeasured, rows: int, columns: int, shades: Shades, frame: Frame) -> Strip:
    """What rows, columns and colours are, and what lies outside."""
    muted = style(frame.colors.muted)
    total, n = sum(fact.totals), fact.classes
    seen = f"{count(total)} images" if total != 1 else "1 image"
    share = f", {percent(sum(fact.right) / total)} right" if total else ""
    parts: list[Part] = [(f"{seen}{share}", muted)]
    if rows < n or columns < n:
        parts.insert(0, (f"{n} classes, arrows: more   ", style(frame.colors.foreground)))
    if fact.left_out:
        parts.insert(0, (f"! {count(fact.left_out)} without a class or not a number   ", style(frame.colors.wrong)))
    if not fact.complete:
        parts.insert(0, ("cut short   ", style(frame.colors.waiting)))
    more: list[list[Part]] = [[("   ", muted), *shades.legend()], [("   row: is, column: taken for", muted)]]
    for group in more:
        if length(parts) + length(group) <= frame.width:  # half a legend says nothing
            parts += group
    return line(parts, frame.width)


def _mistakes(fact: ConfusionMeasured, names: list[str], width: int, height: int, colors: Palette) -> list[list[Part]]:
    """The most frequent mistakes, a line each."""
    rows: list[list[Part]] = [[(fit("most often: is ✗ taken for", width), style(colors.muted))]]
    if not fact.pairs:
        rows.append([(fit("no mistake", width), style(colors.foreground))])
    half = max(min((width - 8) // 2, 24), 3)
    for is_, said, often in fact.pairs[: max(height - 1, 0)]:
        text = f"{cut(names[is_], half)} ✗ {cut(names[said], half)}"
        rows.append([
            (fit(count(often), 6, ">") + " ", style(colors.wrong)),
            (fit(text, width - 7), style(colors.foreground)),
        ])  # fmt: skip
    return rows[: max(height, 0)]


def _beside(left: list[Strip], right: list[list[Part]], room: int, width: int) -> list[Strip]:
    """The second list `room` cells to the right of where the first one's lines begin."""
    fill: list[list[Part]] = [*right, *[[] for _ in range(len(left) - len(right))]]
    return [Strip.join([a.crop(0, room), line(b, width - room)]) for a, b in zip(left, fill, strict=True)]


def _classes(fact: ConfusionMeasured, names: list[str], frame: Frame, view: View) -> list[Strip]:
    """Where a matrix has no room: the classes, the worst first, and what each is taken for."""
    width, colors = frame.width, frame.colors
    muted = style(colors.muted)
    taken: dict[int, tuple[int, int]] = {}
    for is_, said, often in fact.pairs:
        taken.setdefault(is_, (said, often))
    shares = [r / t if t else 2.0 for r, t in zip(fact.right, fact.totals, strict=True)]
    order = sorted(range(fact.classes), key=lambda i: (shares[i], i))
    rows = max(frame.height - 2, 1)
    view.row, view.column = min(max(view.row, 0), max(fact.classes - rows, 0)), 0
    label = max(min(max(cell_len(n) for n in names), max(width // 3, 8), 30), 5)
    lines = [
        line([(fit("is", label), muted), (fit("right", RIGHT, ">"), muted), ("   most often taken for", muted)], width)
    ]
    for i in order[view.row : view.row + rows]:
        parts: list[Part] = [(fit(names[i], label), style(colors.foreground)), _accuracy(fact, i, colors)]
        if i in taken:
            said, often = taken[i]
            parts.append((f"   {names[said]} {count(often)} of {count(fact.totals[i])}", style(colors.wrong)))
        lines.append(line(parts, width))
    lines = pad(lines, width, frame.height - 1)
    return [*lines, _foot(fact, rows, fact.classes, Shades(fact, colors), frame)] if frame.height > 1 else lines
