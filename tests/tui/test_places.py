"""Which pane stands where: the order, the keys that change it, and what is remembered of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.driving import Driver, driving, going
from tests.tui.test_app_look import liking
from tui.places import PANES, filled, other, swapped
from tui.remembered import Preferences
from tui.settings import Settings

ORDERS = st.permutations(PANES).map(tuple)


@given(ORDERS, st.sampled_from(PANES), st.sampled_from([-1, 1]), st.sampled_from([4, 6, 8]))
def test_a_swap_and_its_opposite_change_nothing(order: tuple[str, ...], pane: str, by: int, places: int) -> None:
    moved = swapped(order, pane, by, places)
    assert sorted(moved) == sorted(PANES)
    assert swapped(moved, pane, -by, places) == order
    assert (moved == order) == (order.index(pane) >= places)


@given(ORDERS, st.integers(0, 5), st.sampled_from([4, 6]))
def test_every_pane_comes_to_a_place_in_turn(order: tuple[str, ...], at: int, places: int) -> None:
    at = min(at, places - 1)
    seen, now = [order[at]], order
    for _ in range(len(order) - places):
        now = other(now, now[at], places)
        assert sorted(now) == sorted(PANES)
        assert [p for i, p in enumerate(now[:places]) if i != at] == [
            p for i, p in enumerate(order[:places]) if i != at
        ]
        seen.append(now[at])
    assert sorted(seen) == sorted([order[at], *order[places:]])
    assert other(now, now[at], places) == order


@given(st.lists(st.sampled_from([*PANES, "strange"])))
def test_what_is_left_out_comes_last(order: list[str]) -> None:
    whole = filled(order)
    assert sorted(whole) == sorted(PANES)
    assert [p for p in whole if p in order] == list(dict.fromkeys(p for p in order if p in PANES))


def places(driver: Driver) -> list[str]:
    """Ids of the panes that are seen, as they stand: row by row."""
    seen = [p for p in driver.app.run_screen.query(".pane") if p.id in driver.seen()]
    return [p.id or "" for p in sorted(seen, key=lambda p: (p.region.y, p.region.x))]


@pytest.mark.parametrize(("size", "count"), [((120, 40), 4), ((159, 60), 4), ((160, 48), 6), ((200, 60), 6)])
async def test_there_are_more_places_where_there_is_more_room(
    tmp_path: Path, size: tuple[int, int], count: int
) -> None:  # fmt: skip
    async with driving(going(tmp_path), size) as driver:
        assert places(driver) == list(PANES[:count])
        if count == 6:
            await driver.press("5")
            await driver.settle()
            assert places(driver) == list(PANES[:6])
            assert driver.app.run_screen.query_one("#system").has_focus


async def test_a_pane_changes_places_and_it_is_remembered(tmp_path: Path) -> None:
    memory = tmp_path / "remembered.json"
    async with liking(tmp_path, Settings(), memory=memory) as driver:
        await driver.press("right_curly_bracket")
        await driver.settle()
        assert places(driver) == ["metrics", "loss", "layers", "images"]
        assert driver.app.run_screen.query_one("#loss").has_focus
        assert driver.app.state.notice == "places: metrics loss layers images"
        await driver.press("left_curly_bracket", "left_curly_bracket")
        await driver.settle()
        assert places(driver) == ["images", "metrics", "layers", "loss"]
    async with liking(tmp_path, Settings(), memory=memory) as driver:
        assert places(driver) == ["images", "metrics", "layers", "loss"]
        focused = driver.app.focused
        assert focused is not None
        assert focused.id == "images"
        await driver.press("R")
        await driver.settle()
        assert places(driver) == list(PANES[:4])
    assert Preferences(Settings(), memory).settings.panes == PANES


async def test_another_pane_takes_the_place_and_the_keys(tmp_path: Path) -> None:
    async with liking(tmp_path, Settings()) as driver:
        for now in ("system", "log", "confusion", "details", "metrics"):
            await driver.press(*(["2"] if now == "system" else []), "P")
            await driver.settle()
            assert places(driver) == ["loss", now, "layers", "images"]
            assert driver.app.run_screen.query_one(f"#{now}").has_focus
        await driver.press("P", "3", "f", "escape", "2")  # a pane without a place takes all the room
        await driver.settle()
        assert places(driver) == ["metrics"]
        await driver.press("P")
        assert driver.app.state.notice == "metrics has no place among the others at this size"
        await driver.press("escape")
        await driver.settle()
        assert places(driver) == ["loss", "system", "layers", "images"]


async def test_a_maximised_pane_is_put_back_among_the_others(tmp_path: Path) -> None:
    async with liking(tmp_path, Settings(panes=("log", "loss"))) as driver:
        await driver.press("f", "right_curly_bracket")
        await driver.settle()
        assert places(driver) == ["loss", "log", "metrics", "layers"]
        for layout, first in (("wide", "loss"), ("tall", "loss"), ("focus", "log")):
            await driver.press("0")
            await driver.settle()
            assert driver.app.run_screen.arrangement == layout
            assert places(driver)[0] == first
            assert len(places(driver)) == (1 if layout == "focus" else 4)


async def test_one_pane_at_a_time_has_no_places(tmp_path: Path) -> None:
    async with liking(tmp_path, Settings(), (80, 24)) as driver:
        for key in ("P", "right_curly_bracket"):
            await driver.press(key)
            assert driver.app.state.notice == "places: where several panes are seen at once"
            assert driver.app.run_screen.order == PANES
