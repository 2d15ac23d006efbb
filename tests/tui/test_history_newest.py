"""The newest values one by one, and outliers: nothing that is hidden goes uncounted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.history import Series
from tui.history_columns import far_out
from tui.history_newest import Newest


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(1, 40), max_size=20), st.integers(1, 32))
def test_the_newest_are_held_and_memory_is_bounded(parts: list[int], size: int) -> None:
    newest, end = Newest(size, 7), 0
    for n in parts:
        steps = np.arange(end + 1, end + n + 1)
        newest.add(steps, steps.astype(np.float64) * 0.5)
        end += n
    held = newest.at.tolist()
    assert held == list(range(end - len(held) + 1, end + 1))
    assert min(end, size) <= len(held) <= 2 * size
    assert newest.values.tolist() == [s * 0.5 for s in held]
    first = end - len(held) + 1
    assert newest.before(0).tolist() == [s * 0.5 for s in range(max(first - 6, 1), first)]
    if end:
        newest.drop_after(end - 1)
        assert end not in newest.at


def test_recent_steps_are_seen_one_by_one_in_a_long_run() -> None:
    series = Series()
    for first in range(1, 1_000_001, 100_000):
        series.extend(first, np.arange(first, first + 100_000, dtype=np.float64))
    assert series.stride >= 512
    fine = series.columns(999_900, 1_000_000, 200)
    assert fine.at.tolist() == list(range(999_900, 1_000_001))
    assert fine.last.tolist() == fine.at.tolist()
    coarse = series.columns(0, 1_000_000, 200)
    assert (np.diff(coarse.at) > 1_000).all()


def test_columns_can_be_placed_otherwise_than_by_steps() -> None:
    series = Series()
    series.extend(1, np.arange(1.0, 101))
    columns = series.columns(0, 50, 25, place=lambda steps: steps / 2)
    assert columns.at.max() == 50
    assert len(columns.at) == 25
    assert columns.last[-1] == 100


def test_what_is_far_out_is_hidden_and_counted() -> None:
    values = np.tile([1.0, 1.1, 0.9, 1.05], 25)
    values[[10, 60]] = (50.0, -40.0)
    series = Series()
    series.extend(1, values)
    columns = series.columns(0, 100, 100, fences=far_out)
    assert (columns.hidden, columns.exact) == (2, True)
    assert np.nanmax(columns.high) == 1.1
    assert np.nanmin(columns.low) == 0.9
    assert np.isnan(columns.last[[10, 60]]).all()
    assert series.columns(0, 100, 100).hidden == 0
    assert np.nanmax(series.columns(0, 100, 100).high) == 50


def test_in_buckets_at_least_the_extremes_are_counted() -> None:
    values = np.tile([1.0, 1.1, 0.9, 1.05], 2_500)
    values[100:103] = 50.0
    series = Series(size=64, newest=16)
    series.extend(1, values)
    columns = series.columns(0, 10_000, 60, fences=far_out)
    assert not columns.exact
    assert 1 <= columns.hidden <= 3
    assert np.nanmax(columns.high) <= 1.1


@settings(max_examples=80, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200))
def test_of_single_values_those_outside_the_fences_are_hidden(values: list[float]) -> None:
    series = Series()
    series.extend(1, values)
    fences: list[tuple[float, float]] = []

    def noted(points: object) -> tuple[float, float]:
        fences.append(far_out(points))  # type: ignore[arg-type]
        return fences[0]

    columns = series.columns(0, 1_000, 1_000, fences=noted)
    low, high = fences[0]
    assert columns.hidden == sum(not low <= v <= high for v in values)
    kept = [v for v in values if low <= v <= high]
    assert np.nanmin(columns.low) == min(kept)
    assert np.nanmax(columns.high) == max(kept)


def test_few_or_equal_values_have_no_outliers() -> None:
    series = Series()
    series.extend(1, [1.0] * 5 + [99.0])
    assert series.columns(0, 10, 10, fences=far_out).hidden == 0
    assert far_out(series.newest.points()) == (-np.inf, np.inf)


def test_on_a_log_axis_fences_are_powers() -> None:
    series = Series()
    series.extend(1, np.geomspace(1e-3, 1e3, 100))
    low, high = far_out(series.newest.points(), log=True)
    assert low == pytest.approx(10**-10.5, rel=0.1)
    assert high == pytest.approx(10**10.5, rel=0.1)
