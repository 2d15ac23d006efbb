"""The layers' pane: its keys, its cursor, and one layer opened."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from miniai.run import events as ev
from tests.tui.driving import Driver, driving, going
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import LAYERS, Recording
from tests.tui.test_panes_contract import SIZES, check, states
from tui.panes.heatmap import Cursor
from tui.panes.layers import LayersPane
from tui.panes.lines import Frame


def pane_of(driver: Driver) -> LayersPane:
    return driver.app.run_screen.pane(LayersPane)


async def test_m_goes_through_all_statistics_and_back(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        titles = []
        for _ in range(6):
            titles.append(driver.text("layers").split("\n")[0])
            await driver.press("m")
        assert [t.split("─ ")[1] for t in titles] == [
            "mean of activations", "standard deviation of activations", "share of activations near zero",
            "gradient norm", "update-to-weight ratio", "mean of activations",
        ]  # fmt: skip


async def test_arrows_read_and_escape_steps_out(tmp_path: Path) -> None:
    async with driving(going(tmp_path), (200, 48)) as driver:
        await driver.press("3")
        assert str(pane_of(driver).border_subtitle) == "m statistic · arrows read · enter opens"
        await driver.press("down")
        assert pane_of(driver).cursor == Cursor(0)
        await driver.press("down", "left", "left")
        assert pane_of(driver).cursor == Cursor(1, 174)
        read = driver.text("layers").rstrip().split("\n")[-2:]
        assert read[0].startswith("0.1 ReLU  step 174  mean ")
        assert read[1] == "now healthy: no rule says otherwise"
        await driver.press("right", "right")
        assert pane_of(driver).cursor == Cursor(1)
        await driver.press("up", "up", "up")
        assert pane_of(driver).cursor == Cursor(0)
        await driver.press("end")
        assert pane_of(driver).cursor == Cursor(len(LAYERS) - 1)
        await driver.press("escape")
        assert pane_of(driver).cursor is None
        await driver.press("f", "escape")
        assert not driver.app.run_screen.has_class("-full")
        await driver.press("1")
        assert not pane_of(driver).border_subtitle


async def test_a_cursor_at_a_step_stays_there_and_at_the_newest_goes_along(tmp_path: Path) -> None:
    run = Recording()
    async with driving(FakeSession(tmp_path, run.until(0, 64))) as driver:
        await driver.press("3", "down")
        for step in (72, 80):
            run.step = step
            await driver.post(run.measured())
            assert f"step {step} " in driver.text("layers")
        await driver.press("left")
        run.step = 88
        await driver.post(run.measured())
        assert "step 72 " in driver.text("layers")


async def test_hundreds_of_layers_scroll_with_the_cursor_and_the_wheel(tmp_path: Path) -> None:
    many = [ev.Layer(str(i), "Linear", "10>10") for i in range(300)]
    async with driving(FakeSession(tmp_path, Recording(layers=many).until(0, 64))) as driver:
        await driver.press("3", "pagedown", "pagedown")
        pane = pane_of(driver)
        assert pane.cursor is not None
        assert 0 < pane.offset_rows <= pane.cursor.layer < 60
        shown = driver.text("layers")
        assert f"\n{pane.cursor.layer} " in shown
        await driver.press("end")
        assert "\n299 " in driver.text("layers")
        assert "more below" not in driver.text("layers")
        await driver.press("home")
        assert "\n0 " in driver.text("layers")
        pane.on_mouse_scroll_down()
        assert driver.text("layers").split("\n")[1].startswith("1 ")


async def test_enter_opens_the_layer_live_and_escape_closes_it(tmp_path: Path) -> None:
    run = Recording()
    async with driving(FakeSession(tmp_path, run.until(1, 74))) as driver:
        await driver.press("3", "down", "down", "down", "enter")
        assert driver.seen() & {"loss", "layers"} == {"layers"}
        text = driver.text("layers")
        assert "1.0  Conv2d 8>16" in text
        assert "healthy: no rule says otherwise" in text
        assert "layer 3 of 9" in text
        assert "to step 190" in text
        assert "update/weight 0.0021" in text
        await driver.press("down")
        assert "1.1  ReLU   no parameters" in driver.text("layers")
        await driver.press("left")
        assert "at step 182" in driver.text("layers")
        run.step = 400
        await driver.post(run.measured())
        assert "at step 182" in driver.text("layers")
        await driver.press("right", "right", "right")
        assert "to step 400" in driver.text("layers")
        await driver.press("escape")
        assert "loss" in driver.seen()
        assert pane_of(driver).cursor == Cursor(3)


async def test_opening_keeps_a_filled_screen_filled(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.press("3", "f", "enter", "escape")
        assert driver.app.run_screen.has_class("-full")
        assert not pane_of(driver).opened


async def test_a_click_puts_the_cursor_there(tmp_path: Path) -> None:
    async with driving(going(tmp_path), (200, 48)) as driver:
        lines = driver.text("layers").split("\n")
        at = next(i for i, text in enumerate(lines) if text.startswith("1.0 Conv2d"))
        start = len("2.0 Conv2d 16>32") + 1
        await driver.pilot.click("#layers", offset=(2 + start + 4, at))
        await driver.pilot.pause()
        cursor = pane_of(driver).cursor
        assert cursor is not None
        assert cursor.layer == 2
        assert cursor.step is not None
        assert 8 <= cursor.step <= 40


@pytest.mark.parametrize("facts", [[], list(Recording().start()), list(Recording(layers=[]).until(0, 40))])
async def test_with_nothing_to_read_keys_do_nothing(tmp_path: Path, facts: list[ev.AnyFact]) -> None:
    async with driving(FakeSession(tmp_path, facts)) as driver:
        await driver.press("3", "down", "left", "pagedown", "enter", "end")
        assert pane_of(driver).cursor is None
        assert not pane_of(driver).opened
        await driver.pilot.click("#layers", offset=(9, 3))


async def test_another_run_closes_what_was_open(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.press("3", "end", "enter")
        await driver.post(*Recording(layers=LAYERS[:2]).until(0, 40))
        assert not pane_of(driver).opened
        assert "layers ─" in driver.text("layers")


async def test_any_state_at_any_size_with_a_cursor_and_opened(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        pane = pane_of(driver)
        for state in states().values():
            state.apply(Recording().histograms())
            for opened in (False, True):
                for step in (None, 1, 90):
                    for width, height in SIZES:
                        pane.cursor, pane.opened = Cursor(4, step), opened
                        check(pane, state, Frame(width, height, pane.look))


async def test_a_fit_that_measures_no_layers_closes_the_one_that_was_open(tmp_path: Path) -> None:
    async with driving(going(tmp_path), (120, 40)) as driver:
        await driver.press("3", "down", "enter")
        assert pane_of(driver).opened
        start = next(fact for fact in Recording().start() if isinstance(fact, ev.FitStarted))
        await driver.post(msgspec.structs.replace(start, layers=[]))
        assert not pane_of(driver).opened
        assert "no layer is measured in this run" in driver.text("layers")
        await driver.press("down", "enter", "escape")
