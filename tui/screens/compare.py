"""The screen of a comparison: who is compared, the chart, the table, the keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tui.panes.base import Pane
from tui.panes.compare_view import Comparison
from tui.screens.compare_panes import CompareChart, CompareHeader, CompareTable
from tui.screens.small import Keys, SmallScreen
from tui.session import Session
from tui.state.run import RunState

__all__ = ["CompareScreen"]


class CompareScreen(SmallScreen):
    """The chart over the table."""

    def __init__(
        self, session: Session, state: RunState, clock: Callable[[], float], keys: Keys, comparison: Comparison
    ) -> None:
        super().__init__(session, state, clock, keys)
        self.comparison = comparison

    def header(self) -> Pane:
        """The two lines at the top."""
        return CompareHeader(self.comparison, id="header")

    def content(self) -> Iterable[Pane]:
        """The chart, called as in the monitor so that the same keys act on it, and the table."""
        yield CompareChart(self.comparison, id="loss", classes="pane -shown")
        yield CompareTable(self.comparison, id="table", classes="pane")
