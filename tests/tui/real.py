"""A real run under an app without a terminal, trained by either worker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from miniai.config import RunConfig
from miniai.run import events as ev
from miniai.run import output
from miniai.run.directory import RunDir, create_run
from miniai.run.requests import Stop
from tui.app import MonitorApp
from tui.in_process import ProcessSession
from tui.in_thread import ThreadSession
from tui.panes.header import HeaderPane
from tui.screens.dialogs import Ask

__all__ = ["DEADLINE", "Real", "both", "fit"]

both = pytest.mark.parametrize("worker", ["process", "thread"])
"""For a test that runs with the trainer process and with the trainer thread."""
DEADLINE = 60.0
"""Seconds after which a condition is taken as never to come."""


class Real:
    """A real run under an app without a terminal."""

    def __init__(self, app: MonitorApp, run: RunDir) -> None:
        self.app, self.run = app, run
        self.state = app.state

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until the state says so."""
        end = time.monotonic() + DEADLINE
        while not condition():
            why = f"{self.state.status}: {self.run.log_tail()}"
            assert self.state.status != "failed", why
            assert time.monotonic() < end, why
            await asyncio.sleep(0.005)

    def press(self, key: str) -> None:
        """Press a key. A pilot's press would wait for an idle processor, which a training thread does not leave."""
        self.app.simulate_key(key)

    async def ask(self, key: str) -> None:
        """Press a key, and wait for the question that it leads to."""
        self.press(key)
        await self.until(lambda: isinstance(self.app.screen, Ask))

    @property
    def header(self) -> str:
        """The header as it is drawn now."""
        screen = self.app.run_screen
        screen.show_now("header")
        return screen.query_one(HeaderPane).render_line(0).text

    def journal(self, *kinds: type[ev.Fact]) -> list[Any]:
        """The facts of these kinds that the trainer has written."""
        facts = [ev.decode(line) for line in self.run.journal.read_bytes().splitlines()]
        return [f for f in facts if isinstance(f, kinds)]


@asynccontextmanager
async def fit(
    worker: str, root: Path, data: Path, monkeypatch: pytest.MonkeyPatch, **options: Any
) -> AsyncIterator[Real]:
    """A long run in its first epochs; stopped and awaited at the end."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(root / "cache"))
    monkeypatch.setattr(output, "install", tuple)  # pytest's own streams stay
    config = {"data_dir": str(data), "epochs": 500, "bs": 16, "device": "cpu", "threads": 1, **options}
    run = create_run(root / "runs", RunConfig(**config))
    session = ThreadSession(run) if worker == "thread" else ProcessSession(run)
    app, threads = MonitorApp(session), torch.get_num_threads()
    async with app.run_test(size=(120, 40)):
        real = Real(app, run)
        try:
            yield real
        finally:
            if not real.state.over:
                session.request(Stop(id="end of the test"))
            await real.until(lambda: real.state.over)
    session.over.wait(DEADLINE)
    torch.set_num_threads(threads)
