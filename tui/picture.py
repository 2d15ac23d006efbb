"""A screen as a picture, drawn without a terminal; the same app, the same keys."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable, Sequence

from textual.message import Message

from miniai.errors import UsageError
from miniai.run.directory import RunDir
from miniai.run.requests import AnyRequest
from tui.app import MonitorApp
from tui.follow import Follower
from tui.hand_over import HandOver
from tui.settings import is_key

__all__ = ["RecordedSession", "draw", "picture"]

_PATIENCE = 60.0
"""Seconds after which a journal that is still not read is drawn as far as it is known."""
_FONT = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


class RecordedSession:
    """A run as its journal is now: it is read once, and nothing can be asked of it (see `tui.session.Session`)."""

    owns = False
    can_leave = True

    def __init__(self, run: RunDir) -> None:
        self.run_info, self.run_dir = run, run.path
        self.over = threading.Event()
        self._closed = False

    def run(self, app_post: Callable[[Message], object]) -> None:
        """Post what the journal holds."""
        hand_over, follower = HandOver(app_post, lambda: not self._closed), Follower(self.run_info.journal)
        try:
            follower.follow(hand_over, lambda: False)
        finally:
            follower.close()
            self.over.set()

    def request(self, request: AnyRequest) -> None:
        """Nobody hears it."""

    def kill(self) -> None:
        """Nothing runs here."""

    def close(self) -> None:
        """Stop reading."""
        self._closed = True


def picture(app: MonitorApp, size: tuple[int, int], keys: Sequence[str] = ()) -> str:
    """The app's screen as SVG once all is read and drawn, at `size` (columns, rows), after pressing `keys`.

    The app must be one whose session ends by itself. UsageError for a key that no terminal sends.
    """
    for key in keys:
        if not is_key(key):
            raise UsageError(f"there is no key {key!r}: name keys as the settings file does (y, plus, escape)")
    return asyncio.run(draw(app, size, keys))


async def draw(app: MonitorApp, size: tuple[int, int], keys: Sequence[str] = ()) -> str:
    """The same inside an event loop."""
    ahead = [0.0]
    app.clock = lambda: time.monotonic() + ahead[0]

    async def settle() -> None:
        """Let messages and threads finish, then let every pane draw."""
        end = time.monotonic() + _PATIENCE
        await pilot.pause()
        while any(not worker.is_finished for worker in app.workers) and time.monotonic() < end:
            await pilot.pause(0.02)
        for _ in range(2):
            ahead[0] += 60.0
            app.run_screen.tick()
            await pilot.pause()

    async with app.run_test(size=size) as pilot:
        await settle()
        for key in keys:
            await pilot.press(key)
            await settle()
        return without_fetching(app.export_screenshot(title=" "))


def without_fetching(svg: str) -> str:
    """The picture with fonts that are there: nothing is fetched when it is looked at."""
    return _FONT.sub("", svg).replace("Fira Code", "DejaVu Sans Mono")
