"""LayerHistory against plain means over measurements."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miniai.run.events import LayersMeasured
from tui.layer_history import LayerHistory


def fact(step: int, *values: float) -> LayersMeasured:
    n = len(values)
    return LayersMeasured(at=0.0, step=step, means=list(values), stds=[1.0] * n, near_zero=[0.5] * n, nonfinite=[0] * n)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-10, 10), min_size=1, max_size=200), st.integers(1, 12))
def test_columns_are_means_of_equal_groups(values: list[float], width: int) -> None:
    held = LayerHistory(1, size=8)
    for step, value in enumerate(values):
        held.add(fact(step, value))
    assert held.used <= 8
    mine = held.values[: held.used, 0, 0]
    expected = [np.mean(values[i : i + held.per]) for i in range(0, len(values), held.per)]
    assert mine.tolist() == pytest.approx(expected)
    shown = held.columns("mean", width)
    assert shown.shape[1] <= width
    group = held.per * -(-held.used // width)
    expected = [np.mean(values[i : i + group]) for i in range(0, len(values), group)]
    assert shown[0].tolist() == pytest.approx(expected)


def test_a_nan_survives_merging() -> None:
    held = LayerHistory(2, size=4)
    for step in range(16):
        held.add(fact(step, math.nan if step == 5 else 1.0, 2.0))
    assert np.isnan(held.columns("mean", 4)[0]).any()
    assert not np.isnan(held.columns("mean", 4)[1]).any()
    assert np.isnan(held.columns("mean", 1)[0]).all()


def test_measurements_of_another_shape_or_time_are_passed_over() -> None:
    held = LayerHistory(2)
    assert held.add(fact(5, 1.0, 2.0))
    assert not held.add(fact(5, 1.0, 2.0))
    assert not held.add(fact(4, 1.0, 2.0))
    assert not held.add(fact(9, 1.0))
    assert held.end == 5


def test_dropping_forgets_later_columns() -> None:
    held = LayerHistory(1)
    for step in range(10):
        held.add(fact(step, float(step)))
    held.drop_after(6)
    assert held.end == 6
    assert held.latest[0, 0] == 6.0
    assert held.add(fact(7, 70.0))
    assert held.columns("mean", 20)[0].tolist() == [0, 1, 2, 3, 4, 5, 6, 70]
