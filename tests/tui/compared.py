"""Run directories with recorded journals, for what reads several runs or writes one into files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from textual.pilot import Pilot

from miniai.config import RunConfig, write_config
from miniai.run.directory import RunDir, RunInfo
from miniai.run.events import AnyFact, encode
from tests.tui.recorded import Recording
from tui.compare_app import CompareApp
from tui.compare_runs import Compared, find_runs
from tui.panes.base import Pane

__all__ = ["CompareDriver", "comparing", "lines", "make_run", "resumed", "three"]


def lines(facts: Iterable[AnyFact]) -> bytes:
    """Facts as a journal holds them."""
    return b"".join(encode(fact) + b"\n" for fact in facts)


def make_run(root: Path, name: str, facts: Iterable[AnyFact] | None = None, **config: Any) -> RunDir:
    """A run directory with a whole recorded run, unless other facts are given."""
    run = RunDir(root / name)
    run.path.mkdir(parents=True)
    write_config(run.config_file, RunConfig(**config))
    run.write_info(RunInfo(id=name, created=1.8e9, host="elsewhere", boot="b"))
    run.journal.write_bytes(lines(Recording(epochs=3).whole() if facts is None else facts))
    return run


def three(root: Path) -> list[Compared]:
    """Three runs that differ in model, learning rate and length; the last one is still going on."""
    make_run(root, "20260101-120000-fashion-conv-aa11", model="conv", lr=0.2)
    faster = [
        msgspec.structs.replace(fact, lr=0.5) if type(fact).__name__ == "FitStarted" else fact
        for fact in Recording(epochs=2, seed=1).whole()
    ]
    make_run(root, "20260101-130000-fashion-mlp-bb22", faster, model="mlp", epochs=2)
    make_run(root, "20260101-140000-fashion-conv-cc33", Recording(seed=2).until(1, 60), model="conv", lr=0.2)
    return find_runs(["aa11", "bb22", "cc33"], root)


def resumed(facts: Iterable[AnyFact], step: int, then: Iterable[AnyFact]) -> list[AnyFact]:
    """A journal in which a run was resumed at `step`: what came before, the mark, what came after."""
    from miniai.run.events import RunResumed

    before = list(facts)
    mark = RunResumed(at=before[-1].at, step=step, epoch=1, phase="train", wall=1.9e9, pid=2, host="box")
    return [*before, mark, *then]


class CompareDriver:
    """A running comparison."""

    def __init__(self, app: CompareApp, pilot: Pilot[None], clock: list[float]) -> None:
        self.app, self.pilot, self._clock = app, pilot, clock

    async def settle(self) -> None:
        """Let messages and threads finish, then let every pane look."""
        await self.pilot.pause()
        await self.app.workers.wait_for_complete()
        await self.look()

    async def look(self) -> None:
        """Let every pane look."""
        await self.pilot.pause()
        self._clock[0] += 5
        self.app.run_screen.tick()
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        """Keys, one after another."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    def text(self, id_: str) -> str:
        """What a pane shows, its title first."""
        pane = self.app.run_screen.query_one(f"#{id_}", Pane)
        shown = [pane.render_line(y).text for y in range(pane.content_size.height)]
        return "\n".join([str(pane.border_title), *shown])


@asynccontextmanager
async def comparing(
    runs: Sequence[Compared], size: tuple[int, int] = (120, 40), follow: bool = False
) -> AsyncIterator[CompareDriver]:
    """The app on these runs, everything drawn; with `follow` the journals are watched."""
    clock = [100.0]
    app = CompareApp(runs, clock=lambda: clock[0], follow=follow)
    async with app.run_test(size=size) as pilot:
        driver = CompareDriver(app, pilot, clock)
        if not follow:
            await driver.settle()
            await driver.look()
        yield driver
