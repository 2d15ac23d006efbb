"""Text helpers: harmless, fixed in width, plain."""

from __future__ import annotations

import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from tui.panes.lines import ends
from tui.text import clean, compact, cut, duration, fit, metric, percent, rate


@given(st.text(max_size=200))
def test_clean_leaves_nothing_that_moves_a_cursor(text: str) -> None:
    kept = clean(text)
    assert not [c for c in kept if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co")]
    assert "\n" not in kept


def test_clean_keeps_words_and_signs() -> None:
    assert clean("Größe ✓ 日本\tx\n") == "Größe ✓ 日本 x "
    assert len(clean("x" * 10_000)) == 500


@given(
    st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=60), st.integers(0, 40), st.sampled_from("<>^")
)
def test_fit_is_exactly_as_wide_as_asked(text: str, width: int, align: str) -> None:
    assert cell_len(fit(text, width, align)) == width
    assert cell_len(cut(text, width)) <= width


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.84204, "0.8420"), (12.5, "12.5000"), (123.456, "123.46"), (0.0, "0.0000"), (1.5e-7, "1.5e-07"),
     (2.5e9, "2.5e+09"), (math.nan, "NaN"), (math.inf, "inf"), (-math.inf, "-inf"), (-3.25, "-3.2500")],
)  # fmt: skip
def test_metrics_have_at_most_eight_cells(value: float, text: str) -> None:
    assert metric(value) == text
    assert len(text) <= 8


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_never_grow_long(value: float) -> None:
    assert len(metric(value)) <= 9
    assert len(compact(value)) <= 10


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (21.4, "0:21"), (723, "12:03"), (11_045, "3:04:05"), (200_000, "2 d 7 h"), (-1, "0:00")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_shares_and_rates() -> None:
    assert (percent(0.021), percent(math.nan)) == ("2 %", "NaN")
    assert (rate(12_480.3), rate(2.25)) == ("12,480", "2.2")


def test_nothing_follows_on_what_was_cut() -> None:
    parts = [("one two three", Style.null()), ("four", Style.null())]
    assert ends(parts, [], 14, gap=0).text == "one two three…"
    assert ends(parts, [], 13, gap=0).text == "one two three"
    assert ends(parts, [("end", Style.null())], 12).text == "one tw…  end"
