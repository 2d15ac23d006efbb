"""The ways out of the screen, what becomes of the run, and the exit code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from textual.screen import Screen
from textual.widgets import Static

from miniai.run import events as ev
from miniai.run.requests import Stop
from tests.tui.driving import driving, going
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import Recording
from tui.screens.dialogs import Ask
from tui.screens.run import RunScreen


async def test_quit_and_stop_leaves_when_the_trainer_has_stopped(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.press("q", "s")
        assert isinstance(driver.session.requests[0], Stop)
        assert driver.app.is_running
        driver.session.post(ev.FitEnded(at=9, reason="stopped", step=193))
        await driver.pilot.pause()
    assert driver.app.exit_code == 0
    assert "stopped" in driver.app.summary().splitlines()[0]


async def test_quit_and_leave_it_running(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.press("q", "l")
    assert driver.session.closed.is_set()
    assert not driver.session.requests
    assert not driver.session.killed
    assert driver.app.exit_code == 0
    assert "left running" in driver.app.summary()
    assert "  it goes on; stop it: miniai-tui ctl " in driver.app.summary()


async def test_quit_and_leave_it_paused(tmp_path: Path) -> None:
    session = going(tmp_path)
    async with driving(session) as driver:
        await driver.post(ev.Paused(at=9, epoch=1, phase="train", batch=74, step=192))
        await driver.press("q")
        assert "leave it paused" in words(driver.app.screen)
        await driver.press("l")
    assert not driver.session.requests
    assert "left paused" in driver.app.summary().splitlines()[0]
    assert "  it stands still; let it go on: miniai-tui ctl " in driver.app.summary()


def words(screen: Screen[Any]) -> str:
    """What a popup says."""
    return "\n".join(str(widget.render()) for widget in screen.query(Static))


async def test_quit_and_kill(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.press("q", "k")
    assert driver.session.killed
    assert driver.app.exit_code == 0


async def test_a_thread_worker_is_not_offered_to_run_on(tmp_path: Path) -> None:
    session = going(tmp_path)
    session.can_leave = False
    async with driving(session) as driver:
        await driver.press("q", "l")
        assert isinstance(driver.app.screen, Ask)
        assert "started with --worker thread" in words(driver.app.screen)
        assert "leave it running" not in words(driver.app.screen)
        await driver.press("escape")


async def test_an_attached_screen_leaves_without_asking(tmp_path: Path) -> None:
    session = going(tmp_path)
    session.owns = False
    async with driving(session) as driver:
        await driver.press("q")
    assert session.closed.is_set()
    assert not session.requests
    assert driver.app.exit_code == 0


async def test_when_the_run_is_over_the_screen_stays_until_q(tmp_path: Path) -> None:
    async with driving(FakeSession(tmp_path, Recording(epochs=2).whole())) as driver:
        assert "✓ done" in driver.text("header")
        assert "2/2 epochs" in driver.text("header")
        await driver.press("space", "e", "s")
        assert not driver.session.requests
        assert isinstance(driver.app.screen, RunScreen)
        await driver.press("q")
    assert driver.app.exit_code == 0
    assert "done" in driver.app.summary()


async def test_a_failed_run_ends_with_code_1(tmp_path: Path) -> None:
    failed = ev.FitEnded(at=9, reason="failed", step=74, error="out of memory")
    async with driving(FakeSession(tmp_path, [*Recording().until(0, 74), failed])) as driver:
        assert "✗ failed" in driver.text("header")
        assert "out of memory" in driver.text("header")
        await driver.press("q")
    assert driver.app.exit_code == 1
