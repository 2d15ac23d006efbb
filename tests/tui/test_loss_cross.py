"""The crosshair reads what the series hold, exactly where that is known and as a range where it is not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miniai.run import events as ev
from tests.tui.recorded import Recording
from tests.tui.test_loss_view import going, long
from tui.colors import PALETTES
from tui.history import Series
from tui.panes.lines import Frame
from tui.panes.loss_cross import moved, reading
from tui.panes.loss_draw import loss_chart
from tui.panes.loss_view import RAW, View
from tui.state import RunState
from tui.text import metric

COLORS = PALETTES["miniai-dark"]


def read(state: RunState, view: View) -> dict[str, str]:
    return {name: value for name, value, _ in reading(state, view)}


def test_it_reads_every_curve_at_the_step() -> None:
    state = going()
    state.apply(ev.Scalars(at=1, name="lr", first=1, values=[*[0.1] * 100, 0.05]))
    losses = [
        value for fact in Recording().until(1, 74) if isinstance(fact, ev.Scalars) and fact.name == "loss"
        for value in fact.values
    ]  # fmt: skip
    shown = read(state, View(cross=150))
    assert shown["step"] == "150"
    assert shown["epoch"] == "2 of 5, 27 %"
    assert shown["time"] == "0:10"
    assert shown["train"] == metric(float(losses[149]))
    assert shown["valid"].endswith("at step 118")
    assert shown["lr"] == "0.05"
    assert read(state, View(cross=50))["valid"] == "none yet"
    assert read(state, View(cross=50))["lr"] == "0.1"
    assert "smooth" in shown
    assert "smooth" not in read(state, View(cross=150, smoothing=RAW))
    assert read(state, View(name="accuracy", cross=150))["train"].endswith("at step 118")


def test_an_old_step_of_a_long_run_is_a_range_of_steps_and_values() -> None:
    state = RunState()
    for first in range(1, 100_001, 10_000):
        state.apply(ev.Scalars(at=1, name="loss", first=first, values=[0.5, 0.25] * 5_000))
    shown = read(state, View(cross=20_000))
    assert shown["train"] == "0.2500 to 0.5000"
    first, last = (int(part.replace(",", "")) for part in shown["step"].split(" to "))
    assert first <= 20_000 <= last
    assert last - first == state.series["loss"].stride - 1
    assert read(state, View(cross=99_999))["train"] == "0.5000"


def test_what_is_not_finite_is_said() -> None:
    state = RunState()
    state.apply(ev.Scalars(at=1, name="loss", first=1, values=[0.5, "nan", 0.5]))
    rows = reading(state, View(cross=2))
    assert ("train", "NaN", "wrong") in rows


def test_the_box_and_the_line_are_drawn_beside_each_other() -> None:
    state = going()
    for step in (1, 60, 120, 192):
        for size in ((64, 15), (30, 12), (120, 30)):
            lines = [s.text for s in loss_chart(state, Frame(*size, COLORS), View(cross=step))]
            assert any(f"step    {step}" in line for line in lines)
            if size[0] >= 64:
                assert sum("│" in line[7:] for line in lines) >= 3


def test_moving_goes_by_columns_and_at_least_by_steps() -> None:
    state = going()
    assert moved(state, View(cross=100), 1, 57) > 100
    assert moved(state, View(cross=100), -1, 57) < 100
    assert moved(state, View(cross=100, zoom=(90, 110)), 1, 57) == 101
    assert moved(state, View(cross=100), 10, 57) - 100 >= 10
    assert moved(state, View(cross=192), 5, 57) == 192
    assert moved(state, View(cross=1), -5, 57) == 1
    assert moved(long(), View(cross=50_000), 1, 100) == pytest.approx(51_000, abs=20)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.floats(-100, 100), min_size=1, max_size=120), st.integers(1, 3), st.integers(0, 400))
def test_a_reading_holds_the_value_that_was_given(values: list[float], stride: int, asked: int) -> None:
    series = Series(size=16, newest=8)
    series.extend(1, values, stride)
    plain = {1 + i * stride: value for i, value in enumerate(values)}
    found = series.read(asked)
    if asked < 1:
        assert found is None
        return
    assert found is not None
    step = max(s for s in plain if s <= asked)
    assert found.first <= step
    if found.exact:
        assert (found.first, found.value) == (step, plain[step])
    else:
        assert found.low <= plain[step] <= found.high
        assert all(found.low <= plain[s] <= found.high for s in plain if found.first <= s <= found.last)
