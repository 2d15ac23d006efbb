"""The panes of a comparison: they look at the comparison, not at the state of one run."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.strip import Strip

from tui.colors import style
from tui.compare_runs import Compared
from tui.panes.base import Pane, ScrollPane
from tui.panes.chart import Axis
from tui.panes.compare_chart import compare_chart, parts_of
from tui.panes.compare_table import LOW, compare_table, dense, fitting, rows_of
from tui.panes.compare_view import Comparison, color_of
from tui.panes.lines import Frame, Part, ends, length, line
from tui.panes.loss_plot import LABEL
from tui.state.run import RunState
from tui.text import clean, cut

__all__ = ["CompareChart", "CompareHeader", "CompareTable"]

_SIGNS = {
    "starting": "○", "loading data": "○", "first batch": "◐", "training": "●", "validating": "●", "paused": "‖",
    "stopping": "◐", "done": "✓", "stopped": "■", "elsewhere": "?", "not answering": "?",
}  # fmt: skip
_WRONG = "✗"


class CompareHeader(Pane):
    """Two lines: how many runs of what, and how each stands."""

    every: ClassVar[float] = 0.25

    def __init__(self, comparison: Comparison, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.comparison = comparison

    def seen(self, state: RunState) -> int:
        """The comparison's own count of changes."""
        return self.comparison.revision + state.notices

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:  # noqa: ARG002
        """Both lines."""
        return [_first(self.comparison, frame), _second(self.comparison, frame)]


def _first(comparison: Comparison, frame: Frame) -> Strip:
    colors, runs = frame.colors, comparison.runs
    sets = list(dict.fromkeys(clean(r.state.run.dataset, 40) for r in runs if r.state.run is not None))
    what = ", ".join(sets) or "reading the journals"
    left: list[Part] = [
        (" miniai-tui", style(colors.foreground, bold=True)),
        (f"   {len(runs)} runs · {what}", style(colors.muted)),
    ]
    alive = sum(run.word in ("training", "validating", "paused", "stopping", "first batch") for run in runs)
    word = f"● {alive} going on" if alive else "✓ none is going on" if sets else "○ reading"
    right: list[Part] = [(word, style(colors.train if alive else colors.foreground, bold=True)), (" ", style())]
    return ends(left, right, frame.width)


def _second(comparison: Comparison, frame: Frame) -> Strip:
    """Each run's letter, name and state; names give way first."""
    names = max((len(run.name) for run in comparison.runs), default=0)
    for room, words in ((names, True), (14, True), (names, False), (9, False), (0, False)):
        parts = [part for i, run in enumerate(comparison.runs) for part in _entry(i, run, (room, words), frame)]
        if length(parts) <= frame.width:
            break
    return line(parts, frame.width)


def _entry(which: int, run: Compared, shown: tuple[int, bool], frame: Frame) -> list[Part]:
    """A run, its name in so many cells, with or without its state in words."""
    colors, word, (room, words) = frame.colors, run.word, shown
    sign = _SIGNS.get(word, _WRONG)
    name = f" {cut(run.name, room)}" if room else ""
    return [
        (f" {run.letter}", style(color_of(which, colors), bold=True)),
        (name, style(colors.foreground)),
        (f" {sign}" + (f" {word}" if words else ""), style(colors.wrong if sign == _WRONG else colors.muted)),
        ("  ", style()),
    ]


class CompareChart(Pane, can_focus=True):
    """Its keys are those of the monitor's loss chart, as far as they make sense for several runs."""

    every: ClassVar[float] = 0.5
    ALLOW_SELECT: ClassVar[bool] = False
    key: ClassVar[str] = "1"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "along(-1)", "crosshair to the left", show=False),
        Binding("right", "along(1)", "crosshair to the right", show=False),
        Binding("shift+left", "along(-10)", "ten times as far", show=False),
        Binding("shift+right", "along(10)", "ten times as far", show=False),
        Binding("home", "along(-9999)", "to the beginning", show=False),
        Binding("end", "along(9999)", "to the end", show=False),
    ]

    def __init__(self, comparison: Comparison, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.comparison = comparison

    def seen(self, state: RunState) -> int:  # noqa: ARG002
        """The comparison's own count of changes."""
        return self.comparison.revision

    def heading(self, state: RunState) -> str:  # noqa: ARG002
        """The title."""
        return self.comparison.title

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:  # noqa: ARG002
        """The chart, or what will come."""
        return compare_chart(self.comparison, frame)

    def toggle_log(self) -> None:
        """Switch between a linear and a logarithmic axis."""
        self.comparison.log = not self.comparison.log
        self.redraw()

    def next_curves(self, by: int = 1) -> None:
        """Loss, validation, each metric, learning rate, gradient norm."""
        self.comparison.next_name(by)
        self.redraw()

    def next_unit(self) -> None:
        """Steps, epochs, time."""
        self.comparison.next_unit()
        self.redraw()

    def smoother(self) -> None:
        """A longer average."""
        self.comparison.smooth_by(1)
        self.redraw()

    def rougher(self) -> None:
        """A shorter average; at the end none."""
        self.comparison.smooth_by(-1)
        self.redraw()

    def toggle_cross(self) -> None:
        """Crosshair at the end, or none; the pane takes the focus, so that arrows move it."""
        axis = self._axis()
        self.comparison.cross = axis.high if self.comparison.cross is None else None
        self.focus()
        self.redraw()

    def action_along(self, by: int) -> None:
        """Move the crosshair by so many columns; the first key shows it."""
        axis, now = self._axis(), self.comparison.cross
        column = (axis.high - axis.low) / max(self.content_size.width - LABEL, 1)
        at = (axis.high if now is None else now) + by * column
        self.comparison.cross = min(max(at, axis.low), axis.high)
        self.redraw()

    def _axis(self) -> Axis:
        return self.comparison.axis(parts_of(self.content_size.width - LABEL))


class CompareTable(ScrollPane):
    """Scrolls down to what has no room, and sideways to runs that have none."""

    every: ClassVar[float] = 1.0
    key: ClassVar[str] = "2"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "sideways(-1)", "runs to the left", show=False),
        Binding("right", "sideways(1)", "runs to the right", show=False),
    ]

    def __init__(self, comparison: Comparison, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.comparison = comparison
        self.first = 0
        """The first run that is seen."""

    def seen(self, state: RunState) -> int:  # noqa: ARG002
        """The comparison's own count of changes."""
        return self.comparison.revision

    def heading(self, state: RunState) -> str:  # noqa: ARG002
        """What is listed, and what is out of sight."""
        text = "results and " + ("all settings" if self.comparison.every else "settings that differ")
        seen, n = self._in_sight(self.content_size.width), len(self.comparison.runs)
        return text if seen >= n else f"{text} ─ runs {self.first + 1} to {self.first + seen} of {n}, ← →"

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:  # noqa: ARG002
        """Head and as many rows as there is room for."""
        rows = rows_of(self.comparison)
        rows = dense(rows) if frame.height < LOW else rows
        self.offset_rows = min(max(self.offset_rows, 0), max(len(rows) - frame.height, 0))
        self._in_sight(frame.width)
        return compare_table(self.comparison, frame, rows, self.offset_rows, self.first)

    def _in_sight(self, width: int) -> int:
        """How many runs are seen; the first of them is put into range."""
        seen = fitting(self.comparison, width)[1]
        self.first = min(max(self.first, 0), max(len(self.comparison.runs) - seen, 0))
        return seen

    def toggle_every(self) -> None:
        """All settings, or those that differ."""
        self.comparison.every = not self.comparison.every
        self.redraw()

    def action_sideways(self, by: int) -> None:
        """Other runs."""
        self.first += by
        self.redraw()
