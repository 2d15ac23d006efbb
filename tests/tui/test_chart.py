"""The chart's curves: what is drawn from kept pictures is what plotext would draw of the whole chart."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from textual_plotext.plot import Plot

from tui.colors import style
from tui.panes import chart
from tui.panes.chart import Axis, Curve, Grid

COLORS = ("#f2a552", "#5fb4f7")
PLACES = st.floats(-0.2, 1.2, allow_nan=False) | st.sampled_from([0.0, 0.25, 0.5, 1.0])
CURVES = st.lists(st.lists(st.tuples(PLACES, PLACES), min_size=1, max_size=40), min_size=1, max_size=3)


def by_plotext(width: int, height: int, x: Axis, y: Axis, curves: list[Curve]) -> list[str]:
    """The characters of all curves in one picture."""
    plot: Any = Plot()
    plot.plotsize(width, height)
    plot._set_size(width, height)
    plot.frame(False)
    plot.xaxes(False, False)
    plot.yaxes(False, False)
    plot.xticks([], [])
    plot.yticks([], [])
    plot.xlim(x.low, x.high)
    plot.ylim(y.low, y.high)
    for steps, values, _ in curves:
        inside = [(s, min(max(v, y.low), y.high)) for s, v in zip(steps, values, strict=True) if x.low <= s <= x.high]
        if inside:
            plot.plot([s for s, _ in inside], [v for _, v in inside], color=(1, 2, 3), marker="braille")
    lines = [chart._CODE.sub("", line) for line in plot.build().split("\n")]
    return [line[:width].ljust(width) for line in (lines + [""] * height)[:height]]


@settings(max_examples=60, deadline=None)
@given(CURVES, st.integers(1, 60), st.integers(1, 20), st.sampled_from([1.0, 590.0, 1e7]), st.sampled_from([1e-6, 2.5]))
def test_curves_are_drawn_as_plotext_draws_them(
    points: list[list[tuple[float, float]]], width: int, height: int, last: float, span: float
) -> None:
    x, y = Axis(0.0, last, ()), Axis(-span, span, ())
    curves: list[Curve] = [
        ([last * s for s, _ in sorted(curve)], [span * (2 * v - 1) for _, v in sorted(curve)], COLORS[i % 2])
        for i, curve in enumerate(points)
    ]
    grid = Grid(width + 3, height)
    chart.lines(grid, (3, width, height), x, y, curves)
    assert ["".join(row[3:]) for row in grid.chars] == by_plotext(width, height, x, y, curves)
    assert all(row[:3] == [" "] * 3 for row in grid.chars)


def test_later_curves_cover_earlier_ones_and_nothing_covers_what_is_there() -> None:
    axis = Axis(0.0, 10.0, ())
    flat: list[Curve] = [([0, 10], [5, 5], COLORS[0]), ([0, 5], [5, 5], COLORS[1])]
    grid = Grid(20, 1)
    grid.put(3, 0, "●", style("#ffffff"))
    chart.lines(grid, (0, 20, 1), axis, axis, flat)
    looks = [look.color.name for look in grid.styles[0] if look.color is not None]
    assert grid.chars[0][3] == "●"
    assert looks == [COLORS[1]] * 3 + ["#ffffff"] + [COLORS[1]] * 7 + [COLORS[0]] * 9


def test_a_curve_whose_dots_stay_is_not_drawn_again() -> None:
    axis = Axis(0.0, 1000.0, ())
    curve: Curve = ([0, 500, 1000], [3, 700, 20], COLORS[0])
    chart._drawn.cache_clear()
    for shift in (0.0, 0.01, 0.02):
        moved: Curve = (curve[0], [v + shift for v in curve[1]], COLORS[0])
        chart.lines(Grid(40, 10), (0, 40, 10), axis, axis, [moved])
    assert chart._drawn.cache_info().misses == 1
