"""The layers' heatmap, line by line."""

from __future__ import annotations

import math
import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.style import Style

from miniai.run import events as ev
from tests.tui.recorded import LAYERS, Recording
from tui.colors import PALETTES, style
from tui.panes import heat
from tui.panes.heatmap import VALUE, Cursor, heatmap, on_screen
from tui.panes.layer_words import TITLES, shown
from tui.panes.lines import Frame
from tui.ramps import Depth, oklab, ramp
from tui.smoothing import HUGE
from tui.state import RunState

COLORS = PALETTES["miniai-dark"]


def after(*facts: ev.AnyFact) -> RunState:
    state = RunState()
    for fact in facts:
        state.apply(fact)
    return state


def rows(
    state: RunState, width: int = 61, height: int = 17, statistic: str = "mean", offset: int = 0,
    cursor: Cursor | None = None,
) -> list[str]:  # fmt: skip
    strips = heatmap(state, Frame(width, height, COLORS), statistic, offset, cursor)
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
    assert re.match(r" +step 8 +190 ", lines[9])


def test_empty_says_what_will_come_or_that_nothing_will() -> None:
    assert "statistics of every layer" in " ".join(rows(RunState()))
    assert "first measurement" in " ".join(rows(after(*Recording().start())))
    assert "no layer is measured" in " ".join(rows(after(*Recording(layers=[]).start())))


def test_more_layers_than_lines_are_cut_and_counted() -> None:
    many = [ev.Layer(str(i), "Linear", "10>10") for i in range(40)]
    state = after(*Recording(layers=many).until(0, 40))
    assert "30 more below" in rows(state, height=11)[-1]
    assert rows(state, height=11, offset=30)[0].startswith("30")


def test_both_ends_of_the_scale_are_seen_however_narrow() -> None:
    many = [ev.Layer(str(i), "Conv2d", "16>32") for i in range(40)]
    state = after(*Recording(layers=many).until(1, 74))
    for width in range(24, 70):
        foot = rows(state, width, 9)[-1]
        assert re.match(r" *-1.5 {2,18} 1.5( |$)", foot), foot


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


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["mean", "std", "near_zero", "grad"]))
def test_a_scale_holds_what_it_is_made_for(value: float, statistic: str) -> None:
    held = heat.scale(statistic, abs(value))
    for levels in (5, 31):
        assert 0 <= held.level(value, levels) < levels
        assert held.level(0.0, levels) == ((levels - 1) // 2 if held.both else 0)


def test_equal_neighbours_are_one_run() -> None:
    held = heat.Scale("diverging", 1.0)
    places = heat.levels(np.repeat([0.5, 0.5, -0.5, math.nan], 2), held, COLORS).tolist()
    parts = heat.row(places, held, COLORS)
    assert [len(part.text) for part in parts] == [4, 2, 2]
    assert parts[2].text == "××"
    marked = heat.row(places, held, COLORS, (2, 4))
    assert [part.text for part in marked] == ["  ", "┃ ", "  ", "××"]


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
@pytest.mark.parametrize("statistic", ["mean", "std", "near_zero", "grad", "ratio"])
def test_every_size_is_filled(width: int, height: int, statistic: str) -> None:
    rows(after(*Recording().until(1, 74)), width, height, statistic)


def test_layers_without_parameters_show_dots_and_a_dash() -> None:
    lines = rows(after(*Recording().until(1, 74)), statistic="grad")
    assert "·····" in lines[1]
    assert " - " in lines[1]
    assert "·" not in lines[0]
    assert "0.001 " in lines[-1]
    assert " 1 log" in lines[-1]


def test_the_cursor_is_marked_and_read_with_the_rule() -> None:
    state = after(*Recording().until(1, 74))
    newest = rows(state, width=140, cursor=Cursor(5))
    assert newest[-2].startswith("2.1 ReLU  step 190  mean ")
    assert newest[-1].startswith("! 97 % dead: within 0.25 of zero, 95 % or more; deviation ")
    assert newest[5].count("┃") == 1
    assert "┃" not in "".join(newest[:5] + newest[6:])
    older = rows(state, width=140, cursor=Cursor(5, 40), statistic="near_zero")
    assert "  step 40  near zero 97 % " in older[-2]
    assert older[-1].startswith("now ! 97 % dead")
    assert older[5].index("┃") < newest[5].index("┃")
    assert "no gradient here" in rows(state, width=140, cursor=Cursor(1), statistic="grad")[-2]
    low = rows(state, width=140, height=7, cursor=Cursor(5))
    assert low[-1].startswith("2.1 ReLU  step 190  mean ")
    assert "  ! 97 % dead: " in low[-1]
    assert low[-2].lstrip().startswith("-0.7")
    assert rows(state, height=4, cursor=Cursor(5))[-1].startswith("2.1 ReLU")


def test_a_cursor_does_not_make_the_layers_jump() -> None:
    state = after(*Recording().until(1, 74))
    for height in range(1, 60):
        plain, read = rows(state, height=height), rows(state, height=height, cursor=Cursor(0))
        n = height - (3 if height >= 9 else 2 if height >= 5 else 1)
        assert [line.replace("┃", " ") for line in read[:n]] == plain[:n]


def test_layers_above_and_below_are_counted() -> None:
    many = [ev.Layer(str(i), "Linear", "10>10") for i in range(40)]
    state = after(*Recording(layers=many).until(0, 40))
    assert "12 above, 18 below " in rows(state, height=11, offset=12)[-1]
    assert "30 more above " in rows(state, height=11, offset=30)[-1]


def test_what_explodes_is_on_a_logarithmic_scale() -> None:
    assert heat.scale("std", 5e25, 0.3) == heat.Scale("log", 1e26, 0.1)
    assert heat.scale("mean", 5e25, 0.3).kind == "both log"
    both = heat.scale("mean", 5e25, 0.3)
    assert [both.level(v, 31) for v in (-1e26, 0.0, 1e26)] == [0, 15, 30]
    assert both.level(1e13, 31) in (22, 23)
    assert heat.scale("mean", 900.0, 0.3).kind == "diverging"


@given(st.floats(1e-30, 1e30), st.floats(1e-30, 1e30))
def test_a_log_scale_ends_at_powers_of_ten(one: float, other: float) -> None:
    low, high = sorted([one, other])
    held = heat.scale("ratio", high, low)
    assert held.kind == "log"
    assert held.limit >= high * 0.99999
    assert held.limit < 10.001 * high
    assert 0.9 < math.log10(held.limit / held.low) < 8.1
    assert math.log10(held.limit) == pytest.approx(round(math.log10(held.limit)), abs=1e-6)
    assert held.low <= low * 1.0001 or math.log10(held.limit / held.low) > 7.9


@given(st.lists(st.floats(width=32), min_size=1), st.sampled_from(["mean", "std", "near_zero", "grad", "ratio"]))
def test_arrays_get_the_levels_of_their_numbers(values: list[float], statistic: str) -> None:
    finite = [abs(v) for v in values if math.isfinite(v)]
    held = heat.scale(statistic, max(finite, default=0), min((v for v in finite if v > 0), default=0))
    n = len(ramp(held.ramp, COLORS.dark, COLORS.depth))
    places = heat.levels(np.array(values), held, COLORS).tolist()
    for value, place in zip(values, places, strict=True):
        if math.isfinite(value):
            assert abs(place - held.level(value, n)) <= 1  # rounding
        else:
            assert place == (heat.BROKEN if math.isnan(value) else heat.NONE)


SEEN_BY = {  # Machado, Oliveira, Fernandes, "A physiologically-based model ...", 2009: no red, no green cones
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}


@pytest.mark.parametrize("dark", [True, False])
@pytest.mark.parametrize("kind", ["diverging", "sequential"])
def test_smooth_ramps_are_even_for_every_eye(kind: str, dark: bool) -> None:
    labs = [oklab(color) for color in ramp(kind, dark)]
    gaps = [math.dist(a, b) for a, b in pairwise(labs)]
    assert max(gaps) < 1.6 * min(gaps)  # eight bits a colour round the darkest
    light = [lab[0] for lab in labs]
    arms = [light] if kind == "sequential" else [light[:16][::-1], light[15:]]
    for arm in arms:
        assert arm == sorted(arm, reverse=not dark)
    if kind == "diverging":
        assert abs(light[0] - light[-1]) < 0.06
        for matrix in SEEN_BY.values():
            linear = [[(c / 255) ** 2.2 for c in color] for color in (ramp(kind, dark)[0], ramp(kind, dark)[-1])]
            a, b = (np.clip(np.array(matrix) @ np.array(x), 0, 1) ** (1 / 2.2) * 255 for x in linear)
            ends = [oklab((int(x[0]), int(x[1]), int(x[2]))) for x in (a, b)]
            assert math.dist(*ends) > 0.15


@given(
    st.integers(1, 6), st.integers(1, 20), st.sampled_from([1, 2, 4]), st.integers(0, 2**32 - 1),
    st.sampled_from(["diverging", "sequential"]),
)  # fmt: skip
def test_rows_at_once_are_the_rows_one_by_one(layers: int, columns: int, each: int, seed: int, kind: str) -> None:
    places = np.repeat(np.random.default_rng(seed).integers(heat.NONE, 5, (layers, columns)), each, axis=1)
    held = heat.Scale(kind, 1.0)
    assert heat.rows(places, held, COLORS) == [heat.row(row, held, COLORS) for row in places.tolist()]


def test_on_the_screen_words_have_a_place_and_cells_only_their_colour() -> None:
    state, ground = after(*Recording().until(1, 74)), style(bg=COLORS.background)
    drawn = heatmap(state, Frame(80, 12, COLORS))[3]
    shown = on_screen(drawn, 3, ground)
    assert (shown.text, shown.cell_length) == (drawn.text, drawn.cell_length)
    x = 0
    for before, now in zip(drawn, shown, strict=True):
        assert now.style is not None
        place = now.style.meta.get("offset") if now.text.strip() else None
        assert place == ((x, 3) if now.text.strip() else None)
        plain = before.style or Style.null()
        assert now.style.bgcolor == (plain.bgcolor or ground.bgcolor)
        assert now.style.color == plain.color
        x += len(now.text)


@given(st.floats(), st.sampled_from(list(TITLES)))
@example(-999.996, "mean")
@example(999.99951, "grad")
@example(1e150, "grad")
@example(1e-150, "ratio")
def test_a_value_takes_no_more_room_than_it_has(value: float, statistic: str) -> None:
    value = min(abs(value), 1.0) if statistic == "near_zero" else value if statistic == "mean" else abs(value)
    text = shown(statistic, value)
    assert len(text) < VALUE
    if value <= HUGE and statistic in ("grad", "ratio"):
        assert float(text) == pytest.approx(value, rel=0.51, abs=5e-324)
