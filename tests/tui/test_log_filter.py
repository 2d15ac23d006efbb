"""The log's filter: typed from the very next key on, and while it is typed nothing else happens."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.events import AppBlur, AppFocus, Key, Paste

from tests.tui.driving import Driver, driving, going
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import Recording
from tui.messages import TrainerGone
from tui.panes.keybar import KeyBar
from tui.panes.log import LogPane

LINES = ["one Special line", "two", "three special"]
EVERY_KEY = " .beqsvLEw0123456789{}PRfyrgxo+-i[]<>mnNp%/at?AlC"
"""Letters that are commands elsewhere."""


def with_log(folder: Path) -> FakeSession:
    (folder / "log.txt").write_text("".join(f"{text}\n" for text in LINES))
    return going(folder)


def pane_of(driver: Driver) -> LogPane:
    return driver.app.run_screen.pane(LogPane)


async def at_once(driver: Driver, keys: list[str]) -> None:
    """Keys that come in one piece: all are there before the first is looked at."""
    for key in keys:
        driver.app.post_message(Key(key, " " if key == "space" else None))
    await driver.settle()
    await driver.settle()


async def test_it_is_typed_kept_and_cleared(tmp_path: Path) -> None:
    async with driving(with_log(tmp_path)) as driver:
        pane = pane_of(driver)
        await at_once(driver, ["slash", *"spe"])
        assert (pane.words, pane.typing, pane.has_focus) == ("spe", True, True)
        text = driver.text("log")
        assert text.splitlines()[0].split(" ─ ")[1] == "only /spe"
        assert "two" not in text
        assert "/spe▏   2 of 3 · enter keeps it, esc clears it" in text.splitlines()[-1]
        await driver.press("enter")
        assert not pane.typing
        assert "two" not in driver.text("log")
        await driver.press("space")
        assert len(driver.session.requests) == 1
        await driver.press("escape")
        assert "two" in driver.text("log")
        assert "only" not in driver.text("log").splitlines()[0]
        await driver.press("slash", "z", "z")
        assert "none of 3 lines match" in driver.text("log")
        await driver.press("escape")
        assert (pane.words, pane.typing) == ("", False)
        assert driver.app.run_screen.has_class("-full")
        await driver.press("escape")
        assert not driver.app.run_screen.has_class("-full")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_keys_in_one_piece_are_letters_and_nothing_else_happens(tmp_path: Path, size: tuple[int, int]) -> None:
    async with driving(with_log(tmp_path), size) as driver:
        theme = driver.app.theme
        keys = ["space" if key == " " else key for key in EVERY_KEY]
        await at_once(driver, ["slash", *keys, "f5", "ctrl+q", "ctrl+z", "ctrl+l", "ctrl+p"])
        assert pane_of(driver).words == EVERY_KEY
        assert driver.session.requests == []
        assert driver.on_top == "RunScreen"
        assert driver.app.theme == theme
        assert "log" in driver.seen()
        assert "loss" not in driver.seen() or size[0] == 200


async def test_what_was_typed_before_and_after_is_no_letter_of_it(tmp_path: Path) -> None:
    async with driving(with_log(tmp_path)) as driver:
        await at_once(driver, ["b", "slash", "e", "enter", "w"])
        assert [type(request).__name__ for request in driver.session.requests] == ["SkipBatch", "Save"]
        assert pane_of(driver).words == "e"


async def test_corrections_and_what_is_pasted(tmp_path: Path) -> None:
    async with driving(with_log(tmp_path)) as driver:
        pane = pane_of(driver)
        await at_once(driver, ["slash", "a", "backspace", "backspace", *"one", "space", *"tow", "ctrl+w"])
        assert pane.words == "one "
        await driver.press("ctrl+u")
        assert (pane.words, pane.typing) == ("", True)
        driver.app.post_message(Paste("\n  Special\x1b[31m line \nq\n"))
        await driver.settle()
        assert "\x1b" not in pane.words
        assert pane.words.startswith("Special")
        await driver.press("ctrl+u")
        driver.app.post_message(Paste("x" * 5000))
        await driver.settle()
        assert len(pane.words) == 200
        assert "x▏" in driver.text("log").splitlines()[-1]


async def test_arrows_scroll_while_one_types(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("".join(f"line {i}\n" for i in range(100)))
    async with driving(going(tmp_path)) as driver:
        await at_once(driver, ["slash", "1"])
        await driver.press("pageup", "up")
        assert "lines below" not in driver.text("log")  # 20 of 100 fit
        await driver.press("backspace", "pageup", "up")
        assert "11 lines below" in driver.text("log")
        await driver.press("end")
        assert "line 99" in driver.text("log").splitlines()[-2]


async def test_a_look_at_another_window_leaves_it_open_another_pane_does_not(tmp_path: Path) -> None:
    async with driving(with_log(tmp_path)) as driver:
        pane = pane_of(driver)
        await at_once(driver, ["slash", "t"])
        driver.app.post_message(AppBlur())
        await driver.settle()
        assert pane_of(driver).typing
        driver.app.post_message(AppFocus())
        driver.app.post_message(Paste("w"))
        await at_once(driver, ["o", "e"])
        assert pane.words == "twoe"
        assert driver.session.requests == []
        driver.app.action_go("metrics")
        await driver.settle()
        assert not pane_of(driver).typing
        await driver.press("b")
        assert len(driver.session.requests) == 1


async def test_the_footer_names_the_keys_that_serve(tmp_path: Path) -> None:
    async with driving(with_log(tmp_path)) as driver:
        await at_once(driver, ["slash"])
        bar = driver.app.run_screen.pane(KeyBar)
        assert bar.render_line(0).text.strip() == "enter keep  esc clear  ctrl+u empty  ↑ ↓ scroll"
        await driver.press("enter")
        assert "skip" in bar.render_line(0).text


@pytest.mark.parametrize("how", ["failed", "gone"])
@pytest.mark.parametrize("key", ["slash", "6"])
async def test_a_failed_run_shows_its_log_too(tmp_path: Path, how: str, key: str) -> None:
    """Also when the reason why the trainer is gone covers the panes."""
    session = with_log(tmp_path)
    async with driving(session) as driver:
        assert session.app_post is not None
        if how == "gone":
            session.app_post(TrainerGone("the trainer was killed", ["the end"]))
        else:
            await driver.post(*list(Recording(epochs=1).whole())[-1:])
        await driver.settle()
        assert ("gone" in driver.seen()) == (how == "gone")
        await at_once(driver, [key, *("two" if key == "slash" else "")])
        assert "log" in driver.seen()
        assert "gone" not in driver.seen()
        assert "two" in driver.text("log")
        assert ("three" in driver.text("log")) == (key == "6")


async def test_a_popup_over_it_has_its_own_keys(tmp_path: Path) -> None:
    """The footer's words can be clicked while a filter is typed."""
    async with driving(with_log(tmp_path)) as driver:
        await at_once(driver, ["slash", "t"])
        driver.app.action_stop()
        await at_once(driver, ["s"])
        assert driver.on_top == "RunScreen"
        assert [type(request).__name__ for request in driver.session.requests] == ["Stop"]
        await at_once(driver, ["w"])
        assert pane_of(driver).words == "tw"
