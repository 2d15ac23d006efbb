"""The heatmap's columns: the width is used, and colours, axis and cursor tell of the same measurements."""

from __future__ import annotations

import re

import numpy as np
import pytest
from textual.strip import Strip

from miniai.run import events as ev
from tests.tui.recorded import LAYERS, Recording
from tui.colors import PALETTES
from tui.layer_columns import fit_columns
from tui.panes import heat
from tui.panes.heatmap import Cursor, heatmap
from tui.panes.lines import Frame
from tui.ramps import ramp
from tui.state import RunState

COLORS = PALETTES["miniai-dark"]


def after(*facts: ev.AnyFact) -> RunState:
    state = RunState()
    for fact in facts:
        state.apply(fact)
    return state


def lines_of(state: RunState, width: int, height: int = 17, cursor: Cursor | None = None) -> list[str]:
    return [strip.text for strip in heatmap(state, Frame(width, height, COLORS), cursor=cursor)]


def test_a_column_of_several_measurements_says_so() -> None:
    state = after(*Recording(layers=LAYERS[:1]).start())
    for step in range(1, 301):
        state.apply(ev.LayersMeasured(at=1, step=step, means=[step], stds=[1.0], near_zero=[0.1], nonfinite=[0]))
    lines = lines_of(state, width=150, height=12, cursor=Cursor(0, 1))
    spans = held_by(state, 150 - len("0.0 Conv2d 1>8 ") - 25)
    first, last, n = spans[0]
    assert (first, n) == (1, last)  # each step was measured
    assert f"0.0 Conv2d 1>8  steps 1 to {last}  mean {(1 + last) / 2:.4g}, average of {last} " in lines[-2]
    assert len({n for _, _, n in spans[:-1]}) <= 2


def held_by(state: RunState, room: int) -> list[tuple[int, int, int]]:
    """First and last step and count of each column."""
    assert state.layers is not None
    spans = state.layers.spans(fit_columns(state.layers.used, room))
    return list(zip(spans.first.tolist(), spans.last.tolist(), spans.counts.tolist(), strict=True))


def cells_of(strip: Strip) -> list[str | None]:
    """The paper of each cell."""
    found: list[str | None] = []
    for text, look, _ in strip:
        color = None if look is None or look.bgcolor is None else look.bgcolor.name
        found += [color] * len(text)
    return found


@pytest.mark.parametrize("n", [1, 2, 5, 19, 20, 21, 35, 60, 128, 200, 300])
@pytest.mark.parametrize("over", [False, True])
def test_few_measurements_and_many_fill_the_width_with_their_means(n: int, over: bool) -> None:
    """Each cell has the colour of the mean of the measurements that the axis and the cursor say stand there."""
    state = after(*Recording(layers=LAYERS[:1]).start())
    values = np.random.default_rng(n).normal(0, 1, n).tolist()
    for step, value in enumerate(values, 1):
        state.apply(ev.LayersMeasured(at=1, step=step, means=[value], stds=[1.0], near_zero=[0.1], nonfinite=[0]))
    if over:
        state.apply(ev.FitEnded(at=2, reason="done", step=n))
    label, room = len("0.0 Conv2d 1>8 "), 61 - len("0.0 Conv2d 1>8 ") - 25
    papers = [c for c in cells_of(heatmap(state, Frame(61, 3, COLORS))[0])[label : label + room] if c is not None]
    assert len(papers) >= (room if over else room * 8 // 9)
    assert state.layers is not None
    columns = fit_columns(state.layers.used, room, over)
    spans = state.layers.spans(columns)
    scale = heat.scale("mean", *state.layers.bounds("mean")[::-1])
    shades = ramp("diverging", COLORS.dark, COLORS.depth)
    for i, (first, last) in enumerate(zip(spans.first.tolist(), spans.last.tolist(), strict=True)):
        level = scale.level(float(np.mean(values[first - 1 : last])), len(shades))
        near = shades[max(level - 1, 0) : level + 2]  # rounding
        drawn = set(papers[columns.edges[i] : columns.edges[i + 1]])
        assert len(drawn) == 1
        assert drawn <= {"#{:02x}{:02x}{:02x}".format(*shade) for shade in near}


def test_the_axis_names_steps_that_stand_above_it() -> None:
    state = after(*Recording(epochs=9).until(8, 74))
    lines = lines_of(state, width=150)
    axis = lines[9]
    assert state.layers is not None
    label, room = len("2.0 Conv2d 16>32 "), 150 - len("2.0 Conv2d 16>32 ") - 25
    columns = fit_columns(state.layers.used, room)
    spans = state.layers.spans(columns)
    found = [(m.start() - label, int(m.group().replace(",", ""))) for m in re.finditer(r"[\d,]+", axis)]
    assert len(found) >= 5
    for cell, step in found[:-1]:
        assert step == spans.first[columns.at(cell)]
        assert cell == columns.edges[columns.at(cell)]
    assert found[-1][1] == state.layers.end
    assert axis.rstrip()[-1:] == str(state.layers.end)[-1]
    assert len(axis.rstrip()) == label + columns.cells
