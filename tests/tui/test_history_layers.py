"""LayerHistory against plain means over measurements."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from miniai.run.events import LayersMeasured, Number
from miniai.run.packed import pack
from tui.layer_columns import fit_columns
from tui.layer_history import LayerHistory
from tui.layer_spreads import SLOTS, Spreads


def fact(step: int, *values: float) -> LayersMeasured:
    n = len(values)
    return LayersMeasured(at=0.0, step=step, means=list(values), stds=[1.0] * n, near_zero=[0.5] * n, nonfinite=[0] * n)


def columns(held: LayerHistory, statistic: str, room: int) -> NDArray[np.float64]:
    return held.columns(statistic, fit_columns(held.used, room))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-10, 10), min_size=1, max_size=200))
def test_held_columns_are_means_of_equal_groups(values: list[float]) -> None:
    held = LayerHistory(1, size=8)
    for step, value in enumerate(values):
        held.add(fact(step, value))
    assert held.used <= 8
    mine = held.values[0, 0, : held.used]
    expected = [np.mean(values[i : i + held.per]) for i in range(0, len(values), held.per)]
    assert mine.tolist() == pytest.approx(expected)
    assert held.first[0, 0] == values[0]


def test_a_nan_survives_merging() -> None:
    held = LayerHistory(2, size=4)
    for step in range(16):
        held.add(fact(step, math.nan if step == 5 else 1.0, 2.0))
    assert np.isnan(columns(held, "mean", 4)[0]).any()
    assert not np.isnan(columns(held, "mean", 4)[1]).any()
    assert np.isnan(columns(held, "mean", 1)[0]).all()


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
    assert held.of("mean")[0] == 6.0
    assert held.add(fact(7, 70.0))
    assert columns(held, "mean", 20)[0].tolist() == [0, 1, 2, 3, 4, 5, 6, 70]


def step_of(step: int, grads: list[Number | None]) -> LayersMeasured:
    n = len(grads)
    return LayersMeasured(
        at=0.0, step=step, means=[0.0] * n, stds=[1.0] * n, near_zero=[0.5] * n, nonfinite=[0] * n, grads=grads
    )


def test_no_gradient_is_not_a_broken_one() -> None:
    held = LayerHistory(3, size=4)
    for step in range(8):
        held.add(step_of(step, [None, "nan" if step == 2 else 0.5, 2.0]))
    values = columns(held, "grad", 4)
    assert np.isposinf(values[0]).all()
    assert np.isnan(values[1]).tolist() == [False, True, False, False]
    assert values[2].tolist() == [2.0] * 4
    assert held.bounds("grad") == (0.5, 2.0)
    assert held.grad_shares[:, 1:].tolist() == [[0.25, 1.0]] * 3
    assert np.isposinf(columns(held, "ratio", 4)).all()  # an old journal has none


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=100), st.integers(1, 12))
def test_spans_say_which_steps_a_column_holds(gaps: list[int], width: int) -> None:
    held, steps = LayerHistory(1, size=8), np.cumsum(gaps).tolist()
    for step in steps:
        held.add(fact(step, float(step)))
    spans, shown = held.spans(fit_columns(held.used, width)), columns(held, "mean", width)[0]
    assert len(shown) <= width
    groups = [[s for s in steps if a <= s <= b] for a, b in zip(spans.first, spans.last, strict=True)]
    assert [s for group in groups for s in group] == steps
    assert [len(group) for group in groups] == spans.counts.tolist()
    assert shown.tolist() == pytest.approx([np.mean(group) for group in groups])


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 200))
def test_histograms_are_thinned_out_and_the_newest_is_kept(n: int) -> None:
    held = Spreads(1, size=8)
    for i in range(n):
        assert held.add(10 * i, [pack([i] * SLOTS)])
    assert held.used <= 8
    steps = held.steps[: held.used].tolist()
    assert steps[0] == 0
    assert steps[-1] == 10 * (n - 1)
    assert steps[:-1] == [10 * held.every * k for k in range(held.used - 1)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.none() | st.floats(0, 10), min_size=1, max_size=120), st.integers(1, 12))
def test_a_mean_is_of_the_numbers_that_there_are(grads: list[float | None], room: int) -> None:
    held = LayerHistory(1, size=8)
    for step, value in enumerate(grads, 1):
        held.add(step_of(step, [value]))
    shown = fit_columns(held.used, room)
    spans, numbers = held.spans(shown), held.numbers("grad", shown)[0]
    for i, (first, last) in enumerate(zip(spans.first.tolist(), spans.last.tolist(), strict=True)):
        inside = [value for value in grads[first - 1 : last] if value is not None]
        assert numbers[i] == len(inside)
        assert held.columns("grad", shown)[0, i] == pytest.approx(np.mean(inside) if inside else math.inf)


def test_the_first_measurement_stays_known_until_it_is_dropped() -> None:
    held = LayerHistory(1, size=4)
    for step in range(3, 40):
        held.add(fact(step, float(step)))
    held.drop_after(20)
    assert held.first[0, 0] == 3.0
    held.drop_after(2)
    held.add(fact(5, 50.0))
    assert held.first[0, 0] == 50.0


def test_a_layer_that_a_step_did_not_use_has_no_numbers() -> None:
    held = LayerHistory(2)
    nan: list[Number] = ["nan", 1.0]
    held.add(LayersMeasured(at=0, step=1, means=nan, stds=nan, near_zero=["nan", 0.5], nonfinite=[0, 0]))
    held.add(LayersMeasured(at=0, step=2, means=nan, stds=nan, near_zero=[0.5, 0.5], nonfinite=[7, 0]))
    assert np.isposinf(held.columns("mean")[0, 0])
    assert np.isnan(held.columns("mean")[0, 1])


def test_histograms_of_another_shape_or_time_are_passed_over() -> None:
    held = Spreads(2)
    assert held.add(5, ["!", "!!"])
    assert held.levels[0, 1, :3].tolist() == [1, 1, 0]
    assert not held.add(5, ["!", "!"])
    assert not held.add(6, ["!"])
    assert held.add(9, ["", ""])
    held.drop_after(7)
    assert held.used == 1


@given(st.lists(st.sampled_from([1.7e308, -1.7e308, 1e300, 3.0]), min_size=1, max_size=60))
def test_sums_of_huge_numbers_stay_finite(values: list[float]) -> None:
    """An infinite mean would be taken for a layer that has no such number."""
    held = LayerHistory(1, size=4)
    for step, value in enumerate(values):
        assert held.add(fact(step, value))
    assert np.isfinite(columns(held, "mean", 2)).all()
