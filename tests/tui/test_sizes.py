"""Any size, from one cell to 300x80 and back, for every screen: with popups open, and in the middle of drawing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from miniai.run import events as ev
from tests.tui.driving import Driver, driving
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import Recording
from tests.tui.small_apps import dataset_session, driving_app, search, search_session
from tui.data_app import DataApp
from tui.lr_find_app import LRFindApp
from tui.panes.base import Pane

SIZES = [
    (1, 1), (2, 1), (1, 2), (300, 1), (1, 80), (7, 3), (20, 5), (59, 80), (300, 14), (60, 15), (61, 16), (80, 24),
    (99, 30), (100, 29), (100, 30), (120, 40), (160, 48), (200, 60), (300, 80),
]  # fmt: skip
THERE_AND_BACK = [*SIZES, *SIZES[-2::-1]]
FEW = [(1, 1), (300, 1), (59, 80), (60, 15), (80, 24), (120, 40), (300, 80), (2, 1), (100, 30)]
"""For what lies over a screen."""
Make = Callable[[Path], AbstractAsyncContextManager[Driver]]


def run(folder: Path) -> AbstractAsyncContextManager[Driver]:
    return driving(FakeSession(folder, Recording(epochs=3).until(1, 40)))


def rates(folder: Path) -> AbstractAsyncContextManager[Driver]:
    return driving_app(LRFindApp, search_session(folder, search(20, end=False)))


def data(folder: Path) -> AbstractAsyncContextManager[Driver]:
    return driving_app(DataApp, dataset_session(folder))


SCREENS: dict[str, Make] = {"run": run, "lr-find": rates, "data": data}
POPUPS: dict[str, list[str]] = {
    "run": ["", "s", "q", "question_mark", "ctrl+p", "L", "E", "f", "slash"],
    "lr-find": ["", "q", "question_mark", "ctrl+p"],
    "data": ["", "question_mark", "ctrl+p", "f"],
}
CASES = [(screen, key) for screen, keys in POPUPS.items() for key in keys]


@asynccontextmanager
async def opened(screen: str, folder: Path, key: str) -> AsyncIterator[Driver]:
    async with SCREENS[screen](folder) as driver:
        if key:
            await driver.press(key)
        yield driver


def in_place(driver: Driver) -> None:
    """Every pane that is seen lies on the screen and has exactly as many cells as it has room for."""
    width, height = driver.app.size
    for pane in driver.app.run_screen.query(Pane):
        if not pane.visible_now or pane.size.area == 0:
            continue
        assert pane.region.right <= width
        assert pane.region.bottom <= height
        for y in range(pane.content_size.height):
            assert pane.render_line(y).cell_length == pane.content_size.width, (pane.id, driver.app.size)


@pytest.mark.parametrize(("screen", "key"), CASES)
async def test_there_and_back(tmp_path: Path, screen: str, key: str) -> None:
    async with opened(screen, tmp_path, key) as driver:
        for size in FEW if key else THERE_AND_BACK:
            await driver.pilot.resize_terminal(*size)
            await driver.pilot.pause()  # on a busy machine the new layout may be a message behind
            driver.app.run_screen.tick()
            assert driver.app.size == size
            if not key:
                in_place(driver)
        await driver.pilot.resize_terminal(120, 40)
        await driver.press("escape")
        if driver.app.is_running:  # `data` leaves by esc if nothing is open
            await driver.settle()
            in_place(driver)


@pytest.mark.parametrize("screen", list(SCREENS))
async def test_what_was_seen_is_seen_again(tmp_path: Path, screen: str) -> None:
    async with SCREENS[screen](tmp_path) as driver:
        await driver.settle()
        ids = [pane.id for pane in driver.app.run_screen.query(Pane) if pane.id and pane.visible_now]
        before = {id_: driver.text(id_) for id_ in ids}
        assert ids
        for size in FEW:
            await driver.pilot.resize_terminal(*size)
        await driver.pilot.resize_terminal(120, 40)
        await driver.settle()
        assert {id_: driver.text(id_) for id_ in ids} == before


@pytest.mark.parametrize("seed", range(3))
async def test_in_the_middle_of_drawing(tmp_path: Path, seed: int) -> None:
    """Facts and sizes come between each other, and nobody waits for anything to be drawn."""
    session = FakeSession(tmp_path, Recording().start())
    facts = list(Recording(epochs=2, seed=seed).whole())[6:]
    async with driving(session) as driver:
        sizes = THERE_AND_BACK[seed::3]
        each = len(facts) // len(sizes) + 1
        for i, (width, height) in enumerate(sizes):
            session.post(*facts[i * each : (i + 1) * each])
            await driver.pilot.resize_terminal(width, height)
            driver.app.run_screen.tick()
        await driver.pilot.resize_terminal(120, 40)
        await driver.settle()
        in_place(driver)
        assert driver.app.state.step == 236
        assert "done" in driver.text("header")


async def test_a_search_that_ends_where_nothing_can_be_seen(tmp_path: Path) -> None:
    facts = [*search()]
    session = search_session(tmp_path, iter(facts[:8]))
    async with driving_app(LRFindApp, session) as driver:
        await driver.pilot.resize_terminal(1, 1)
        await driver.post(*facts[8:])
        await driver.pilot.resize_terminal(80, 24)
        await driver.settle()
        assert "learning rate 0.02" in driver.text("advice")


async def test_a_dataset_that_comes_where_nothing_can_be_seen(tmp_path: Path) -> None:
    session = dataset_session(tmp_path, loaded=False)
    loaded = dataset_session(tmp_path).facts[4:]
    async with driving_app(DataApp, session) as driver:
        await driver.pilot.resize_terminal(2, 1)
        await driver.post(*loaded, ev.FitEnded(at=9, reason="done", step=0))
        await driver.pilot.resize_terminal(80, 24)
        await driver.settle()
        assert "T-shirt" in driver.text("samples")
