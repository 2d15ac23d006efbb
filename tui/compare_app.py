"""The app of `miniai-tui compare`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType

from tui.compare import as_text
from tui.compare_read import why_nothing
from tui.compare_runs import Compared
from tui.compare_session import CompareSession, RunReported, StandingsKnown
from tui.panes.compare_view import Comparison
from tui.remembered import Preferences
from tui.screens.compare import CompareScreen
from tui.screens.compare_panes import CompareChart, CompareTable
from tui.screens.small import Keys, SmallScreen, known
from tui.show import show
from tui.small_app import SmallApp

__all__ = ["CompareApp", "compare_on_screen"]

_NORMAL = ("running", "paused", "starting")
"""Standings of which the journal itself says more."""


def compare_on_screen(runs: Sequence[Compared], preferences: Preferences | None = None) -> int:
    """Show the runs on the terminal until the user leaves; returns the exit code."""
    app = CompareApp(runs, preferences=preferences)
    return show(app, app.compared, runs[0].run)


def _own(key: str, action: str, text: str, id_: str, tooltip: str) -> Binding:
    return Binding(key, action, text, id=id_, tooltip=tooltip, show=False)


class CompareApp(SmallApp, inherit_bindings=False):
    """Several runs; they are only looked at, so that leaving asks nobody."""

    keys: ClassVar[Keys] = [
        (known("curves"), "curves"),
        (_own("G", "curves_before", "curves before", "curves_before", "The other way round"), ""),
        (known("axis"), "axis"),
        (known("log_y"), "log y"),
        (known("rougher"), ""),
        (known("smoother"), "smooth"),
        (_own("d", "every_setting", "all settings / those that differ", "every_setting",
              "Settings that are the same in all runs too"), "all settings"),
        (known("help"), "help"),
        (known("crosshair"), "crosshair"),
        (_own("1", "go('loss')", "go to the chart", "go_loss", "The curves"), ""),
        (_own("2", "go('table')", "go to the table", "go_metrics", "Results and settings"), ""),
        (_own("tab", "cycle(1)", "next pane", "next_pane", "From pane to pane"), ""),
        (known("maximise"), "maximise"),
        (_own("escape", "out", "one step out", "out", "Close what is open, show both panes again"), ""),
        (known("next_theme"), "theme"),
        (known("redraw"), ""),
        (_own("ctrl+z", "suspend_process", "suspend the screen", "suspend", "The runs go on; fg shows it again"), ""),
        (_own("q,ctrl+q", "ask_quit", "quit", "quit", "Leave; the runs are left alone"), "quit"),
    ]  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [binding for binding, _ in keys]

    def __init__(
        self,
        runs: Sequence[Compared],
        *,
        clock: Callable[[], float] = time.monotonic,
        preferences: Preferences | None = None,
        follow: bool = True,
    ) -> None:
        self.compared = CompareSession(runs, follow)
        self.comparison = Comparison(runs)
        super().__init__(self.compared, clock=clock, preferences=preferences)

    def small_screen(self) -> SmallScreen:
        """The chart and the table."""
        return CompareScreen(self.session, self.state, self.clock, self.keys, self.comparison)

    # -- the runs --------------------------------------------------------------------------------------------------

    @on(RunReported)
    def take_facts_of_run(self, event: RunReported) -> None:
        """New facts of one of the runs."""
        run = self.comparison.runs[event.which]
        for fact in event.reported.facts:
            run.state.apply(fact)
        event.reported.taken.set()
        run.trouble = ""
        self.comparison.revision += 1

    @on(StandingsKnown)
    def take_standings(self, event: StandingsKnown) -> None:
        """Everything there was is read: of what is nothing known, and why; which runs are not going on."""
        before = [(run.trouble, run.standing) for run in self.comparison.runs]
        for i, run in enumerate(self.comparison.runs):
            run.trouble = why_nothing(run.run, run.state)
            standing = event.standings.get(i, "")
            run.standing = "" if standing in _NORMAL else standing
        if before != [(run.trouble, run.standing) for run in self.comparison.runs]:
            self.comparison.revision += 1

    # -- keys ------------------------------------------------------------------------------------------------------

    def action_curves_before(self) -> None:
        """Other curves, the other way round."""
        self.run_screen.query_one(CompareChart).next_curves(-1)

    def action_every_setting(self) -> None:
        """All settings, or those that differ."""
        self.run_screen.query_one(CompareTable).toggle_every()

    def action_cycle(self, by: int) -> None:
        """The next pane."""
        self.run_screen.action_cycle(by)

    def action_out(self) -> None:
        """No crosshair any more; then both panes again."""
        if self.comparison.cross is not None:
            self.comparison.cross = None
            self.run_screen.query_one(CompareChart).redraw()
        else:
            self.run_screen.step_out()

    def action_stop(self) -> None:
        """What ctrl+c does where nothing is selected."""
        self.exit()

    def action_ask_quit(self) -> None:
        """Leave; the runs are left alone."""
        self.exit()

    def summary(self) -> str:
        """The table in plain text."""
        return as_text(self.comparison.runs).rstrip("\n")

    @property
    def exit_code(self) -> int:
        """Always 0: how the runs went says nothing of the comparison."""
        return 0
