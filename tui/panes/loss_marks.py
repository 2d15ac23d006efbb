"""Marks of what happened: thin upright lines with a sign, and with words where there is room for them."""

from __future__ import annotations

from typing import TypeAlias

from rich.cells import cell_len
from rich.style import Style

from tui.colors import Palette, style
from tui.panes.chart import Axis, Grid
from tui.state.clock import Unit
from tui.state.marks import Mark
from tui.state.run import RunState
from tui.text import clean, cut

__all__ = ["Groups", "draw_lines", "draw_words", "grouped", "marks"]

Groups: TypeAlias = dict[int, list[Mark]]
"""Marks by the column of cells that they lie in."""

SIGNS = {"pause": "‖", "skip": "»", "lr": "↓", "stop": "■", "change": "±", "alert": "!", "save": "↧", "resume": "↻"}
TRIED = 4
"""Rows at the bottom, and then as many at the top, in which room for words is looked for."""
ROOMS = (28, 14)
"""Cells for words; where the first is too many, the second."""


def marks(state: RunState) -> list[Mark]:
    """What happened, alerts included, in the order of the steps."""
    held = [Mark(a.step, "alert", a.topic) for a in state.alerts if a.step > 0]
    rate: Mark | None = None
    for mark in state.marks:
        same = rate is not None and mark.kind == "lr" and rate.text == mark.text and abs(mark.step - rate.step) <= 2
        if not same:  # a change that was asked for is seen in the rate's own values too
            held.append(mark)
        rate = mark if mark.kind == "lr" else rate
    return sorted(held, key=lambda mark: mark.step)


def grouped(state: RunState, left: int, width: int, x: Axis, unit: Unit) -> Groups:
    """What lies in the window, by columns from left to right."""
    groups: Groups = {}
    for mark in marks(state):
        at = state.clock.one(unit, mark.step)
        if x.low <= at <= x.high:
            groups.setdefault(left + x.cell(at, width, 2), []).append(mark)
    return groups


def draw_lines(grid: Grid, groups: Groups, height: int, colors: Palette) -> None:
    """Upright lines, behind all that is drawn already."""
    for column, held in groups.items():
        for row in range(height):
            grid.put(column, row, "┊", _look(held[-1], colors, colors.faint), only_blank=True)


def draw_words(grid: Grid, groups: Groups, place: tuple[int, int, int], above: int, colors: Palette) -> None:
    """The words of each column beside its line where cells are free, else its sign.

    `place` is (left, width, height) of the plot, whose `above` topmost rows are taken.
    """
    for column, held in reversed(groups.items()):  # the newest have the first choice of room
        _label(grid, column, held, place, above, colors)


def _look(mark: Mark, colors: Palette, calm: str) -> Style:
    return style({"pause": colors.waiting, "alert": colors.wrong, "resume": colors.focus}.get(mark.kind, calm))


def _label(grid: Grid, column: int, held: list[Mark], place: tuple[int, int, int], above: int, colors: Palette) -> None:
    left, width, height = place
    newest = next((mark for mark in held if mark.kind == "resume"), held[-1])
    sign, look = _sign(newest), _look(newest, colors, colors.muted)
    different = list(dict.fromkeys(_narrow(mark.text) for mark in [*(m for m in held if m is not newest), newest]))
    more = f" +{len(held) - 1}" if len(different) > 1 else ""
    texts = [f"{sign} {cut(different[-1], room)}{more}" for room in ROOMS]
    rows = [*range(height - 2, max(height - 2 - TRIED, above), -1), *range(above + 1, min(above + TRIED, height - 1))]
    for words in (*texts, sign if len(held) == 1 else f"{sign}{min(len(held), 99)}"):
        for start in (column + 1, column - len(words)):
            for row in rows:
                inside = left <= start and start + len(words) <= left + width
                if inside and _free(grid, column, start, row, words):
                    grid.put(start, row, words, look)
                    return
    grid.put(column, max(height - 2, 0), sign, look)


def _narrow(text: str) -> str:
    """Text of characters that take one cell each, as the grid needs them."""
    return "".join(c if cell_len(c) == 1 else "?" for c in clean(text, 40))


def _free(grid: Grid, column: int, start: int, row: int, words: str) -> bool:
    """Whether the cells, and one more at the far end, hold nothing."""
    if start > column:
        return grid.is_blank(start, row, len(words) + 1)
    return start > 0 and grid.is_blank(start - 1, row, len(words) + 1)


def _sign(mark: Mark) -> str:
    if mark.kind == "lr" and mark.text.startswith("lr x"):
        try:
            return "↑" if float(mark.text[4:]) > 1 else "↓"
        except ValueError:
            return "↓"
    return SIGNS[mark.kind]
