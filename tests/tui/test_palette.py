"""The command palette: every key's action, with its key as it is in force, and what it does."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.command import CommandList
from textual.content import Content
from textual.widgets import Input

from miniai.run.requests import Pause, SkipEpoch
from tests.tui.driving import Driver, driving, going
from tui.app import MonitorApp
from tui.keys import GROUPS, key_names
from tui.remembered import Preferences
from tui.settings import Settings


def entries(driver: Driver) -> list[list[str]]:
    """The lines of each entry."""
    found = []
    for option in driver.app.screen.query_one(CommandList).options:
        assert isinstance(option.prompt, Content)
        found.append(option.prompt.plain.splitlines())
    return found


async def opened(driver: Driver, typed: str = "") -> list[list[str]]:
    await driver.press("ctrl+p", *typed)
    await driver.app.workers.wait_for_complete()
    await driver.pilot.pause()
    assert driver.on_top == "Palette"
    return entries(driver)


async def test_every_action_with_its_key_and_what_it_does(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        shown = await opened(driver)
        bindings = [b for _, group in GROUPS for b in group]
        assert [lines[0].split("  ")[-1] for lines in shown] == [b.description for b in bindings]
        for lines, binding in zip(shown, bindings, strict=True):
            assert lines[0] == f"{key_names(binding.key):>10}  {binding.description}"
            assert [line.strip() for line in lines[1:]] == [binding.tooltip] * bool(binding.tooltip)


async def test_keys_are_those_of_the_settings(tmp_path: Path) -> None:
    session = going(tmp_path)
    app = MonitorApp(session, preferences=Preferences(Settings(keys={"skip_epoch": "f5", "zoom_in": "z"})))
    async with app.run_test(size=(120, 40)) as pilot:
        driver = Driver(app, pilot, session, [0.0])
        assert [
            "        f5  skip the rest of this half epoch",
            "            On to validation; in validation: skip it",
        ] in (await opened(driver))


@pytest.mark.parametrize("typed", ["skip rest", "e"])
async def test_a_name_or_a_key_leads_to_the_action(tmp_path: Path, typed: str) -> None:
    async with driving(going(tmp_path)) as driver:
        shown = await opened(driver, typed)
        assert shown[0][0] == "         e  skip the rest of this half epoch"
        await driver.press("enter")
        await driver.settle()
        assert [type(request) for request in driver.session.requests] == [SkipEpoch]
        assert driver.on_top == "RunScreen"


async def test_brackets_are_no_markup_and_actions_of_the_screen_work(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        assert ["         ]  zoom in", "            Fewer steps; the wheel does it too"] in await opened(driver, "zoom")
        await driver.press("escape", "escape")
        assert (await opened(driver, "copy the sel"))[0][0].startswith("    ctrl+c  copy the selection")
        await driver.press("enter")
        await driver.settle()
        assert driver.on_top == "Ask"
        await driver.press("escape")
        await opened(driver, "pause /")
        await driver.press("enter")
        await driver.settle()
        assert [type(request) for request in driver.session.requests] == [Pause]


async def test_letters_typed_before_there_is_a_line_are_the_palettes(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        for key in ("ctrl+p", "s", "k", "i"):
            driver.app.simulate_key(key)
        await driver.settle()
        assert driver.app.screen.query_one(Input).value == "ski"
        assert driver.session.requests == []


async def test_a_tooltip_never_goes_on_in_a_line_of_its_own(tmp_path: Path) -> None:
    async with driving(going(tmp_path), (60, 15)) as driver:
        shown = await opened(driver)
        held = driver.app.screen.query_one(CommandList)
        assert held.virtual_size.height == sum(len(lines) for lines in shown)
