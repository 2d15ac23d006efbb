"""Drive the app in a test: a clock that moves when told, and the text that a person would read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from textual.pilot import Pilot
from textual.widget import Widget

from miniai.run.events import AnyFact
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import Recording
from tui.app import MonitorApp
from tui.panes.base import Pane

__all__ = ["Driver", "driving", "going"]


class Driver:
    """A running app."""

    def __init__(self, app: MonitorApp, pilot: Pilot[None], session: FakeSession, clock: list[float]) -> None:
        self.app, self.pilot, self.session, self._clock = app, pilot, session, clock

    async def settle(self, seconds: float = 5.0) -> None:
        """Let workers and messages finish, then `seconds` later let every pane look once."""
        await self.pilot.pause()
        await self.app.workers.wait_for_complete()
        await self.pilot.pause()
        self._clock[0] += seconds
        self.app.run_screen.tick()
        await self.pilot.pause()

    async def post(self, *facts: AnyFact, seconds: float = 5.0) -> None:
        """New facts, shown."""
        self.session.post(*facts)
        await self.settle(seconds)

    async def press(self, *keys: str) -> None:
        """Keys, one after another."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    def text(self, id_: str) -> str:
        """What a pane shows, its title first."""
        pane = self.app.run_screen.query_one(f"#{id_}", Pane)
        lines = [pane.render_line(y).text for y in range(pane.content_size.height)]
        return "\n".join([str(pane.border_title), *lines])

    @property
    def on_top(self) -> str:
        """What kind of screen is seen: the run's, or a dialog over it."""
        return type(self.app.screen).__name__

    def seen(self) -> set[str]:
        """Ids of the widgets that are on the screen."""
        found = self.app.run_screen.query(Widget)
        return {w.id for w in found if w.id and w.is_on_screen and w.display and w.region.area > 0}


@asynccontextmanager
async def driving(session: FakeSession, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Driver]:
    """The app on a session's facts, everything drawn."""
    clock = [100.0]
    app = MonitorApp(session, clock=lambda: clock[0])
    async with app.run_test(size=size) as pilot:
        driver = Driver(app, pilot, session, clock)
        await driver.settle()
        yield driver


def going(tmp_path: Path) -> FakeSession:
    """A session on a run that is in the middle of its second epoch."""
    return FakeSession(tmp_path, Recording().until(1, 74))
