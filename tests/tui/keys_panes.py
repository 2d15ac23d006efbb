"""What the keys of one pane do, seen to happen in a real run."""

from __future__ import annotations

from tests.tui.keys_run import Check
from tests.tui.real import Real
from tui.panes.alerts import AlertPane
from tui.panes.confusion import ConfusionPane
from tui.panes.images import ImagesPane
from tui.panes.layers import LayersPane
from tui.panes.log import LogPane
from tui.panes.loss import LossPane

__all__ = [
    "alerts",
    "ask_filter",
    "curves",
    "cycles",
    "flips",
    "images_view",
    "log_y",
    "next_images",
    "pans",
    "previous_images",
    "rougher",
    "shares",
    "smoother",
    "statistic",
    "zooms",
]


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
