"""Every key of the map against a real trainer process and a real trainer thread: what it does is seen to happen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.app import App

from miniai.run import events as ev
from tests.tui.real import Real, both, fit
from tui.keys import GROUPS
from tui.panes.images import ImagesPane
from tui.panes.layers import LayersPane
from tui.panes.loss import LossPane
from tui.screens.help import Help
from tui.screens.run import RunScreen

Check = Callable[[Real, str], Awaitable[None]]


async def pause(real: Real, key: str) -> None:
    real.press(key)
    await real.until(lambda: real.state.paused)
    paused = real.journal(ev.Paused)[-1]
    assert (paused.batch, paused.step) == (real.state.progress.batch, real.state.step)
    real.press(key)
    await real.until(lambda: not real.state.paused)
    await goes_on(real)


async def step(real: Real, key: str) -> None:
    for _ in range(2):
        before = len(real.journal(ev.Paused))
        real.press(key)
        await real.until(lambda before=before: len(real.journal(ev.Paused)) > before)  # type: ignore[misc]
        await real.until(lambda: real.state.paused)
    first, second = real.journal(ev.Paused)[-2:]
    assert second.batch - first.batch == 1 or second.phase != first.phase
    real.press("space")
    await real.until(lambda: not real.state.paused)


async def skip(real: Real, key: str, kind: type[ev.Fact]) -> None:
    """Until one is done: a press on the last batch of a half is refused."""
    before = len(real.journal(kind))
    while len(real.journal(kind)) == before:
        answers = len(real.journal(kind, ev.Refused))
        real.press(key)
        await real.until(lambda answers=answers: len(real.journal(kind, ev.Refused)) > answers)  # type: ignore[misc]
    assert len(real.journal(kind)) == before + 1


async def skip_batch(real: Real, key: str) -> None:
    await skip(real, key, ev.BatchSkipped)
    await goes_on(real)


async def skip_epoch(real: Real, key: str) -> None:
    await skip(real, key, ev.EpochSkipped)
    skipped = real.journal(ev.EpochSkipped)[-1]
    row = (skipped.epoch, skipped.phase, "skipped")
    await real.until(lambda: row in [(r.epoch, r.phase, r.ended) for r in real.state.rows])
    await goes_on(real)


async def asks(real: Real, key: str) -> None:
    """Nothing happens before the answer, and nothing by a no."""
    await real.ask(key)
    await goes_on(real)
    real.press("escape")
    await real.until(lambda: isinstance(real.app.screen, RunScreen))
    assert real.state.status in ("training", "validating")


async def stop(real: Real, key: str) -> None:
    await asks(real, key)
    await real.ask(key)
    real.press("s")
    await real.until(lambda: real.state.over)
    assert [f.reason for f in real.journal(ev.FitEnded)] == ["stopped"]


async def suspend(real: Real, key: str) -> None:
    """The thread worker's training would stand still with the screen."""
    suspended: list[App[None]] = []

    def note(app: App[None]) -> None:
        suspended.append(app)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(App, "action_suspend_process", note)
        real.press(key)
        if real.app.session.can_leave:
            await real.until(lambda: suspended)
        else:
            await real.until(lambda: "not suspended" in real.header)
    assert bool(suspended) == real.app.session.can_leave


def go(pane: str) -> Check:
    async def check(real: Real, key: str) -> None:
        target = real.app.run_screen.query_one(f"#{pane}")
        real.press("4" if pane == "loss" else "1")
        await real.until(lambda: not target.has_focus)
        real.press(key)
        await real.until(lambda: target.has_focus)

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


async def log_y(real: Real, key: str) -> None:
    pane = real.app.run_screen.pane(LossPane)
    real.press(key)
    await real.until(lambda: pane.log_y)
    real.press(key)
    await real.until(lambda: not pane.log_y)


async def statistic(real: Real, key: str) -> None:
    pane = real.app.run_screen.pane(LayersPane)
    seen = [pane.statistic]
    for _ in range(3):
        real.press(key)
        await real.until(lambda: pane.statistic != seen[-1])
        seen.append(pane.statistic)
    assert len(set(seen)) == 3
    assert seen[0] == seen[3]


async def next_images(real: Real, key: str) -> None:
    pane = real.app.run_screen.pane(ImagesPane)
    await real.until(lambda: pane.preview is not None)
    page = pane.page
    real.press(key)
    await real.until(lambda: pane.page == page + 1)


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


CHECKS: dict[str, Check] = {
    "pause": pause, "step": step, "skip_batch": skip_batch, "skip_epoch": skip_epoch, "quit": asks,
    "interrupt": asks, "suspend": suspend,
    "go_loss": go("loss"), "go_metrics": go("metrics"), "go_layers": go("layers"), "go_images": go("images"),
    "maximise": maximise, "out": out, "log_y": log_y, "statistic": statistic, "next_images": next_images,
    "next_theme": next_theme, "help": show_help, "redraw": redraw,
    "stop": stop,
}  # fmt: skip
"""What the key of each binding does, in an order in which one run can serve for all: `stop` ends it."""


async def goes_on(real: Real) -> None:
    """Wait for more training."""
    step = real.state.step
    await real.until(lambda: real.state.step > step)


def test_every_key_of_the_map_has_a_check() -> None:
    assert CHECKS.keys() == {binding.id for _, bindings in GROUPS for binding in bindings}


@both
async def test_every_key(worker: str, tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {binding.id: binding.key for _, bindings in GROUPS for binding in bindings}
    async with fit(worker, tmp_path, data, monkeypatch) as real:
        await real.until(lambda: real.state.step > 3)
        for id_, check in CHECKS.items():
            for key in keys[id_].split(","):
                await check(real, key)
