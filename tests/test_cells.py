"""The pictures of the docs: cells read from a screenshot are what was on the screen, and are painted where they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.cells import HEIGHT, WIDTH, Cell, cells, paint
from tests.tui.driving import driving, going
from tui.colors import PALETTES

COLORS = PALETTES["miniai-dark"]
SIZE = (100, 30)


async def test_the_cells_are_those_of_the_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.delenv("NO_COLOR", raising=False)
    async with driving(going(tmp_path), SIZE) as driver:
        grid = cells(driver.app.export_screenshot(), SIZE, COLORS.background)
        text = ["".join(cell.sign for cell in row) for row in grid]
        shown = driver.text("header").splitlines()[1:] + driver.text("metrics").splitlines()[1:]
    assert [len(row) for row in grid] == [SIZE[0]] * SIZE[1]
    for line in shown:
        assert any(line.rstrip() in row for row in text), line
    places = [(y, row.index("train ")) for y, row in enumerate(text) if "train " in row]
    assert {grid[y][x].color for y, x in places} >= {COLORS.train}


def test_signs_that_must_meet_do() -> None:
    image = paint([[Cell("━", "#ff0000", "#000000")] * 3, [Cell("█", "#00ff00", "#000000")] * 3]).convert("RGB")
    assert image.size == (3 * WIDTH, 2 * HEIGHT)
    assert {image.getpixel((x, HEIGHT // 2)) for x in range(3 * WIDTH)} == {(255, 0, 0)}
    below = {image.getpixel((x, y)) for x in range(3 * WIDTH) for y in range(HEIGHT, 2 * HEIGHT)}
    assert below == {(0, 255, 0)}


@pytest.mark.parametrize(("sign", "dots"), [("\u2800", 0), ("\u2801", 1), ("\u28ff", 8), (" ", 0)])
def test_braille_dots_are_counted(sign: str, dots: int) -> None:
    image = paint([[Cell(sign, "#ffffff", "#000000")]]).convert("L")
    assert sum(count for count, grey in image.getcolors() or () if grey) == 4 * dots


def test_letters_have_ink_in_their_own_colour_only() -> None:
    image = paint([[Cell("W", "#ffffff", "#000000"), Cell("g", "#ffffff", "#000000", bold=True)]]).convert("L")
    greys = {grey: count for count, grey in image.getcolors() or ()}
    assert set(greys) <= {0, 64, 128, 192, 255}
    assert greys[255] > 10
