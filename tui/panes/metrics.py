"""The metrics table: a row for each half epoch, the running one live, the best value of each column marked."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Click
from textual.strip import Strip

from miniai.run.events import Phase
from tui.panes.base import ScrollPane
from tui.panes.copying import copy, say, tsv
from tui.panes.lines import Frame
from tui.panes.table import View, cells, column_at, fitting, table
from tui.state.rows import Row, Sort
from tui.state.run import RunState, Section
from tui.text import cut

__all__ = ["MetricsPane"]

KEYS = "arrows cell · enter sorts · c copies it · C all"
"""Shown while the pane has the focus."""


class MetricsPane(ScrollPane):
    """Keeps the newest row in view unless it was scrolled; arrows lead a cursor from cell to cell."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move_rows(-1)", "up", show=False),
        Binding("down", "move_rows(1)", "down", show=False),
        Binding("pageup", "move_rows(-10)", "page up", show=False),
        Binding("pagedown", "move_rows(10)", "page down", show=False),
        Binding("home", "move_rows(-100000)", "first row", show=False),
        Binding("end", "move_rows(100000)", "last row", show=False),
        Binding("left", "move_columns(-1)", "left", show=False),
        Binding("right", "move_columns(1)", "right", show=False),
        Binding("enter", "sort", "sort by this column", show=False),
        Binding("c", "copy_cell", "copy the cell", show=False),
        Binding("C", "copy_table", "copy the table", show=False),
    ]
    sections: ClassVar[tuple[Section, ...]] = ("metrics",)
    every: ClassVar[float] = 0.5
    key: ClassVar[str] = "2"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.sort = Sort()
        self.top: int | None = None
        """First row that is seen; None: it follows the run."""
        self.first = 0
        """First metric that is seen."""
        self._row: tuple[int, Phase] | None = None  # of the cursor
        self._column = "=loss"

    def heading(self, state: RunState) -> str:
        """The title."""
        names = state.rows.names
        shown = fitting(names, self.content_size.width, self.first).names
        order = "" if self.sort.is_plain else f" ─ by {cut(self.sort.column.removeprefix('='), 16)}"
        if len(shown) == len(names):
            return f"metrics{order}"
        first = names.index(shown[0]) + 1
        return f"metrics{order} ─ {first} to {first + len(shown) - 1} of {len(names)} columns"

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """The table."""
        return table(state, frame, self._view(state))

    def on_focus(self) -> None:
        """Say which keys there are, and show the cursor."""
        self.border_subtitle = KEYS
        self.call_later(self.redraw)  # Textual's own handler, which notes the focus, comes after this one

    def on_blur(self) -> None:
        """The cursor is the focused pane's."""
        self.border_subtitle = ""
        self.call_later(self.redraw)

    def on_click(self, event: Click) -> None:
        """Put the cursor on the cell."""
        state = self.state
        spot = event.get_content_offset(self)
        if state is None or spot is None or not len(state.rows):
            return
        rows = self.sort(state.rows)
        column = column_at(fitting(state.rows.names, self.content_size.width, self.first), spot.x)
        i = self._view(state).start(len(rows), self._room) + spot.y - 1
        if column and spot.y == 0:
            self._column = column
            self.action_sort()
        elif column and 0 <= i < len(rows):
            self._row, self._column = (rows[i].epoch, rows[i].phase), column
            self.redraw()

    def action_scroll_rows(self, rows: int) -> None:
        """Scroll without the cursor; at the end of an unsorted table it follows the run again."""
        if self.state is not None:
            number = len(self.state.rows)
            top = self._view(self.state).start(number, self._room) + rows
            self.top = None if self.sort.is_plain and top >= number - self._room else max(top, 0)
            self.redraw()

    def action_move_rows(self, by: int) -> None:
        """Move the cursor up or down; the first move puts it on the row that is followed."""
        if self.state is None or not len(self.state.rows):
            return
        rows = self.sort(self.state.rows)
        held = self._cursor_row(self.state)
        if held is None:
            i = (len(rows) - 1 if self.sort.is_plain else 0) + (by if abs(by) > 1 else 0)
        else:
            i = next(i for i, row in enumerate(rows) if row is held) + by
        i = max(min(i, len(rows) - 1), 0)
        self._row = (rows[i].epoch, rows[i].phase)
        top = self._view(self.state).start(len(rows), self._room)
        if not top <= i < top + self._room:
            self.top = i if i < top else i - self._room + 1
        if self.sort.is_plain and i == len(rows) - 1:
            self.top = None
        self.redraw()

    def action_move_columns(self, by: int) -> None:
        """Move the cursor to another column, which comes into view."""
        if self.state is None or not len(self.state.rows):
            return
        names = self.state.rows.names
        columns = ["epoch", *("=" + name for name in names), "images", "time"]
        if self._cursor_row(self.state) is None:
            self.action_move_rows(0)
            return
        at = columns.index(self._column) if self._column in columns else 1
        self._column = columns[max(min(at + by, len(columns) - 1), 0)]
        if self._column.startswith("="):
            self._bring(names.index(self._column[1:]), names)
        self.redraw()

    def action_sort(self) -> None:
        """By the cursor's column: the best first, then the worst, then as the rows came."""
        best = Sort.of(self._column)
        worst = Sort(best.column, not best.upward)
        if self.sort == best:
            self.sort = worst
        else:
            self.sort = Sort() if self.sort == worst and not worst.is_plain else best
        self.top = None
        if self._row is not None and self.state is not None and len(self.state.rows):
            row = self.sort(self.state.rows)[-1 if self.sort.is_plain else 0]
            self._row = (row.epoch, row.phase)  # what one sorts for is where one looks
        self.redraw()

    def action_copy_cell(self) -> None:
        """The number under the cursor, with all its digits."""
        if self.state is None or not len(self.state.rows):
            return
        if self._cursor_row(self.state) is None:
            self.action_move_rows(0)
        row = self._cursor_row(self.state)
        value = None if row is None else row.value(self._column)
        if value is None:
            say(self, "nothing to copy: there is no number")
        else:
            copy(self, f"{value:.10g}", self._column.removeprefix("="))

    def action_copy_table(self) -> None:
        """Every row and column, with tabs between."""
        if self.state is not None:
            copy(self, tsv(cells(self.state, self.sort)), "the table of metrics")

    @property
    def _room(self) -> int:
        """Rows that can be seen."""
        return max(self.content_size.height - 2, 1)

    def _bring(self, i: int, names: list[str]) -> None:
        """Scroll sideways until metric number `i` is seen."""
        self.first = min(self.first, i)
        while self.first < i and names[i] not in fitting(names, self.content_size.width, self.first).names:
            self.first += 1

    def _cursor_row(self, state: RunState) -> Row | None:
        return None if self._row is None else state.rows.get(*self._row)

    def _view(self, state: RunState) -> View:
        row = self._cursor_row(state)
        cursor = None if row is None or not self.has_focus else (row, self._column)
        return View(self.sort, self.top, self.first, cursor)
