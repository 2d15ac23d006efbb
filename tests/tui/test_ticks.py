"""Ticks of the value axis: they can be told apart, fit their room, and the values never lie in a corner."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from tui.panes import chart
from tui.panes.loss_draw import LABEL


@given(st.floats(1e-6, 1e6), st.floats(1.0, 50.0), st.integers(2, 12))
def test_values_on_a_log_axis_never_lie_in_a_corner(low: float, ratio: float, parts: int) -> None:
    axis = chart.log_axis(low, low * ratio, parts)
    assert axis.low <= math.log10(low) + 1e-6
    assert axis.high >= math.log10(low * ratio) - 1e-6
    assert len(axis.ticks) >= 2
    assert all(axis.low - 1e-9 <= place <= axis.high + 1e-9 for place, _ in axis.ticks)


@given(st.floats(1e-12, 1e14), st.floats(0.1, 3.0), st.integers(3, 8))
def test_ticks_can_be_told_apart(low: float, share: float, parts: int) -> None:
    texts = [text for _, text in chart.linear_axis(low, low * (1 + share), parts).ticks]
    assert len(set(texts)) == len(texts)


def test_a_loss_of_billions_has_six_cells_for_each_tick() -> None:
    assert [text for _, text in chart.linear_axis(0, 2e9, 5).ticks] == ["0", "500M", "1.0e9", "1.5e9", "2.0e9"]
    assert all(len(text) <= LABEL - 1 for _, text in chart.linear_axis(0, 2e15, 5).ticks)


def test_accuracies_fill_a_log_axis() -> None:
    axis = chart.log_axis(0.79, 0.95, 5)
    assert [text for _, text in axis.ticks] == ["0.75", "0.8", "0.85", "0.9", "0.95"]
