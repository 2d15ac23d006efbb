"""Which way of drawing is taken, and what a window of another size means for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from tests.tui.driving import driving
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import Recording
from tests.tui.test_images import good
from tui.graphics import CELL_QUESTION, Sixels, Ways
from tui.graphics_cells import PLACEHOLDER
from tui.graphics_pictures import TerminalPictures
from tui.messages import GraphicsAnswered
from tui.panes.images import ImagesPane

PICTURES = list(np.zeros((2, 1, 8, 8), np.uint8))
BOTH = Ways(graphics=True, placeholders=True, sixel=True, sizes=Sixels((20, 10)), told=True)
SIXEL = replace(BOTH, graphics=False, placeholders=False)
KITTY = replace(BOTH, sixel=False)


def pictures() -> tuple[TerminalPictures, list[str]]:
    held, said = TerminalPictures(lambda: 40), list[str]()
    held.write = said.append
    return held, said


@pytest.mark.parametrize(
    ("ways", "wanted", "calm", "way"),
    [
        (BOTH, "auto", False, "kitty"),
        (BOTH, "kitty", False, "kitty"),
        (BOTH, "sixel", False, "sixel"),
        (BOTH, "off", False, ""),
        (BOTH, "auto", True, "kitty"),
        (KITTY, "auto", False, "kitty"),
        (KITTY, "sixel", False, "sixel"),  # who knows better
        (replace(KITTY, placeholders=False), "auto", False, ""),
        (replace(KITTY, placeholders=False), "kitty", False, "kitty"),
        (replace(BOTH, placeholders=False), "auto", False, "sixel"),  # as WezTerm has it
        (SIXEL, "auto", False, "sixel"),
        (SIXEL, "auto", True, ""),  # so many bytes
        (SIXEL, "sixel", True, "sixel"),
        (SIXEL, "kitty", False, ""),
        (SIXEL, "off", False, ""),
        (replace(SIXEL, sizes=None), "auto", False, ""),
        (replace(SIXEL, sizes=None), "sixel", False, ""),
        (Ways(), "auto", False, ""),
    ],
)
def test_the_way_that_is_taken(ways: Ways, wanted: str, calm: bool, way: str) -> None:
    held, said = pictures()
    assert held.page(PICTURES, 4, 8) is None
    assert held.learn(ways, wanted, calm) is False  # nothing was drawn before
    strips = held.page(PICTURES, 4, 8)
    assert (strips is not None) is bool(way)
    assert any("\x1b_G" in text for text in said) is (way == "kitty")
    assert bool(held.take_away()) is bool(way)
    if way != "sixel":
        assert held.slowed == 1
        assert held.resized() is False


def test_cells_of_another_size_after_the_terminal_was_asked() -> None:
    held, said = pictures()
    held.learn(SIXEL, "auto")
    first = held.page(PICTURES, 4, 8)
    assert held.resized() is False
    assert said == [CELL_QUESTION]
    assert held.page(PICTURES, 4, 8) is None  # until it has answered
    assert held.resized() is False  # dragged on
    assert said == [CELL_QUESTION] * 2
    assert held.learn(SIXEL, "auto") is False
    assert held.page(PICTURES, 4, 8) == first
    held.resized()
    assert held.learn(replace(SIXEL, sizes=Sixels((34, 16))), "auto") is True
    assert held.page(PICTURES, 4, 8) != first


def test_cells_of_another_size_that_the_system_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    held, said = pictures()
    held.learn(replace(SIXEL, told=False), "auto")
    for cell, again in (((20, 10), False), ((17, 8), True), (None, False), ((20, 10), True), (None, False)):
        monkeypatch.setattr("tui.graphics_pictures.cell_of_window", lambda cell=cell: cell)
        assert held.resized() is again
        assert (held.page(PICTURES, 4, 8) is not None) is (cell is not None)
    assert held.page(PICTURES, 4, 8) is None
    assert not said


def test_sixels_go_when_the_terminal_is_given_back() -> None:
    held, said = pictures()
    assert (held.take_away(), held.farewell()) == ("", "")
    held.learn(SIXEL, "auto")
    assert "\x1b[2J" in held.take_away()
    assert "\x1b[2J" in held.farewell()
    held.send_again()
    assert said == ["\x1b[2J"]


async def test_the_app_asks_and_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    save_file(good(), tmp_path / "batch")
    recording, said = Recording(), list[str]()
    async with driving(FakeSession(tmp_path, [*recording.until(1, 8), recording.preview("batch")])) as driver:
        driver.app.graphics.write = said.append
        for answer, able in ((Ways(), False), (SIXEL, True)):
            driver.app.post_message(GraphicsAnswered(answer))
            await driver.settle()
            assert (PLACEHOLDER in driver.text("images")) is able
        await driver.press("s")
        assert PLACEHOLDER not in driver.text("images")
        await driver.press("escape")
        assert PLACEHOLDER in driver.text("images")
        assert not said
        await driver.pilot.resize_terminal(130, 42)
        await driver.settle()
        assert said == [CELL_QUESTION]
        assert PLACEHOLDER not in driver.text("images")
        driver.app.post_message(GraphicsAnswered(replace(SIXEL, sizes=Sixels((17, 8)))))
        await driver.settle()
        assert PLACEHOLDER in driver.text("images")
        assert said == [CELL_QUESTION, "\x1b[2J"]  # all is drawn anew after this


async def test_new_pictures_are_rarer_where_they_take_many_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording, slowed = Recording(), [1.0]
    monkeypatch.setattr(TerminalPictures, "slowed", property(lambda _: slowed[0]))
    for name in ("first", "second", "third"):
        save_file(good(), tmp_path / name)
    facts = recording.until(1, 8)
    async with driving(FakeSession(tmp_path, [*facts, recording.preview("first")])) as driver:
        pane = driver.app.run_screen.query_one(ImagesPane)

        async def shown(seconds: float) -> str:
            await driver.settle(seconds)
            return pane.fact.file if pane.fact is not None else ""

        assert await shown(2) == "first"
        driver.session.post(recording.preview("second"))
        assert await shown(2) == "second"
        slowed[0] = 10.0
        driver.session.post(recording.preview("third"))
        await shown(2)  # a turn that was due already
        driver.session.post(recording.preview("first"))
        assert await shown(2) == "third"
        assert await shown(20) == "first"
