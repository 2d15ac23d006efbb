"""The keys and the mouse of the loss chart, pressed in a running app."""

from __future__ import annotations

from pathlib import Path

from textual.events import MouseScrollUp
from textual.geometry import Offset

from miniai.run import events as ev
from tests.tui.driving import driving, going
from tui.panes.loss import LossPane


def zoom(pane: LossPane) -> tuple[float, ...]:
    """The window that stands still, empty if there is none."""
    return pane.view.zoom or ()


def cross(pane: LossPane) -> int:
    """The crosshair's step, 0 if there is none."""
    return pane.view.cross or 0


async def test_keys_of_the_screen_reach_the_chart_from_anywhere(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.press("2", "r")
        assert "recent fifth" in driver.text("loss")
        await driver.press("r")
        assert "follow 500 steps" in driver.text("loss")
        await driver.press("r", "x")
        assert "full · by epochs" in driver.text("loss")
        assert "epoch" in driver.text("loss").splitlines()[-1]
        await driver.press("x")
        assert "time 0:00" in driver.text("loss").splitlines()[-1]
        await driver.press("x", "plus", "plus")
        assert "smooth ~100" in driver.text("loss")
        await driver.press("minus", "minus", "minus")
        assert "not smoothed" in driver.text("loss")
        await driver.press("o")
        assert "hidden" in driver.text("loss")
        await driver.press("g")
        assert driver.text("loss").startswith("1 accuracy ─") or "accuracy ─" in driver.text("loss").splitlines()[0]


async def test_zoom_and_pan_by_key(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        pane = driver.app.run_screen.pane(LossPane)
        await driver.press("1", "right_square_bracket")
        assert zoom(pane)
        low, high = zoom(pane)
        assert "steps 32 to 165" in driver.text("loss")
        await driver.press("less_than_sign")
        assert zoom(pane) == (0, high - low)
        await driver.press("greater_than_sign", "right")
        assert zoom(pane)[0] > 60
        await driver.press("home")
        assert zoom(pane)[0] == 0
        await driver.press("down", "left_square_bracket", "left_square_bracket")
        assert not zoom(pane)
        await driver.press("up", "end")
        assert zoom(pane)
        assert zoom(pane)[1] >= 192


async def test_the_crosshair_moves_and_goes(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        pane = driver.app.run_screen.pane(LossPane)
        await driver.press("3", "i")
        assert pane.has_focus
        assert cross(pane) == 192
        assert "step    192" in driver.text("loss")
        await driver.press("left")
        first = cross(pane)
        assert first < 192
        await driver.press("shift+left")
        assert first - cross(pane) > 10
        assert f"step    {cross(pane)}" in driver.text("loss")
        await driver.press("home")
        assert cross(pane) == 1
        await driver.press("end")
        assert cross(pane) == 192
        await driver.press("escape")
        assert not cross(pane)
        await driver.press("f", "escape")
        assert not driver.app.run_screen.has_class("-full")


async def test_the_wheel_zooms_a_click_puts_the_crosshair_and_dragging_moves(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        pane = driver.app.run_screen.pane(LossPane)
        place = Offset(30, 6)
        await driver.pilot.click("#loss", offset=place)
        assert cross(pane)
        axis = pane.view.axis(driver.app.state)
        column = 30 - 2 - 7  # border, padding, labels
        assert abs(axis.cell(cross(pane), pane.content_size.width - 7, 2) - column) <= 1
        await driver.press("i")
        assert not cross(pane)
        await driver.pilot._post_mouse_events([MouseScrollUp], "#loss", offset=place)
        await driver.pilot.pause()
        assert zoom(pane)
        before = zoom(pane)
        await driver.pilot.mouse_down("#loss", offset=place)
        await driver.pilot.hover("#loss", offset=Offset(40, 6))
        await driver.pilot.mouse_up("#loss", offset=Offset(40, 6))
        await driver.pilot.pause()
        assert zoom(pane)[0] < before[0]
        assert not cross(pane)


async def test_marks_of_every_control_and_of_alerts_do_not_overlap(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.post(
            ev.Alerted(at=9, topic="spike", text="the loss jumped", step=100),
            ev.Paused(at=9, epoch=1, phase="train", batch=74, step=192),
            ev.StopPlanned(at=9, when="epoch", epoch=1),
        )
        text = driver.text("loss")
        assert "! spike" in text
        assert "■ stop after epoch" in text
        await driver.press("1", "pageup")
        text = driver.text("loss")
        assert "stop asked for after this epoch" in text
        assert "paused" in text
        await driver.press("pageup")
        assert cross(driver.app.run_screen.pane(LossPane)) == 100
        assert "the loss jumped" in driver.text("loss")
        await driver.press("pageup")
        assert cross(driver.app.run_screen.pane(LossPane)) == 100
        await driver.press("pagedown")
        assert cross(driver.app.run_screen.pane(LossPane)) == 192


async def test_an_empty_chart_takes_every_key(tmp_path: Path) -> None:
    from tests.tui.fake_session import FakeSession

    async with driving(FakeSession(tmp_path)) as driver:
        await driver.press(
            "1", "r", "g", "plus", "minus", "x", "o", "right_square_bracket", "less_than_sign", "i", "left"
        )
        assert driver.app.is_running
