"""Series against a brute-force model: nothing is lost, at any stride."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.history import Series

VALUES = st.one_of(
    st.floats(-1e6, 1e6), st.just(math.nan), st.just(math.inf), st.just(-math.inf), st.just(1e38), st.just(1e-30)
)
BATCHES = st.lists(
    st.tuples(st.integers(0, 300), st.integers(1, 5), st.lists(VALUES, min_size=1, max_size=60)), max_size=12
)


def filled(batches: list[tuple[int, int, list[float]]], size: int = 16) -> tuple[Series, dict[int, float]]:
    """A small series and the plain dictionary of what it was given; each batch begins `gap` steps after the last."""
    series, plain, end = Series(size=size), dict[int, float](), 0
    for gap, stride, values in batches:
        first = end + 1 + gap
        series.extend(first, values, stride)
        plain.update({first + i * stride: v for i, v in enumerate(values)})
        end = first + (len(values) - 1) * stride
    return series, plain


@settings(max_examples=150, deadline=None)
@given(BATCHES)
def test_buckets_equal_a_plain_reduction(batches: list[tuple[int, int, list[float]]]) -> None:
    series, plain = filled(batches)
    for i in range(series.used):
        low = series.origin + i * series.stride
        held = [(s, v) for s, v in plain.items() if low <= s < low + series.stride]
        fine = [v for _, v in held if math.isfinite(v)]
        bad = [s for s, v in held if not math.isfinite(v)]
        assert series.count[i] == len(fine)
        assert series.bad[i] == len(bad)
        if fine:
            assert (series.low[i], series.high[i]) == (min(fine), max(fine))
        if held:
            assert series.at[i] == held[-1][0]
            assert series.last[i] == held[-1][1] or math.isnan(held[-1][1])
        if bad:
            assert series.first_bad[i] == bad[0]
    assert int(series.count.sum() + series.bad.sum()) == len(plain)


@settings(max_examples=100, deadline=None)
@given(BATCHES)
def test_no_spike_and_no_nan_is_lost(batches: list[tuple[int, int, list[float]]]) -> None:
    series, plain = filled(batches)
    fine = [v for v in plain.values() if math.isfinite(v)]
    bad = sorted(s for s, v in plain.items() if not math.isfinite(v))
    assert series.low.min() == min(fine, default=math.inf)
    assert series.high.max() == max(fine, default=-math.inf)
    assert series.nonfinite == (len(bad), bad[0] if bad else 0)


@settings(max_examples=60, deadline=None)
@given(BATCHES, st.integers(1, 20))
def test_columns_keep_extremes_and_stay_within_the_width(
    batches: list[tuple[int, int, list[float]]], width: int
) -> None:
    series, plain = filled(batches)
    columns = series.columns(0, max(plain, default=1), width)
    fine = [v for v in plain.values() if math.isfinite(v)]
    assert len(columns.at) <= width
    assert int(columns.bad.sum()) == len(plain) - len(fine)
    if fine:
        assert np.nanmin(columns.low) == min(fine)
        assert np.nanmax(columns.high) == max(fine)
    assert not np.isinf(columns.low).any()
    assert all(a < b for a, b in pairwise(columns.at.tolist()))


@settings(max_examples=80, deadline=None)
@given(BATCHES, st.integers(0, 400))
def test_dropping_forgets_all_that_is_later(batches: list[tuple[int, int, list[float]]], step: int) -> None:
    series, plain = filled(batches)
    stride = series.stride
    series.drop_after(step)
    assert series.end <= step
    kept = int(series.count.sum() + series.bad.sum())
    before = sum(s <= step for s in plain)
    assert before - stride < kept <= before
    series.extend(step + 1, [7.0])
    assert series.end == step + 1
    assert series.last[series.used - 1] == 7.0


def test_steps_seen_before_are_passed_over() -> None:
    series = Series()
    series.extend(1, [1.0, 2.0, 3.0])
    series.extend(2, [9.0, 9.0, 4.0])
    assert series.last[:4].tolist() == [1.0, 2.0, 3.0, 4.0]


def test_the_strings_of_json_count_as_what_they_name() -> None:
    series = Series()
    series.extend(5, ["nan", 1.0, "inf", "-inf"])
    assert series.nonfinite == (3, 5)
    assert (series.low.min(), series.high.max()) == (1.0, 1.0)


@pytest.mark.parametrize(("first", "stride", "values"), [(-3, 1, [1.0]), (1, 0, [1.0]), (1, 1, [])])
def test_odd_batches_change_nothing(first: int, stride: int, values: list[float]) -> None:
    series = Series()
    series.extend(first, values, stride)
    assert series.used == 0
    assert series.columns(0, 10, 5).at.size == 0


def test_a_far_jump_costs_no_memory() -> None:
    series = Series()
    series.extend(1, [1.0])
    series.extend(10**12, [2.0])
    assert series.size == 1024
    assert (series.low.min(), series.high.max()) == (1.0, 2.0)


@given(st.lists(st.integers(0, 3_000), min_size=2, max_size=5), st.integers(1, 40))
def test_it_may_go_back_again_before_anything_was_added(cuts: list[int], newest: int) -> None:
    """As a run does that dies, resumed from one checkpoint, before it reports, and goes on from an older one."""
    series = Series(size=16, newest=newest)
    for first in range(0, 3_000, 50):
        series.extend(first, np.arange(first, first + 50, dtype=float))
    for cut in cuts:
        series.drop_after(cut)
        assert series.end <= min(cuts[0], cut)
        assert series.high.max() == (series.end if series.used else -math.inf)
    series.extend(3_000, [5.0])
    assert series.read(3_000, 0) is not None
