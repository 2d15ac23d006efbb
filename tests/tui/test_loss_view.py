"""The chart's view: windows, units, smoothing, zoom; and what it says in words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miniai.run import events as ev
from tests.tui.recorded import Recording
from tui.panes.axes import fixed_axis, grown_axis, moving_axis
from tui.panes.loss_reading import reading
from tui.panes.loss_view import RAW, View, choices
from tui.state import RunState
from tui.state.clock import Unit

UNITS: tuple[Unit, ...] = ("steps", "epochs", "time")


def going(batch: int = 74) -> RunState:
    """A run in the middle of its second epoch."""
    state = RunState()
    for fact in Recording().until(1, batch):
        state.apply(fact)
    return state


def long(steps: int = 100_000) -> RunState:
    """A run of many steps."""
    state = RunState()
    for first in range(1, steps, 10_000):
        state.apply(ev.Scalars(at=first / 100, name="loss", first=first, values=[0.5] * 10_000))
    return state


def test_windows_go_round() -> None:
    state, view = long(), View()
    assert view.bounds(state) == (0, 100_000)
    view.next_window()
    assert view.window == "recent"
    assert view.bounds(state) == (80_000, 100_000)
    view.next_window()
    assert view.bounds(state) == (99_500, 100_000)
    assert "follow 500 steps" in view.title(state)
    view.next_window()
    assert view.window == "full"


def test_the_followed_window_moves_in_steps() -> None:
    state, view = long(), View(window="follow")
    held = view.bounds(state)
    moved = set()
    for step in range(100_001, 100_201):
        state.apply(ev.Scalars(at=1000, name="loss", first=step, values=[0.5]))
        low, high = view.bounds(state)
        assert low <= step - 500
        assert step <= high
        moved.add((low, high))
    assert held not in moved
    assert len(moved) <= 4


def test_full_shows_the_planned_epochs() -> None:
    state = going()
    axis = View(unit="epochs").axis(state)
    assert (axis.low, axis.high) == (0, 2)
    assert View(unit="time").axis(state).high >= state.clock.one("time", 192)
    assert [label for _, label in View(unit="time").axis(state).ticks][:2] == ["0:00", "0:05"]


def test_a_unit_that_is_not_known_yet_is_steps() -> None:
    state = RunState()
    state.apply(ev.Scalars(at=1, name="loss", first=1, values=[1.0, 0.9]))
    view = View(unit="epochs")
    assert view.told(state) == "steps"
    assert view.axis(state).high == 10


@pytest.mark.parametrize("unit", UNITS)
def test_zooming_keeps_its_center_and_ends_in_the_full_window(unit: Unit) -> None:
    state, view = going(), View(unit=unit)
    view.zoom_by(state, 0.5, 100.0)
    low, high = view.bounds(state)
    whole = View(unit=unit).bounds(state)
    share = (100 - whole[0]) / (whole[1] - whole[0])
    assert low + share * (high - low) == pytest.approx(100, abs=1)
    assert high - low == pytest.approx((whole[1] - whole[0]) / 2)
    for _ in range(4):
        view.zoom_by(state, 1.5)
    assert view.zoom is None
    assert view.window == "full"


def test_a_window_never_leaves_the_run_nor_gets_too_narrow() -> None:
    state, view = going(), View(zoom=(50.0, 90.0))
    view.pan_by(state, -500)
    assert view.bounds(state) == (0, 40)
    view.pan_by(state, 5_000)
    assert view.bounds(state) == (160, 200)
    for _ in range(30):
        view.zoom_by(state, 0.5)
    low, high = view.bounds(state)
    assert high - low == pytest.approx(8)
    assert "steps" in view.title(state)
    view.next_window()
    assert view.bounds(state) == (0, 200)


def test_zooming_while_following_goes_on_following() -> None:
    state, view = long(), View(window="follow")
    view.zoom_by(state, 0.5)
    assert (view.zoom, view.following) == (None, 250)
    assert view.bounds(state) == (99_750, 100_000)


def test_smoothing_is_said_and_has_ends() -> None:
    state, view = going(), View()
    assert "smooth ~5" in view.title(state)
    for _ in range(6):
        view.smooth_by(state, 1)
    assert "smooth ~500" in view.title(state)
    for _ in range(9):
        view.smooth_by(state, -1)
    assert view.smoothing == RAW
    assert "not smoothed" in view.title(state)


def test_what_can_be_drawn() -> None:
    state = going()
    state.apply(ev.Scalars(at=1, name="lr", first=1, values=[0.1]))
    state.apply(ev.Scalars(at=1, name="grad_norm", first=1, values=[0.1]))
    state.apply(ev.Scalars(at=1, name="other\x1b[2J", first=1, values=[0.1]))
    names = [choice.name for choice in choices(state)]
    assert names == ["loss", "accuracy", "learning rate", "gradient norm", "other[2J"]
    view, seen = View(), []
    for _ in names:
        seen.append(view.name)
        assert view.title(state).startswith(f"{view.name} ─")
        view.next_choice(state)
    assert seen == names
    assert view.name == "loss"
    view.name = "gone"
    assert view.choice(state).name == "loss"
    view.next_choice(state)
    assert view.name == "loss"


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(UNITS), st.floats(0, 1e9), st.floats(1e-3, 1e9), st.integers(1, 12))
def test_axes_hold_what_they_are_asked_for(unit: Unit, low: float, span: float, parts: int) -> None:
    high = low + span
    slack = 1e-5 * max(high, 1.0)
    grown = grown_axis(unit, high, 0, parts)
    moving = moving_axis(unit, low, high, parts)
    fixed = fixed_axis(unit, low, high, parts)
    assert grown.low == 0
    for axis in (grown, moving):
        assert axis.low <= low + slack
        assert axis.high >= high - slack - 0.5  # steps are whole
    assert fixed.low == low
    for axis in (grown, moving, fixed):
        assert axis.high > axis.low
        assert len(axis.ticks) <= parts + 3
        assert all(axis.low - slack <= value <= axis.high + slack for value, _ in axis.ticks)


KEYS = st.lists(
    st.sampled_from(["window", "unit", "in", "out", "left", "right", "more", "less", "choice", "wheel", "see"]),
    max_size=30,
)


@settings(max_examples=80, deadline=None)
@given(KEYS, st.integers(1, 117))
def test_any_keys_leave_a_window_on_the_run(keys: list[str], batch: int) -> None:
    state, view = going(batch), View()
    for key in keys:
        match key:
            case "window":
                view.next_window()
            case "unit":
                view.next_unit()
            case "in" | "out":
                view.zoom_by(state, 0.6 if key == "in" else 1.7)
            case "wheel":
                view.zoom_by(state, 0.5, 150.0)
            case "left" | "right":
                view.pan_by(state, -30 if key == "left" else 30)
            case "more" | "less":
                view.smooth_by(state, 1 if key == "more" else -1)
            case "choice":
                view.next_choice(state)
            case "see":
                view.see(state, 10)
        low, high = view.bounds(state)
        assert low >= 0
        assert high > low
        axis = view.axis(state)
        assert axis.high > axis.low
        assert view.title(state)


def test_of_a_run_that_is_over_the_whole_axis_is_used() -> None:
    state = going()
    state.apply(ev.FitEnded(at=30.0, reason="stopped", step=192))
    for unit, last in (("steps", 192.0), ("epochs", 1 + 74 / 118), ("time", state.clock.one("time", 192))):
        assert View(unit=unit).axis(state).high == pytest.approx(last, rel=1e-3)  # type: ignore[arg-type]
    state.apply(ev.RunResumed(at=40.0, step=118))
    assert View().axis(state).high > 192


def test_a_curve_is_called_what_it_is() -> None:
    state = going()
    state.apply(ev.Scalars(at=1, name="grad_norm", first=1, values=[1.0, 2.0]))
    state.apply(ev.Scalars(at=1, name="lr", first=1, values=[0.1] * 192))
    names = {choice.name: choice.first for choice in choices(state)}
    assert names == {"loss": "train", "accuracy": "train", "learning rate": "rate", "gradient norm": "value"}
    assert ("value", "2.0000", "train") in reading(state, View(name="gradient norm", cross=2))
