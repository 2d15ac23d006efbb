"""Words can be read: on every ground they stand on, in every theme, as the terminal rounds its colours."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from rich.color import Color, ColorSystem, ColorType
from rich.terminal_theme import TerminalTheme

from tests.tui.driving import driving, going
from tests.tui.snapshotting import FOLDER
from tests.tui.test_colors import contrast
from tui.colors import PALETTES, palette
from tui.panes.layers import LayersPane
from tui.ramps import ink, ramp

SYSTEMS = {"truecolor": ColorSystem.TRUECOLOR, "256": ColorSystem.EIGHT_BIT, "standard": ColorSystem.STANDARD}
VGA = TerminalTheme(
    (0, 0, 0), (170, 170, 170),
    [(0, 0, 0), (170, 0, 0), (0, 170, 0), (170, 85, 0), (0, 0, 170), (170, 0, 170), (0, 170, 170), (170, 170, 170)],
    [(85, 85, 85), (255, 85, 85), (85, 255, 85), (255, 255, 85), (85, 85, 255), (255, 85, 255), (85, 255, 255),
     (255, 255, 255)],
)  # fmt: skip
"""The sixteen colours as most consoles have them."""
IN_DIALOGS = ("foreground", "muted", "focus", "wrong", "waiting")
WORDS = (*IN_DIALOGS, "train", "valid")


def seen(color: str, depth: str) -> str:
    """What a terminal of so many colours shows."""
    rounded = Color.parse(color).downgrade(SYSTEMS[depth])
    assert rounded.type is not ColorType.DEFAULT
    return rounded.get_truecolor(VGA if rounded.type is ColorType.STANDARD else None).hex


@pytest.mark.parametrize("depth", SYSTEMS)
@pytest.mark.parametrize("name", PALETTES)
def test_words_stand_out_from_what_they_stand_on(name: str, depth: str) -> None:
    p = palette(name, depth)
    pairs = [*((word, "background") for word in WORDS), *((word, "raised") for word in IN_DIALOGS)]
    for word, ground in pairs:
        a, b = getattr(p, word), getattr(p, ground)
        assert contrast(seen(a, depth), seen(b, depth)) >= 4.5, (word, ground)
        assert contrast(a, b) >= 4.5, (word, ground)
    assert contrast(p.foreground, p.background) >= 7


@pytest.mark.parametrize("depth", SYSTEMS)
@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("kind", ["diverging", "sequential"])
def test_numbers_can_be_read_on_every_step_of_a_scale(kind: str, dark: bool, depth: str) -> None:
    for ground in ramp(kind, dark, depth):
        signs = ["#{:02x}{:02x}{:02x}".format(*color) for color in (ink(ground), ground)]
        assert contrast(*signs) >= 4.5


def test_no_word_has_a_colour_that_is_for_rules() -> None:
    found = {}
    for file in FOLDER.glob("*.txt"):
        text, _, colors = file.read_text(encoding="utf-8").partition("\n-- ink\n")
        rows = zip(text.splitlines()[1:], colors.partition("\n-- paper")[0].splitlines(), strict=False)
        faint = {sign for row, inks in rows for sign, ink_ in zip(row, inks, strict=False) if ink_ == ":"}
        if any(sign.isalnum() for sign in faint):
            found[file.name] = faint
    assert found == {}


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("kind", ["diverging", "sequential"])
def test_without_colours_a_scale_still_tells_low_from_high(kind: str, dark: bool) -> None:
    greys = [sum(color) for color in ramp(kind, dark, "grey")]
    steps = [b - a for a, b in itertools.pairwise(greys)]
    assert all(step > 0 for step in steps) or all(step < 0 for step in steps)


async def test_who_wants_no_colours_gets_the_grey_scale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with driving(going(tmp_path)) as driver:
        assert driver.app.run_screen.pane(LayersPane).look.depth == "grey"
        assert len({segment.style for segment in driver.app.run_screen.pane(LayersPane).render_line(5)}) > 3
