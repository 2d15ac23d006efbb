"""Every key of the map against a real trainer process and a real trainer thread: what it does is seen to happen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.app import App

from miniai.run import events as ev
from tests.tui.real import Real, both, fit
from tui.keys import GROUPS
from tui.panes.alerts import AlertPane
from tui.panes.confusion import ConfusionPane
from tui.panes.images import ImagesPane
from tui.panes.layers import LayersPane
from tui.panes.log import LogPane
from tui.panes.loss import LossPane
from tui.places import PANES
from tui.screens.help import Help
from tui.screens.prompt import Prompt
from tui.screens.run import RunScreen
from tui.settings import LAYOUTS

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


async def types(real: Real, key: str, text: str) -> ev.Changed:
    """Open the prompt of a key and type into it; what the trainer answers."""
    before = len(real.journal(ev.Changed))
    real.press(key)
    await real.until(lambda: isinstance(real.app.screen, Prompt))
    for character in text:
        real.press(character)
    real.press("enter")
    await real.until(lambda: len(real.journal(ev.Changed)) > before)
    changed: ev.Changed = real.journal(ev.Changed)[-1]
    return changed


async def rate(real: Real, key: str) -> None:
    changed = await types(real, key, "x0.5")
    assert changed.what == "lr"
    assert changed.new == pytest.approx(changed.old / 2)
    await real.until(lambda: real.state.rate.now == changed.new)
    await real.until(lambda: any(m.text == "lr x0.5" and m.step == changed.step for m in real.state.marks))
    await goes_on(real)


async def epochs(real: Real, key: str) -> None:
    changed = await types(real, key, "+3")
    assert (changed.what, changed.new) == ("epochs", changed.old + 3)
    await real.until(lambda: real.state.progress.epochs == changed.new)


async def save(real: Real, key: str) -> None:
    def asked_for() -> list[ev.Saved]:  # others come by themselves
        return [fact for fact in real.journal(ev.Saved) if fact.why == "request"]

    real.press(key)
    await real.until(asked_for)
    saved = asked_for()[-1]
    assert (real.run.checkpoints / saved.name / "model.safetensors").is_file()
    await real.until(lambda: any((m.step, m.text) == (saved.step, "saved") for m in real.state.marks))
    await real.until(lambda: real.state.saves.last is not None and real.state.saves.last.step >= saved.step)
    await goes_on(real)


async def validation(real: Real, key: str) -> None:
    """Off from the next epoch on, which has a row that says so; then on again."""
    for on in (0, 1):
        before = len(real.journal(ev.Changed))
        real.press(key)
        await real.until(lambda before=before: len(real.journal(ev.Changed)) > before)  # type: ignore[misc]
        changed = real.journal(ev.Changed)[-1]
        assert (changed.what, changed.new) == ("valid", on)
        await real.until(lambda: real.state.progress.validation.last == bool(on))  # noqa: B023
        await real.until(lambda epoch=changed.epoch: ended(real, epoch) != "running")  # type: ignore[misc]
        row = real.state.rows.get(changed.epoch, "valid")
        assert row is not None
        assert (row.ended, row.batches > 0) == (("complete", True) if on else ("skipped", False))


def ended(real: Real, epoch: int) -> str:
    """How the validation of an epoch ended; "running" before that."""
    row = real.state.rows.get(epoch, "valid")
    return "running" if row is None else row.ended


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


def flips(attribute: str) -> Check:
    """A key of the chart that switches something on and off."""

    async def check(real: Real, key: str) -> None:
        view = real.app.run_screen.pane(LossPane).view
        before = bool(getattr(view, attribute))
        real.press(key)
        await real.until(lambda: bool(getattr(view, attribute)) != before)
        real.press(key)
        await real.until(lambda: bool(getattr(view, attribute)) == before)

    return check


def cycles(attribute: str, *values: str) -> Check:
    """A key of the chart that goes through these values and back to the first."""

    async def check(real: Real, key: str) -> None:
        view = real.app.run_screen.pane(LossPane).view
        for value in [*values[1:], values[0]]:
            real.press(key)
            await real.until(lambda value=value: getattr(view, attribute) == value)  # type: ignore[misc]

    return check


async def curves(real: Real, key: str) -> None:
    view = real.app.run_screen.pane(LossPane).view
    real.press(key)
    await real.until(lambda: view.name == "accuracy")
    while view.name != "loss":
        name = view.name
        real.press(key)
        await real.until(lambda name=name: view.name != name)  # type: ignore[misc]


async def smoother(real: Real, key: str) -> None:
    view = real.app.run_screen.pane(LossPane).view
    before = view.strength(real.state)
    real.press(key)
    await real.until(lambda: view.smoothing == before + 1)


async def rougher(real: Real, key: str) -> None:
    view = real.app.run_screen.pane(LossPane).view
    before = view.strength(real.state)
    real.press(key)
    await real.until(lambda: view.smoothing == before - 1)


def zooms(way: int) -> Check:
    """A key that makes the followed window wider (1) or narrower (-1)."""

    async def check(real: Real, key: str) -> None:
        view = real.app.run_screen.pane(LossPane).view
        view.zoom, view.window = None, "follow"
        before = view.following
        real.press(key)
        await real.until(lambda: way * (view.following - before) > 0)
        view.window = "full"

    return check


def pans(way: int) -> Check:
    """A key that moves a window: to later (1) or earlier (-1) steps."""

    async def check(real: Real, key: str) -> None:
        await real.until(lambda: real.state.step > 60)
        view = real.app.run_screen.pane(LossPane).view
        view.zoom = (20.0, 40.0)
        real.press(key)
        await real.until(lambda: view.zoom == (20.0 + 5 * way, 40.0 + 5 * way))
        view.zoom = None

    return check


async def statistic(real: Real, key: str) -> None:
    pane = real.app.run_screen.pane(LayersPane)
    seen = [pane.statistic]
    for _ in range(5):
        real.press(key)
        await real.until(lambda: pane.statistic != seen[-1])
        seen.append(pane.statistic)
    assert len(set(seen)) == 5
    assert seen[0] == seen[5]


async def next_images(real: Real, key: str) -> None:
    pane = real.app.run_screen.pane(ImagesPane)
    await real.until(lambda: pane.preview is not None)
    page = pane.page
    real.press(key)
    await real.until(lambda: pane.page == page + 1)


async def previous_images(real: Real, key: str) -> None:
    pane = real.app.run_screen.pane(ImagesPane)
    page = pane.page
    real.press(key)
    await real.until(lambda: pane.page == page - 1)


async def images_view(real: Real, key: str) -> None:
    pane = real.app.run_screen.pane(ImagesPane)
    real.press("4")  # pictures are read when they are looked at
    real.press(key)
    await real.until(lambda: pane.view == "worst")
    await real.until(lambda: pane.preview is not None and len(pane.preview.losses) == len(pane.preview.labels))
    real.press(key)
    await real.until(lambda: pane.view == "batch")


async def shares(real: Real, key: str) -> None:
    pane = real.app.run_screen.pane(ConfusionPane)
    real.press(key)
    await real.until(lambda: pane.shares)
    real.press(key)
    await real.until(lambda: not pane.shares)


def go_extra(pane: str, shown: Callable[[Real], object]) -> Check:
    """A pane that takes all the room at this size."""

    async def check(real: Real, key: str) -> None:
        real.press(key)
        await real.until(lambda: real.app.run_screen.has_class("-full"))
        await real.until(lambda: real.app.run_screen.query_one(f"#{pane}").has_focus and shown(real))
        real.press("escape")
        await real.until(lambda: not real.app.run_screen.has_class("-full"))

    return check


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


async def ask_filter(real: Real, key: str) -> None:
    pane = real.app.run_screen.pane(LogPane)
    real.press(key)
    await real.until(lambda: pane.typing and pane.has_focus)
    real.press("q")
    await real.until(lambda: pane.words == "q")
    real.press("escape")
    await real.until(lambda: not pane.typing)
    assert not pane.words


async def alerts(real: Real, key: str) -> None:
    pane = real.app.run_screen.pane(AlertPane)
    real.press(key)
    await real.until(lambda: pane.listed and pane.has_focus)
    real.press("escape")
    await real.until(lambda: not pane.listed)


CHECKS: dict[str, Check] = {
    "go_log": go("log"), "go_details": go("details"), "filter": ask_filter, "alerts": alerts,
    "pause": pause, "step": step, "skip_batch": skip_batch, "skip_epoch": skip_epoch, "quit": asks,
    "interrupt": asks, "suspend": suspend,
    "go_loss": go("loss"), "go_metrics": go("metrics"), "go_layers": go("layers"), "go_images": go("images"),
    "go_system": go_extra("system", lambda real: real.state.system.now),
    "go_confusion": go_extra("confusion", lambda real: real.state.confusion.fact),
    "previous_images": previous_images, "images_view": images_view, "shares": shares,
    "window": cycles("window", "full", "recent", "follow"), "curves": curves, "smoother": smoother, "rougher": rougher,
    "axis": cycles("unit", "steps", "epochs", "time"), "outliers": flips("trimmed"), "crosshair": flips("cross"),
    "zoom_in": zooms(-1), "zoom_out": zooms(1), "pan_left": pans(-1), "pan_right": pans(1),
    "maximise": maximise, "out": out, "log_y": log_y, "statistic": statistic, "next_images": next_images,
    "rate": rate, "epochs": epochs, "validation": validation, "save": save, "layout": next_layout,
    "swap_next": swaps(1), "swap_before": swaps(-1), "other_pane": other_pane, "first_places": first_places,
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
