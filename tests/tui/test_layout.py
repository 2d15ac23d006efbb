"""Which panes are seen at which size, and that everything fits."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.driving import driving, going
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import Recording
from tui.panes.base import Pane

PANES = {"loss", "metrics", "layers", "images"}


@pytest.mark.parametrize("size", [(120, 40), (200, 60), (100, 30)])
async def test_all_panes_where_there_is_room(tmp_path: Path, size: tuple[int, int]) -> None:
    async with driving(going(tmp_path), size) as driver:
        assert driver.seen() >= PANES | {"header", "keys"}
        assert "newest" not in driver.seen()
        for pane in driver.app.run_screen.query(".pane").exclude(".extra"):
            assert pane.region.right <= size[0]
            assert pane.region.bottom <= size[1] - 1
            assert pane.content_size.area > 0


@pytest.mark.parametrize("size", [(80, 24), (60, 15), (99, 60), (200, 20)])
async def test_one_pane_at_a_time_where_there_is_less(tmp_path: Path, size: tuple[int, int]) -> None:
    async with driving(going(tmp_path), size) as driver:
        assert driver.seen() & PANES == {"loss"}
        assert driver.seen() >= {"header", "newest", "keys"}
        for key, name in zip("1234", ["loss", "metrics", "layers", "images"], strict=True):
            await driver.press(key)
            await driver.settle()
            assert driver.seen() & PANES == {name}
            focused = driver.app.focused
            assert focused is not None
            assert focused.id == name
            assert focused.region.width == size[0]
        for _ in driver.app.run_screen.query(".pane.extra"):
            await driver.press("tab")
            await driver.settle()
            assert driver.seen() & PANES == set()
        await driver.press("tab")
        await driver.settle()
        assert driver.seen() & PANES == {"loss"}


@pytest.mark.parametrize("size", [(59, 20), (80, 14), (20, 5), (1, 1)])
async def test_too_small_says_so_and_recovers(tmp_path: Path, size: tuple[int, int]) -> None:
    async with driving(going(tmp_path), size) as driver:
        assert driver.seen() & (PANES | {"header"}) == set()
        widget = driver.app.run_screen.query_one("#too-small")
        text = " ".join(widget.render_line(y).text for y in range(widget.size.height))
        if size[0] > 30:
            assert "60x15 needed" in text
            assert "training" not in text  # true of a run that is over, of a replay and of a comparison too
        await driver.pilot.resize_terminal(120, 40)
        await driver.settle()
        assert driver.seen() >= PANES
        assert "train" in driver.text("metrics")


async def test_keys_that_go_elsewhere_do_nothing_where_the_screen_is_too_small(tmp_path: Path) -> None:
    async with driving(going(tmp_path), (59, 20)) as driver:
        away = ("tab", "shift+tab", "f", "f", "right_curly_bracket", "left_curly_bracket", "P", "R", "enter", "escape")
        await driver.press(*away)
        assert driver.seen() & PANES == set()
        await driver.pilot.resize_terminal(120, 40)
        await driver.settle()
        assert driver.seen() >= PANES


async def test_down_to_one_cell_and_back(tmp_path: Path) -> None:
    async with driving(going(tmp_path), (120, 40)) as driver:
        before = driver.text("metrics")
        for size in ((1, 1), (80, 24), (200, 60), (1, 1), (120, 40)):
            await driver.pilot.resize_terminal(*size)
            await driver.settle()
        assert driver.text("metrics") == before


async def test_maximise_and_one_step_out(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.press("3")
        await driver.settle()
        await driver.press("f")
        await driver.settle()
        assert driver.seen() & PANES == {"layers"}
        await driver.press("2")
        await driver.settle()
        assert driver.seen() & PANES == {"metrics"}
        await driver.press("escape")
        await driver.settle()
        assert driver.seen() >= PANES


async def test_a_pane_without_a_place_takes_the_room_and_gives_it_back(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        for way_out, then in (("escape", "layers"), ("2", "metrics")):
            await driver.press("3")
            await driver.settle()
            for key, name in (("5", "system"), ("7", "confusion")):
                await driver.press(key)
                await driver.settle()
                assert driver.seen() & (PANES | {"system", "confusion"}) == {name}
            await driver.press(way_out)
            await driver.settle()
            assert driver.seen() >= PANES
            assert driver.app.focused is not None
            assert driver.app.focused.id == then
        await driver.press("f", "5")
        await driver.settle()
        assert "system" in driver.seen()
        await driver.press("escape")
        await driver.settle()
        assert driver.seen() >= PANES


async def test_every_title_names_its_key(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        for key, name in zip("1234", ["loss", "metrics", "layers", "images"], strict=True):
            title = driver.app.run_screen.query_one(f"#{name}", Pane).border_title
            assert key in str(title)
            assert name in str(title)


async def test_hidden_panes_are_not_drawn(tmp_path: Path) -> None:
    session = FakeSession(tmp_path, Recording().start())
    async with driving(session, (80, 24)) as driver:
        hidden = driver.app.run_screen.query_one("#metrics", Pane)
        assert not hidden.wants(driver.app.state, 1e9)
        await driver.post(*Recording().half(0, "train"))
        assert not hidden.wants(driver.app.state, 1e9)
        await driver.press("2")
        await driver.settle()
        assert "train" in driver.text("metrics")


async def test_the_first_frame_says_what_will_come(tmp_path: Path) -> None:
    async with driving(FakeSession(tmp_path)) as driver:
        assert "waiting for the trainer" in driver.text("header")
        assert "from the first batch on" in driver.text("loss")
        assert "the first row comes" in driver.text("metrics")
        assert "statistics of every layer" in driver.text("layers")
        assert "images, and what the model" in driver.text("images")


@pytest.mark.parametrize("keys", ["q", "s", "question_mark"])
@pytest.mark.parametrize("size", [(60, 15), (120, 40)])
async def test_dialogs_fit(tmp_path: Path, keys: str, size: tuple[int, int]) -> None:
    async with driving(going(tmp_path), size) as driver:
        await driver.press(keys)
        box = driver.app.screen.query_one("#dialog, #help")
        assert box.region.x >= 0
        assert box.region.right <= size[0]
        assert box.region.y >= 0
        assert box.region.bottom <= size[1]
