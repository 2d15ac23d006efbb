"""Keys that come in one piece: what the first opens has the next."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.app import ComposeResult
from textual.events import Key, Paste
from textual.widget import Widget
from textual.widgets import Input

from tests.tui.driving import Driver, driving, going
from tui.key_order import KeysInOrder
from tui.panes.log import LogPane
from tui.panes.loss import LossPane


async def at_once(driver: Driver, keys: list[str]) -> None:
    for key in keys:
        driver.app.post_message(Key(key, " " if key == "space" else None))
    await driver.settle()


def asked(driver: Driver) -> list[str]:
    return [type(request).__name__ for request in driver.session.requests]


@pytest.mark.parametrize(
    ("keys", "wanted", "top"),
    [
        ("L x 0 full_stop 5 enter", ["SetLearningRate"], "RunScreen"),
        ("E 9 enter b", ["SetEpochs", "SkipBatch"], "RunScreen"),
        ("L e b q s w space", [], "Prompt"),
        ("L enter b", ["SkipBatch"], "RunScreen"),
        ("E enter E enter w", ["Save"], "RunScreen"),
        ("L escape b", ["SkipBatch"], "RunScreen"),
        ("ctrl+p escape b", ["SkipBatch"], "RunScreen"),
        ("L b escape b", ["SkipBatch"], "RunScreen"),
        ("s s", ["Stop"], "RunScreen"),
        ("s b w v escape", [], "RunScreen"),
        ("s escape e", ["SkipEpoch"], "RunScreen"),
        ("e s", ["SkipEpoch"], "Ask"),
        ("e s e", ["SkipEpoch", "Stop"], "RunScreen"),
        ("q b w v", [], "Ask"),
        ("q escape s e", ["Stop"], "RunScreen"),
        ("question_mark e s b", [], "Help"),
        ("question_mark q b", ["SkipBatch"], "RunScreen"),
        ("ctrl+p e b w", [], "Palette"),
        ("w ctrl+p b", ["Save"], "Palette"),
    ],
)
async def test_popups(tmp_path: Path, keys: str, wanted: list[str], top: str) -> None:
    async with driving(going(tmp_path)) as driver:
        await at_once(driver, keys.split())
        assert asked(driver) == wanted
        assert driver.on_top == top


@pytest.mark.parametrize(
    ("keys", "words", "level"),
    [
        ("slash f o enter l", "fo", 1),
        ("slash f escape l l", "", 2),
        ("slash enter l", "", 1),
        ("slash f tab l", "f", 1),
        ("6 l", "", 1),
        ("2 1 6 l slash l l enter l", "ll", 2),
        ("slash l enter 1 6 l", "l", 1),
    ],
)
async def test_a_pane_that_was_gone_to_has_the_next_key(tmp_path: Path, keys: str, words: str, level: int) -> None:
    async with driving(going(tmp_path)) as driver:
        await at_once(driver, keys.split())
        log = driver.app.run_screen.query_one(LogPane)
        assert (log.words, log.level) == (words, level)
        assert not driver.app.run_screen.query_one(LossPane).view.log


async def test_a_place_that_never_gets_ready_does_not_keep_the_keys() -> None:
    app = _App()
    async with app.run_test() as pilot:
        app.hold()
        for key in "abc":
            app.simulate_key(key)
        for _ in range(200):
            await pilot.pause(0.01)
            if len(app.seen) == 2:
                break
        assert app.seen == ["b", "c"]  # the widget had the first


async def test_a_prompt_has_every_letter_in_its_order_and_what_is_pasted(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        driver.app.simulate_key("L")
        driver.app.simulate_key("1")
        driver.app.post_message(Paste("0.\nq"))
        for key in "25s":
            driver.app.simulate_key(key)
        await driver.settle()
        assert driver.app.screen.query_one(Input).value == "10.25s"
        assert driver.session.requests == []


class _Vanishing(Widget, can_focus=True):
    def on_key(self, event: Key) -> None:
        event.stop()
        self.remove()


class _App(KeysInOrder):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def compose(self) -> ComposeResult:
        yield _Vanishing()

    def on_key(self, event: Key) -> None:
        self.seen.append(event.key)


async def test_a_widget_that_goes_with_a_key_does_not_keep_the_keys() -> None:
    app = _App()
    async with app.run_test() as pilot:
        app.query_one(_Vanishing).focus()
        await pilot.pause()
        for key in "abc":
            app.simulate_key(key)
        for _ in range(200):
            await pilot.pause(0.01)
            if len(app.seen) == 2:
                break
        assert app.seen == ["b", "c"]
        await pilot.press("d")
        assert app.seen[-1] == "d"
