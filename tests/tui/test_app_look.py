"""Layouts, themes, remapped keys, the help made of them, and slow links."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.content import Content

from miniai.run import events as ev
from miniai.run.requests import Pause, SkipBatch, SkipEpoch
from tests.tui.driving import Driver, going
from tui.app import MonitorApp
from tui.keys import GROUPS
from tui.panes.layers import LayersPane
from tui.panes.loss import LossPane
from tui.remembered import Preferences
from tui.screens.help import Help, help_lines, pane_keys
from tui.settings import CALM, LAYOUTS, THEMES, Settings

PANES = {"loss", "metrics", "layers", "images"}


@asynccontextmanager
async def liking(
    tmp_path: Path, settings: Settings, size: tuple[int, int] = (120, 40), memory: Path | None = None
) -> AsyncIterator[Driver]:
    """The app of a user with these settings."""
    clock = [100.0]
    session = going(tmp_path)
    app = MonitorApp(session, clock=lambda: clock[0], preferences=Preferences(settings, memory))
    async with app.run_test(size=size) as pilot:
        driver = Driver(app, pilot, session, clock)
        await driver.settle()
        yield driver


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [(120, 40), (100, 30), (200, 60), (300, 80), (80, 24), (60, 15)])
async def test_every_layout_fits_every_size(tmp_path: Path, layout: str, size: tuple[int, int]) -> None:
    async with liking(tmp_path, Settings(layout=layout), size) as driver:
        one = layout == "focus" or size < (100, 30)
        assert driver.seen() & PANES == ({"loss"} if one else PANES)
        shown = [p.region for p in driver.app.run_screen.query(".pane") if p.id in driver.seen()]
        for region in shown:
            assert region.right <= size[0]
            assert 2 <= region.y < region.bottom <= size[1] - 1
        assert not any(a.overlaps(b) for i, a in enumerate(shown) for b in shown[:i])


async def test_wide_is_wide_and_tall_is_tall(tmp_path: Path) -> None:
    async with liking(tmp_path, Settings(layout="wide")) as driver:
        screen = driver.app.run_screen
        loss, layers = screen.pane(LossPane), screen.pane(LayersPane)
        assert loss.region.width == 120
        await driver.press("0")
        await driver.settle()
        assert screen.arrangement == "tall"
        assert layers.region.height == 40 - 3
        assert "layout tall" in driver.text("header") or driver.app.state.notice == "layout tall"
        await driver.press("3", "f")
        await driver.settle()
        assert layers.region.size == (120, 37)
        await driver.press("escape")
        await driver.settle()
        assert driver.seen() >= PANES


async def test_0_goes_through_all_layouts_and_ends_a_maximised_pane(tmp_path: Path) -> None:
    memory = tmp_path / "state" / "remembered.json"
    async with liking(tmp_path, Settings(), memory=memory) as driver:
        await driver.press("f")
        for name in [*LAYOUTS[1:], LAYOUTS[0], LAYOUTS[1]]:
            await driver.press("0")
            assert driver.app.run_screen.arrangement == name
            assert not driver.app.run_screen.has_class("-full")
    assert Preferences(Settings(), memory).settings.layout == LAYOUTS[1]


async def test_where_one_pane_has_room_it_says_that_the_layout_is_not_seen(tmp_path: Path) -> None:
    async with liking(tmp_path, Settings(), (80, 24)) as driver:
        await driver.press("0")
        assert driver.app.state.notice == "layout wide: seen where there is more room"
        await driver.pilot.resize_terminal(120, 40)
        await driver.settle()
        assert driver.seen() >= PANES
        assert driver.app.run_screen.pane(LossPane).region.width == 120


@pytest.mark.parametrize("theme", THEMES)
async def test_a_theme_is_set_and_t_remembers_the_next(tmp_path: Path, theme: str) -> None:
    memory = tmp_path / "remembered.json"
    async with liking(tmp_path, Settings(theme=theme), memory=memory) as driver:
        assert driver.app.theme == f"miniai-{theme}"
        await driver.press("t")
        following = THEMES[(THEMES.index(theme) + 1) % len(THEMES)]
        assert driver.app.theme == f"miniai-{following}"
    assert Preferences(Settings(theme=theme), memory).settings.theme == following


async def test_remapped_keys_do_it_and_footer_and_help_say_so(tmp_path: Path) -> None:
    keys = {"skip_batch": "e", "skip_epoch": "b", "pause": "ctrl+p, P", "help": "f1"}
    keys["pause"] = "P"
    async with liking(tmp_path, Settings(keys=keys)) as driver:
        await driver.press("e", "b", "space", "P")
        assert [type(r) for r in driver.session.requests] == [SkipBatch, SkipEpoch, Pause]
        text = driver.text("keys")
        assert "P pause" in text
        assert "e b skip" in text
        await driver.press("question_mark")
        assert not isinstance(driver.app.screen, Help)
        await driver.press("f1")
        assert isinstance(driver.app.screen, Help)
        await driver.press("f1")
        assert not isinstance(driver.app.screen, Help)


def test_the_help_has_every_key_and_marks_the_user_s() -> None:
    lines = help_lines({"skip_batch": "["}, {"layers": pane_keys(LayersPane), "loss": [], "bare": []})
    text = "\n".join(lines)
    assert r"\[[/]  skip the next batch" in text
    assert "yours; it was b" in text
    assert "While layers has the focus" in text
    assert "While bare" not in text
    assert "skip_batch" in text
    assert "tab" in text
    assert sum("skip the next batch" in line for line in lines) == 1


async def test_the_help_is_drawn_from_the_running_app(tmp_path: Path) -> None:
    async with liking(tmp_path, Settings()) as driver:
        await driver.press("question_mark", "down", "pagedown", "end")
        assert isinstance(driver.app.screen, Help)
        await driver.press("q")
        assert driver.app.is_running
        assert not isinstance(driver.app.screen, Help)


async def test_calm_draws_rarely_and_answers_keys_at_once(tmp_path: Path) -> None:
    async with liking(tmp_path, Settings(calm=True)) as driver:
        screen, state = driver.app.run_screen, driver.app.state
        pane = screen.pane(LayersPane)
        turn = CALM * pane.every
        pane.show(state, 100 * turn)
        state.apply(ev.LayersMeasured(at=9, step=999, means=[0.0] * 9, stds=[1.0] * 9, near_zero=[0.0] * 9,
                                      nonfinite=[0] * 9))  # fmt: skip
        assert not pane.wants(state, 101 * turn - 0.1)
        assert pane.wants(state, 101 * turn)
        await driver.press("space")
        assert "pausing …" in driver.text("header")
        before = driver.text("loss")
        await driver.press("y")
        assert driver.text("loss") != before


@pytest.mark.parametrize("width", [40, 56, 70, 99, 100])
def test_no_tooltip_of_the_help_is_cut(width: int) -> None:
    lines = [Content.from_markup(line).plain for line in help_lines({}, {"layers": pane_keys(LayersPane)}, width)]
    text = " ".join(" ".join(lines).split())
    for _, bindings in GROUPS:
        for binding in bindings:
            assert " ".join(binding.tooltip.split()) in text, binding.tooltip
    if 56 <= width < 100:
        assert max(map(len, lines)) <= width


async def test_the_help_is_whole_at_every_size_and_follows_the_terminal(tmp_path: Path) -> None:
    async with liking(tmp_path, Settings(), (60, 15)) as driver:
        await driver.press("question_mark")
        for size in ((60, 15), (140, 40), (80, 24), (60, 15)):
            await driver.pilot.resize_terminal(*size)
            await driver.pilot.pause()
            box = driver.app.screen.query_one("#help")
            text = driver.app.screen.query_one("#help Static")
            lines = [text.render_line(y).text.rstrip() for y in range(text.size.height)]
            assert [line for line in lines if "…" in line] == [], size
            assert text.size.width <= box.size.width
            assert any("Stand still after the running batch," in line for line in lines)
