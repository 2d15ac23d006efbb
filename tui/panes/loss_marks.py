"""Marks of what happened: a sign on the axis for each, and for the most important ones an upright line with words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TypeAlias

from rich.cells import cell_len
from rich.style import Style

from tui.colors import Palette, style
from tui.panes.chart import Axis, Grid
from tui.state.clock import Unit
from tui.state.marks import Mark
from tui.state.run import RunState
from tui.text import clean

__all__ = ["Groups", "draw_marks", "grouped", "marks", "narrow", "sign_of"]

Groups: TypeAlias = dict[int, list[Mark]]
"""Marks by the column of cells that they lie in."""

SIGNS = {"pause": "‖", "skip": "»", "lr": "↓", "stop": "■", "change": "±", "alert": "!", "save": "↧", "resume": "↻"}
RANKS = ("alert", "resume", "stop", "lr", "change", "skip", "pause", "save")
"""Kinds of marks, the most important first: they have the first choice of room, and their sign is seen."""
LINED = ("alert", "resume")
"""Kinds that have their line also where there is no room for words."""
APART = 16
"""Cells of the plot for each mark that is named: more would be a crowd."""


def marks(state: RunState) -> list[Mark]:
    """What happened, alerts included, in the order of the steps."""
    held = [Mark(a.step, "alert", a.topic, a.text) for a in state.alerts if a.step > 0]
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


def draw_marks(grid: Grid, groups: Groups, place: tuple[int, int, int], above: int, colors: Palette) -> None:
    """Signs on the axis; lines and words where the chart is blank, as many as are not a crowd.

    `place` is (left, width, height) of the plot, whose `above` topmost rows are no place for words. To be drawn last.
    """
    _, width, height = place
    chiefs = {column: min(reversed(held), key=_rank) for column, held in groups.items()}
    for column, chief in chiefs.items():
        grid.put(column, height, sign_of(chief), _look(chief, colors, colors.foreground))
    room = max(width // APART, 2)
    lined = {column for column, chief in chiefs.items() if chief.kind in LINED}
    for column in sorted(chiefs, key=lambda c: (_rank(chiefs[c]), -c)):
        chief = chiefs[column]
        look = _look(chief, colors, colors.muted)
        if room and _name(grid, column, _texts(chief, groups[column]), place, range(above, height), lined, look):
            room -= 1
            lined.add(column)
    for column in lined:
        look = _look(chiefs[column], colors, colors.faint)
        for row in range(height):
            grid.put(column, row, "┊", look, only_blank=True)


def sign_of(mark: Mark) -> str:
    """One character; a learning rate's says where it went."""
    if mark.kind == "lr" and mark.text.startswith("lr x"):
        try:
            return "↑" if float(mark.text[4:]) > 1 else "↓"
        except ValueError:
            return "↓"
    return SIGNS[mark.kind]


def _rank(mark: Mark) -> int:
    return RANKS.index(mark.kind)


def _look(mark: Mark, colors: Palette, calm: str) -> Style:
    return style({"pause": colors.waiting, "alert": colors.wrong, "resume": colors.focus}.get(mark.kind, calm))


def _name(
    grid: Grid, column: int, texts: list[str], place: tuple[int, int, int], rows: range, lined: set[int], look: Style
) -> bool:  # fmt: skip
    """Write the first of the texts for which there is room beside the column: as low as cells are blank, on no line.

    False if there is none: half a word is no word.
    """
    left, width, _ = place
    for words in texts:
        for start in (column + 1, column - len(words)):  # at the right, so that one knows whose they are
            end = start + len(words)
            if left <= start and end <= left + width and lined.isdisjoint(range(start, end)):
                row = next((row for row in reversed(rows) if _free(grid, column, start, row, words)), None)
                if row is not None:
                    grid.words(start, row, words, look)
                    return True
    return False


def _texts(chief: Mark, held: Iterable[Mark]) -> list[str]:
    """What may stand beside the line, the longest first: the chief's words, how often, how many others there are."""
    told = Counter(narrow(mark.text) for mark in held)
    text = narrow(chief.text)
    often = f" x{told[text]}" if told[text] > 1 else ""
    short = f"{sign_of(chief)} {text}{often}"
    others = sum(told.values()) - told[text]
    return [f"{short}, {others} more", short] if others else [short]


def narrow(text: str) -> str:
    """Text of characters that take one cell each, as the grid needs them."""
    return "".join(c if cell_len(c) == 1 else "?" for c in clean(text, 40))


def _free(grid: Grid, column: int, start: int, row: int, words: str) -> bool:
    """Whether the cells of the words, of the line beside them and one more at the far end hold nothing."""
    first = column if start > column else start - 1
    return first >= 0 and grid.is_blank(first, row, len(words) + 2)
