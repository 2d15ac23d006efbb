"""The layers' heatmap, line by line."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniai.run import events as ev
from tests.tui.recorded import LAYERS, Recording
from tui.colors import PALETTES
from tui.panes import heat
from tui.panes.layers import health, heatmap
from tui.panes.lines import Frame
from tui.ramps import Depth, ramp
from tui.state import RunState

COLORS = PALETTES["miniai-dark"]


def after(*facts: ev.AnyFact) -> RunState:
    state = RunState()
    for fact in facts:
        state.apply(fact)
    return state


def rows(state: RunState, width: int = 61, height: int = 17, statistic: str = "mean", offset: int = 0) -> list[str]:
    strips = heatmap(state, Frame(width, height, COLORS), statistic, offset)
    assert [s.cell_length for s in strips] == [width] * height
    return [s.text for s in strips]


def test_each_layer_has_its_line_value_and_word() -> None:
    lines = rows(after(*Recording().until(1, 74)))
    for text, layer in zip(lines, LAYERS, strict=False):
        assert text.startswith(f"{layer.name} {layer.kind}")
    assert "healthy" in lines[0]
    assert "! 97 % dead" in lines[5]
    assert "-0.7 " in lines[-1]
    assert " 0.7 " in lines[-1]
    assert lines[-1].rstrip().endswith("to step 190")


def test_empty_says_what_will_come_or_that_nothing_will() -> None:
    assert "statistics of every layer" in " ".join(rows(RunState()))
    assert "first measurement" in " ".join(rows(after(*Recording().start())))
    assert "no layer is measured" in " ".join(rows(after(*Recording(layers=[]).start())))


def test_more_layers_than_lines_are_cut_and_counted() -> None:
    many = [ev.Layer(str(i), "Linear", "10>10") for i in range(40)]
    state = after(*Recording(layers=many).until(0, 40))
    assert "30 more below" in rows(state, height=11)[-1]
    assert rows(state, height=11, offset=30)[0].startswith("30")


def test_a_layer_takes_more_lines_where_there_is_room() -> None:
    lines = rows(after(*Recording().until(0, 40)), height=40)
    assert sum("healthy" in line or "dead" in line for line in lines) == len(LAYERS)
    assert lines[1].startswith("0.0")


def test_nan_is_a_red_cross_and_a_word() -> None:
    state = after(*Recording(layers=LAYERS[:1]).start())
    for step in range(8):
        broken: ev.Number = "nan" if step == 7 else 0.3
        state.apply(
            ev.LayersMeasured(at=1, step=step, means=[broken], stds=[1.0], near_zero=[0.1], nonfinite=[5 * (step == 7)])
        )
    strip = heatmap(state, Frame(61, 3, COLORS))[0]
    assert "×" in strip.text
    assert "NaN or inf" in strip.text
    cross = next(s for s in strip if "×" in s.text)
    assert cross.style is not None
    assert cross.style.color is not None
    assert cross.style.color.name == COLORS.wrong


@pytest.mark.parametrize(
    ("values", "word", "bad"),
    [((0.1, 1.0, 0.3, 0), "healthy", False), ((0.1, 1.0, 0.95, 0), "95 % dead", True),
     ((0.0, 0.0, 1.0, 0), "100 % dead", True), ((0.01, 0.05, 1.0, 0), "100 % near 0", False),
     ((0.1, 1.0, 0.3, 4), "NaN or inf", True), ((math.nan, 1.0, 0.3, 0), "NaN or inf", True),
     ((0.1, 1e-3, 0.3, 0), "vanishing", True), ((900.0, 1.0, 0.0, 0), "exploding", True)],
)  # fmt: skip
def test_health_in_a_word(values: tuple[float, float, float, int], word: str, bad: bool) -> None:
    assert health(*values) == (word, bad)


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["mean", "std", "near_zero"]))
def test_a_scale_holds_what_it_is_made_for(value: float, statistic: str) -> None:
    held = heat.scale(statistic, abs(value))
    for levels in (5, 31):
        assert 0 <= held.level(value, levels) < levels
        assert held.level(0.0, levels) == ((levels - 1) // 2 if held.kind == "diverging" else 0)


def test_equal_neighbours_are_one_run() -> None:
    parts = heat.cells([0.5, 0.5, 0.5, -0.5, math.nan], 2, heat.Scale("diverging", 1.0), COLORS)
    assert [len(text) for text, _ in parts] == [6, 2, 2]
    assert parts[2][0] == "××"


@pytest.mark.parametrize("depth", ["truecolor", "256", "standard"])
@pytest.mark.parametrize("dark", [True, False])
def test_ramps_are_neutral_in_the_middle_and_differ_at_the_ends(depth: Depth, dark: bool) -> None:
    colors = ramp("diverging", dark, depth)
    assert len(colors) % 2 == 1
    cold, middle, warm = colors[0], colors[len(colors) // 2], colors[-1]
    assert max(middle) - min(middle) < 16
    assert cold[2] > cold[0]
    assert warm[0] > warm[2]
    assert len(set(ramp("sequential", dark, depth))) == len(ramp("sequential", dark, depth))


@pytest.mark.parametrize(("width", "height"), [(10, 2), (30, 5), (140, 40)])
@pytest.mark.parametrize("statistic", ["mean", "std", "near_zero"])
def test_every_size_is_filled(width: int, height: int, statistic: str) -> None:
    rows(after(*Recording().until(1, 74)), width, height, statistic)
