"""Palettes: meanings stay apart, words stay readable, also where there are few colours."""

from __future__ import annotations

from itertools import combinations

import pytest
from rich.color import Color, ColorSystem

from tui.colors import PALETTES, Palette, palette, style, theme
from tui.ramps import rgb

DEPTHS = ["truecolor", "256", "standard"]
MEANINGS = ("train", "valid", "wrong", "waiting", "foreground")
SYSTEMS = {"truecolor": ColorSystem.TRUECOLOR, "256": ColorSystem.EIGHT_BIT, "standard": ColorSystem.STANDARD}


def luminance(color: str) -> float:
    """Relative luminance (WCAG 2.1)."""
    parts = [c / 255 for c in rgb(color)]
    r, g, b = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a: str, b: str) -> float:
    """Contrast ratio, 1 to 21 (WCAG 2.1)."""
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("name", PALETTES)
def test_words_can_be_read(name: str, depth: str) -> None:
    p = palette(name, depth)
    assert contrast(p.foreground, p.background) > 10
    for word in (p.train, p.valid, p.wrong, p.waiting, p.muted, p.focus):
        assert contrast(word, p.background) > 4.2


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("name", PALETTES)
def test_no_two_meanings_fall_together_on_the_terminal(name: str, depth: str) -> None:
    p: Palette = palette(name, depth)
    shown = {m: Color.parse(getattr(p, m)).downgrade(SYSTEMS[depth]) for m in MEANINGS}
    for a, b in combinations(MEANINGS, 2):
        assert (shown[a].number, shown[a].triplet) != (shown[b].number, shown[b].triplet), (a, b)
    border = Color.parse(p.border).downgrade(SYSTEMS[depth])
    focus = Color.parse(p.focus).downgrade(SYSTEMS[depth])
    assert (border.number, border.triplet) != (focus.number, focus.triplet)


def test_a_theme_carries_its_colours_as_variables() -> None:
    made = theme("miniai-light")
    assert made.variables["train"] == PALETTES["miniai-light"].train
    assert made.variables["train-faint"] == PALETTES["miniai-light"].train_faint
    assert made.dark is False


def test_a_foreign_theme_gets_the_dark_palette() -> None:
    assert palette("nord").background == PALETTES["miniai-dark"].background
    assert palette("nord", None).depth == "truecolor"


def test_styles_are_shared() -> None:
    assert style("#010203", bold=True) is style("#010203", bold=True)
