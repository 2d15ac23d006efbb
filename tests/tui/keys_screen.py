"""What the keys that arrange the screen do, seen to happen in a real run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.tui.keys_run import Check
from tests.tui.real import Real
from tui.places import PANES
from tui.screens.help import Help
from tui.screens.run import RunScreen
from tui.settings import LAYOUTS

__all__ = [
    "first_places",
    "go",
    "go_extra",
    "maximise",
    "next_layout",
    "next_theme",
    "other_pane",
    "out",
    "redraw",
    "show_help",
    "swaps",
]


async def next_layout(real: Real, key: str) -> None:
    seen = []
    for _ in LAYOUTS:
        seen.append(real.app.run_screen.arrangement)
        real.press(key)
        await real.until(lambda: real.app.run_screen.arrangement != seen[-1])
    assert sorted(seen) == sorted(LAYOUTS)
    assert real.app.run_screen.arrangement == seen[0]


def swaps(by: int) -> Check:
    async def check(real: Real, key: str) -> None:
        screen = real.app.run_screen
        before, at = screen.order, screen.order.index(screen.shown)
        real.press(key)
        await real.until(lambda: screen.order != before)
        assert screen.order.index(screen.shown) == (at + by) % screen.places
        assert screen.order[at] == before[(at + by) % screen.places]

    return check


async def other_pane(real: Real, key: str) -> None:
    screen = real.app.run_screen
    at, hidden = screen.order.index(screen.shown), screen.order[screen.places]
    real.press(key)
    await real.until(lambda: screen.order[at] == hidden and screen.query_one(f"#{hidden}").has_focus)


async def first_places(real: Real, key: str) -> None:
    real.press(key)
    await real.until(lambda: real.app.run_screen.order == PANES)


def go(pane: str) -> Check:
    async def check(real: Real, key: str) -> None:
        target = real.app.run_screen.query_one(f"#{pane}")
        real.press("4" if pane == "loss" else "1")
        await real.until(lambda: not target.has_focus)
        real.press(key)
        await real.until(lambda: target.has_focus)

    return check


def go_extra(pane: str, shown: Callable[[Real], object]) -> Check:
    """A pane that takes all the room at this size."""

    async def check(real: Real, key: str) -> None:
        real.press(key)
        await real.until(lambda: real.app.run_screen.has_class("-full"))
        await real.until(lambda: real.app.run_screen.query_one(f"#{pane}").has_focus and shown(real))
        real.press("escape")
        await real.until(lambda: not real.app.run_screen.has_class("-full"))

    return check


async def maximise(real: Real, key: str) -> None:
    real.press(key)
    await real.until(lambda: real.app.run_screen.has_class("-full"))
    real.press(key)
    await real.until(lambda: not real.app.run_screen.has_class("-full"))


async def out(real: Real, key: str) -> None:
    real.press("f")
    await real.until(lambda: real.app.run_screen.has_class("-full"))
    real.press(key)
    await real.until(lambda: not real.app.run_screen.has_class("-full"))


async def next_theme(real: Real, key: str) -> None:
    before = real.app.theme
    real.press(key)
    await real.until(lambda: real.app.theme != before)


async def show_help(real: Real, key: str) -> None:
    real.press(key)
    await real.until(lambda: isinstance(real.app.screen, Help))
    real.press("escape")
    await real.until(lambda: isinstance(real.app.screen, RunScreen))


async def redraw(real: Real, key: str) -> None:
    drawn: list[RunScreen] = []

    def note(screen: RunScreen) -> None:
        drawn.append(screen)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunScreen, "redraw_all", note)
        real.press(key)
        await real.until(lambda: drawn == [real.app.run_screen])
