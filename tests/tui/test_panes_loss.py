"""The loss chart: lines where the values are, nothing that plotext cannot take, axes that stand still."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miniai.run import events as ev
from tests.tui.recorded import Recording
from tui.colors import PALETTES, style
from tui.panes import chart
from tui.panes.band import band
from tui.panes.chart import Axis, Grid
from tui.panes.lines import Frame
from tui.panes.loss_draw import LABEL, loss_chart
from tui.panes.loss_view import View
from tui.state import RunState

COLORS = PALETTES["miniai-dark"]


def with_loss(*values: ev.Number, first: int = 1, facts: tuple[ev.AnyFact, ...] = ()) -> RunState:
    state = RunState()
    for fact in (*facts, ev.Scalars(at=1, name="loss", first=first, values=list(values))):
        state.apply(fact)
    return state


def rows(state: RunState, width: int = 54, height: int = 16, log: bool = False) -> list[str]:
    strips = loss_chart(state, Frame(width, height, COLORS), View(log=log))
    assert [s.cell_length for s in strips] == [width] * height
    return [s.text for s in strips]


def dots(lines: list[str]) -> list[tuple[int, int]]:
    return [(x, y) for y, line in enumerate(lines) for x, c in enumerate(line) if 0x2800 < ord(c) < 0x2900]


def test_empty_says_what_will_come() -> None:
    assert "from the first batch on" in " ".join(rows(RunState()))
    state = RunState()
    for fact in Recording().start():
        state.apply(fact)
    assert "the first validation is due at step 118" in " ".join(rows(state))


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(
    "values",
    [
        (0.5,),
        ("nan",),
        ("nan", "inf", "-inf"),
        (0.0,),
        (-1.0, 2.0),
        (1e38, 1e-38),
        (0.5, 0.5),
        (1e308, -1e308),
        (5e-324,),
    ],
)
def test_no_value_breaks_the_chart(values: tuple[ev.Number, ...], log: bool) -> None:
    rows(with_loss(*values), log=log)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats() | st.sampled_from(["nan", "inf", "-inf"]), min_size=1, max_size=40), st.booleans(),
    st.integers(1, 90), st.integers(1, 30),
)  # fmt: skip
def test_any_series_at_any_size_is_drawn(values: list[ev.Number], log: bool, width: int, height: int) -> None:
    rows(with_loss(*values), width, height, log)


def test_a_dot_lies_in_the_cell_of_its_value() -> None:
    axis = Axis(0, 100, ())
    for width, height in ((54, 14), (20, 5)):
        for i in range(0, 101, 9):
            grid = Grid(width, height)
            chart.lines(grid, (0, width, height), axis, axis, [([float(i)], [100.0 - i], "#ff0000")])
            drawn = [(x, y) for y in range(height) for x in range(width) if grid.chars[y][x] != " "]
            assert drawn == [(axis.cell(i, width, 2), height - 1 - axis.cell(100 - i, height, 4))]


def test_a_spike_is_seen_after_a_million_steps() -> None:
    state = with_loss(*([0.5] * 1000), 9.0, *([0.5] * 1000))
    for first in range(2002, 1_000_000, 100_000):
        state.apply(ev.Scalars(at=1, name="loss", first=first, values=[0.5] * 10, stride=10_000))
    high = min(y for _, y in dots(rows(state)))
    assert high <= 2


def test_nan_is_marked_with_its_first_step_and_count() -> None:
    broken: list[ev.Number] = ["nan"] * 20
    state = with_loss(*([0.5] * 49), *broken)
    lines = rows(state)
    assert any("× 20 NaN or inf, first at step 50" in line for line in lines)
    bottom = lines[-3]
    crosses = [i for i, c in enumerate(bottom) if c == "×"]
    assert crosses == list(range(crosses[0], crosses[-1] + 1))  # no gap
    assert crosses[0] == LABEL + chart.step_axis(69, 0, 4).cell(50, 54 - LABEL, 2)
    assert all(x <= crosses[0] for x, _ in dots(lines))


def test_a_broken_validation_is_marked_and_counted_too() -> None:
    state = with_loss(*([0.5] * 60))
    losses: dict[int, ev.Number] = {20: 0.6, 40: "nan"}
    for step, loss in losses.items():
        state.apply(
            ev.EpochEnded(
                at=1, epoch=step, phase="valid", metrics={"loss": loss}, batches=1, of=1, samples=1, seconds=1.0,
                step=step,
            )
        )  # fmt: skip
    lines = rows(state)
    assert any("× valid: 1 NaN or inf, first at 40" in line for line in lines)
    assert any("× 1 NaN or inf in validation, first at step 40" in line for line in rows(state, 90))
    crosses = [i for i, c in enumerate(lines[-3]) if c == "×"]
    assert crosses == [LABEL + chart.step_axis(60, 0, 4).cell(40, 54 - LABEL, 2)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.none() | st.tuples(st.integers(0, 39), st.integers(0, 39)), min_size=1, max_size=20))
def test_the_band_spans_each_column_and_joins_neighbours(spans: list[tuple[int, int] | None]) -> None:
    """Against the lines drawn one by one; 10 rows of cells have 40 of dots, a step is 2 dots wide."""
    nan = (math.nan, math.nan)
    low, high = (np.array(x, np.float64) for x in zip(*[sorted(s) if s else nan for s in spans], strict=True))
    grid, x = Grid(20, 10), Axis(0, 39, ())
    band(grid, (0, 20, 10), (x, x), 2.0 * np.arange(len(spans), dtype=np.float64), low, high, style("#ff0000"))
    drawn = {(i, y) for i in range(40) for y in range(40) if _dot(grid, i, y)}
    for i, span in enumerate(spans):
        column = sorted(y for at, y in drawn if at == 2 * i)
        assert bool(column) == bool(span)
        if span:
            assert column == list(range(column[0], column[-1] + 1))
            assert {min(span), max(span)} <= set(column)
        between = sorted(y for at, y in drawn if at == 2 * i + 1)
        after = spans[i + 1] if i + 1 < len(spans) else None
        assert bool(between) == bool(span and after)
        if span and after:
            ends = [max(s) if i % 2 else min(s) for s in (span, after)]
            assert between[0] >= min(ends)
            assert between[-1] <= max(ends)
            assert min(abs(a - b) for a in between for b in column) <= 1


def _dot(grid: Grid, x: int, y: int) -> bool:
    """Whether a dot is set, counted from the bottom left."""
    char = grid.chars[9 - y // 4][x // 2]
    bit = ((0x40, 0x80), (0x04, 0x20), (0x02, 0x10), (0x01, 0x08))[y % 4][x % 2]
    return char != " " and bool((ord(char) - 0x2800) & bit)


def test_the_band_lies_behind_the_lines() -> None:
    state = with_loss(*[1 + math.sin(i) for i in range(5_000)])
    grid = loss_chart(state, Frame(54, 16, COLORS))
    colors = {s.style.color.name for strip in grid for s in strip if s.style and s.style.color and s.text.strip()}
    assert {COLORS.train, COLORS.train_faint} <= colors
    raw = [line for line in rows(state) if sum(0x2800 < ord(c) < 0x2900 for c in line) > 15]
    assert len(raw) >= 10  # it spans the plot, where the smoothed line takes a row or two


def test_validation_points_sit_at_their_step() -> None:
    state = RunState()
    for fact in Recording().until(1, 74):
        state.apply(fact)
    lines = rows(state)
    place = [(x, y) for y, line in enumerate(lines) for x, c in enumerate(line) if c == "●" and y > 1]
    axis = chart.step_axis(state.step, 590, (54 - LABEL) // 11)
    assert [x for x, _ in place] == [LABEL + axis.cell(118, 54 - LABEL, 2)]


def test_marks_are_drawn_at_their_step_with_words() -> None:
    state = with_loss(*[1.0 - i / 200 for i in range(100)])
    state.apply(ev.BatchSkipped(at=1, epoch=0, phase="train", batch=3))
    state.apply(ev.Scalars(at=1, name="loss", first=101, values=[0.5] * 100))
    lines = rows(state)
    column = LABEL + chart.step_axis(200, 0, 4).cell(100, 54 - LABEL, 2)
    assert [line[column] for line in lines[-3::-1][:6]].count("┊") >= 3
    assert lines[-2][column] == "»"
    assert any("┊» batch skipped" in line for line in lines)


def test_the_legend_says_what_the_line_is_at_and_covers_no_rising_curve() -> None:
    state = with_loss(*[1.0] * 30, 9.0)
    assert "━ train   1.0000" in rows(state)[0]
    state.apply(ev.Scalars(at=1, name="loss", first=32, values=["nan"]))
    assert "━ train      NaN" in rows(state)[0]
    lines = [s.text for s in loss_chart(with_loss(1.0, 9.0), Frame(54, 16, COLORS), View(smoothing=-1))]
    assert "━ train   9.0000" in "\n".join(lines)
    rising = rows(with_loss(*[i / 200 for i in range(200)]))
    assert "train" not in rising[0]
    assert "━ train" in rising[-3]


def test_axes_stand_still_while_numbers_move() -> None:
    """From step 101 to 190 neither axis changes."""
    state = with_loss(*[2.3 - i / 60 for i in range(101)])
    held = [(r[:LABEL], rows(state)[-1]) for r in rows(state)]
    for step in range(102, 190, 8):
        state.apply(ev.Scalars(at=1, name="loss", first=step, values=[0.6] * 8))
        assert [(r[:LABEL], rows(state)[-1]) for r in rows(state)] == held


def test_a_log_axis_has_its_ticks_at_powers() -> None:
    axis = chart.log_axis(0.03, 2.4, 5)
    assert axis.low == pytest.approx(math.log10(0.02))
    assert axis.high == pytest.approx(math.log10(5))
    assert 2 <= len(axis.ticks) <= 6


@given(st.floats(1e-12, 1e12), st.floats(1e-9, 1e9), st.integers(1, 12))
def test_linear_axes_hold_their_range_with_few_ticks(low: float, span: float, parts: int) -> None:
    axis = chart.linear_axis(low, low + span, parts)
    slack = 1e-6 * max(span, low)
    assert axis.low <= low + slack
    assert axis.high >= low + span - slack
    assert 2 <= len(axis.ticks) <= parts + 3


@given(st.integers(1, 10**9), st.integers(0, 10**9), st.integers(2, 12))
def test_step_axes_hold_the_last_step(last: int, total: int, parts: int) -> None:
    axis = chart.step_axis(last, total, parts)
    assert axis.high >= last
    assert axis.high <= max(10, 2.5 * last) or axis.high <= max(total, 1)
    assert len(axis.ticks) <= parts + 2


def test_at_most_one_point_per_column_reaches_plotext(monkeypatch: pytest.MonkeyPatch) -> None:
    counts: list[int] = []
    real = chart.lines

    def counting(grid: Grid, place: tuple[int, int, int], x: Axis, y: Axis, curves: list[chart.Curve]) -> None:
        counts.extend(sum(len(c[0]) for c in curves) for _ in (0,))
        real(grid, place, x, y, curves)

    monkeypatch.setattr(chart, "lines", counting)
    state = with_loss(*[1 + math.sin(i) for i in range(20_000)])
    rows(state, 107)
    assert 0 < counts[0] <= 100


def test_each_validation_has_its_dot_as_long_as_there_are_two_columns_for_each() -> None:
    state = RunState()
    for fact in Recording(epochs=20).whole():
        state.apply(fact)
    assert sum(line.count("●") for line in rows(state, 61, 16)[2:]) == 20
    assert sum(line.count("●") for line in rows(state, 46, 16)[2:]) in range(8, 12)  # one of four columns


@pytest.mark.parametrize("name", ["loss", "accuracy"])
@pytest.mark.parametrize("epochs", [60, 400])
def test_many_validations_are_told_apart_from_training_without_colours(epochs: int, name: str) -> None:
    """Dots on the line, from one end to the other, each where a validation was."""
    state = RunState()
    for fact in Recording(epochs=epochs, train_batches=8, layers=[]).whole():
        state.apply(fact)
    view = View(name=name)
    lines = [s.text for s in loss_chart(state, Frame(60, 16, COLORS), view)]
    axis, width = view.axis(state), 60 - LABEL
    lines = [line.split("● valid")[0] for line in lines]
    columns = sorted(x - LABEL for line in lines for x, c in enumerate(line) if c == "●")
    measured = {axis.cell(8 * (i + 1), width, 2) for i in range(epochs)}
    assert set(columns) <= measured
    assert all(1 <= b - a <= 7 for a, b in pairwise(columns))
    assert columns[0] <= 4
    assert columns[-1] >= max(measured) - 4
    train = [x for line in lines for x, c in enumerate(line) if c == "○"]
    assert (len(train) > 8) == (name == "accuracy")


def test_a_new_validation_moves_no_dot_but_the_newest() -> None:
    state, made = RunState(), Recording(epochs=60, train_batches=8, layers=[])
    for fact in made.until(49, 0):
        state.apply(fact)

    def columns() -> list[int]:
        lines = [s.text for s in loss_chart(state, Frame(60, 16, COLORS), View())]
        return sorted(x for line in lines[2:] for x, c in enumerate(line) if c == "●")

    before = columns()
    for fact in made.half(49, "valid"):
        state.apply(fact)
    after = columns()
    assert [x for x in before if x not in after] in ([], before[-1:])
