"""How long the screen takes to draw everything anew: any one pane, and all of them, at 120x40.

`python benchmarks/redraw_time.py [RUN] [--times 30] [--quick]`

A recorded run (by default the real one that the tests keep) on the whole app without a terminal. A redraw forgets
what was drawn, draws each cell of the pane and lets Textual compose and encode the update; only the writing to a
terminal is missing. Curves whose points did not move are kept, as in a run. CPU time, which other work on the machine
hardly lengthens. Panes are also drawn over all the room (`f`).

Bounds: 65 ms for any one pane, 150 ms for all.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from table import quantile, show
from textual.pilot import Pilot

from miniai.run.directory import RunDir
from tui.app import MonitorApp
from tui.panes.base import Pane
from tui.picture import RecordedSession

RECORDED = Path(__file__).parents[1] / "tests" / "data" / "fashion-convbn"


async def settled(app: MonitorApp, pilot: Pilot[None]) -> None:
    """All facts are taken in, and pictures are read."""
    while not app.session.over.is_set():  # type: ignore[attr-defined]
        await pilot.pause(0.02)
    for _ in range(3):
        await app.workers.wait_for_complete()
        app.run_screen.tick()
        await pilot.pause()


async def cost(pilot: Pilot[None], work: Callable[[], object], times: int) -> list[float]:
    """CPU milliseconds of `work` with the update that follows."""
    spent = []
    for _ in range(times):
        await pilot.pause()
        start = time.process_time()
        work()
        await pilot.pause()
        spent.append((time.process_time() - start) * 1000)
    return spent


def anew(pane: Pane) -> Callable[[], None]:
    """What draws all of a pane."""

    def draw() -> None:
        pane.forget()
        pane.redraw()

    return draw


async def measure(run: Path, times: int) -> list[tuple[str, str, str]]:
    """A row a pane, and one for all."""
    app = MonitorApp(RecordedSession(RunDir(run)))
    found: dict[str, list[float]] = {}
    async with app.run_test(size=(120, 40)) as pilot:
        await settled(app, pilot)
        screen = app.run_screen
        idle = statistics.median(await cost(pilot, bool, times))
        found["all panes"] = await cost(pilot, screen.redraw_all, times)
        for pane in screen.panes():
            if pane.visible_now:
                found[f"{pane.id}"] = await cost(pilot, anew(pane), times)
        for pane in screen.panes():
            if pane.has_class("pane"):
                screen.go(pane.id or "")
                await pilot.pause()
                if not screen.has_class("-full"):
                    screen.toggle_full()
                await settled(app, pilot)
                found[f"{pane.id}, over all the room"] = await cost(pilot, anew(pane), times)
                screen.step_out()
                await pilot.pause()
    return [
        (name, f"{statistics.median(ms) - idle:.1f} ms, p99 {quantile(sorted(ms), 0.99) - idle:.1f}", bound(name))
        for name, ms in found.items()
    ]


def bound(name: str) -> str:
    """What it may take."""
    return "<= 150 ms" if name == "all panes" else "<= 65 ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", type=Path, default=RECORDED, help="a run's directory")
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--quick", action="store_true", help="a smoke run: 3 times each")
    args = parser.parse_args()
    rows = asyncio.run(measure(args.run.absolute(), 3 if args.quick else args.times))
    show("a full redraw at 120x40: CPU ms, median and 99th percentile", rows)


if __name__ == "__main__":
    main()
