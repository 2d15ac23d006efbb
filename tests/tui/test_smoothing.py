"""The smoothed value against its formula in plain Python, and what it promises."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tui.history import Series
from tui.smoothing import SPANS, middle_mean

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=80)
SPAN = st.integers(1, 40)


def plain(values: Sequence[float], span: int) -> float:
    """The mean of the middle half of the last values, in exact fractions."""
    held = sorted(values[-span:])
    n = len(held)
    total = Fraction(0)
    for i, value in enumerate(held):
        covered = min(Fraction(i + 1, n), Fraction(3, 4)) - max(Fraction(i, n), Fraction(1, 4))
        total += 2 * max(covered, Fraction(0)) * Fraction(value)
    return float(total)


def smooth(values: Sequence[float], span: int) -> list[float]:
    """After each value."""
    return [float(value) for value in middle_mean(np.array(values), np.arange(len(values)), span)]


@settings(max_examples=120, deadline=None)
@given(VALUES, SPAN)
def test_it_equals_the_formula(values: list[float], span: int) -> None:
    for end, made in enumerate(smooth(values, span), 1):
        assert made == pytest.approx(plain(values[:end], span), rel=1e-9, abs=1e-9)


@settings(max_examples=120, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=80), SPAN)
def test_it_lies_within_its_values(values: list[float], span: int) -> None:
    for end, made in enumerate(smooth(values, span), 1):
        held = np.clip(values[max(end - span, 0) : end], -1e300, 1e300)
        assert held.min() <= made <= held.max()


@given(st.floats(-1e200, 1e200), st.integers(1, 600), st.sampled_from(SPANS))
@settings(max_examples=40, deadline=None)
def test_constants_stay_as_they_are(value: float, n: int, span: int) -> None:
    assert set(smooth([value] * n, span)) == {value}


@settings(max_examples=80, deadline=None)
@given(VALUES, SPAN, st.floats(1e-6, 1e6), st.floats(-1e6, 1e6))
def test_it_moves_with_scale_and_shift(values: list[float], span: int, scale: float, shift: float) -> None:
    before = np.array(smooth(values, span))
    after = smooth([scale * value + shift for value in values], span)
    size = scale * max(map(abs, values)) + abs(shift) + 1e-300
    np.testing.assert_allclose(after, scale * before + shift, rtol=1e-9, atol=1e-9 * size)
    np.testing.assert_allclose(smooth([-value for value in values], span), -before, rtol=1e-9, atol=1e-9 * size)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_quarter_of_outliers_leaves_no_trace(data: st.DataObject) -> None:
    n = data.draw(st.integers(4, 60))
    values = data.draw(st.lists(st.floats(0.1, 1), min_size=n, max_size=n))
    bad = data.draw(st.lists(st.integers(0, n - 1), max_size=n // 4, unique=True))
    kept = [v for i, v in enumerate(values) if i not in bad]
    for i in bad:
        values[i] = data.draw(st.sampled_from([1e9, -1e9, 1e300]))
    assert min(kept) <= smooth(values, n)[-1] <= max(kept)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 300), st.sampled_from(SPANS), st.floats(10, 1e300))
def test_it_has_come_down_when_three_quarters_are_new(bad: int, span: int, high: float) -> None:
    """After a start however high: within 3 values for each bad one, and within three quarters of the span."""
    made = smooth([high] * bad + [0.5] * 600, span)
    assume(bad + 600 > span)
    after = min(3 * bad, math.ceil(0.75 * span))
    assert set(made[bad + after - 1 :]) == {0.5}


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-100, 100) | st.just(math.nan), min_size=1, max_size=400), st.integers(1, 97),
    st.integers(1, 40), st.booleans(),
)  # fmt: skip
def test_a_series_smooths_all_its_values_however_they_arrive(
    values: list[float], part: int, newest: int, read: bool
) -> None:
    series = Series(size=16, spans=(5, 20), newest=newest)
    for i in range(0, len(values), part):
        series.extend(i + 1, values[i : i + part])
        if read:
            series.columns(0, len(values), 7, 1)
    for which, span in enumerate((5, 20)):
        for i in np.flatnonzero(series.count > 0).tolist():
            first = 1 + i * series.stride
            upto = [v for v in values[: first + series.stride - 1] if math.isfinite(v)]
            assert series.smooth[i, which] == pytest.approx(plain(upto, span), rel=1e-9, abs=1e-9)
        columns = series.columns(0, len(values), 8, which)
        for at, made, last in zip(columns.at.tolist(), columns.smooth.tolist(), columns.last.tolist(), strict=True):
            upto = [v for v in values[: int(at)] if math.isfinite(v)]
            if math.isfinite(last):
                assert made == pytest.approx(plain(upto, span), rel=1e-9, abs=1e-9)
        for step in range(len(values) - newest, len(values) + 1):
            known = series.read(step, which) if step > 0 else None
            if known is not None and known.exact and not known.bad:
                upto = [v for v in values[:step] if math.isfinite(v)]
                assert known.smooth == pytest.approx(plain(upto, span), rel=1e-9, abs=1e-9)


def test_after_dropping_it_goes_on_from_what_is_kept() -> None:
    whole, cut = Series(), Series()
    whole.extend(1, [1.0] * 50 + [2.0] * 10)
    cut.extend(1, [1.0] * 50 + [9.0] * 30)
    cut.drop_after(50)
    cut.extend(51, [2.0] * 10)
    np.testing.assert_array_equal(cut.smooth, whole.smooth)
    assert cut.read(60, 1) == whole.read(60, 1)
