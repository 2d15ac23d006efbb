"""Steps in seconds and epochs: what is known is exact, what lies between is on a straight line, memory is bounded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miniai.run import events as ev
from tests.tui.recorded import Recording
from tui.hand_over import joined
from tui.state import RunState
from tui.state.clock import MOST, Knots, StepClock


def told(*facts: ev.AnyFact) -> StepClock:
    clock = StepClock()
    for fact in facts:
        clock.apply(fact)
    return clock


def test_a_step_has_its_time_and_its_epoch() -> None:
    clock = told(*Recording().until(1, 74))
    assert clock.one("epochs", 59) == pytest.approx(0.5)
    assert clock.one("epochs", 118) == pytest.approx(1)
    assert clock.one("epochs", 118 + 59) == pytest.approx(1.5)
    assert clock.one("epochs", 192) == pytest.approx(1 + 74 / 118)
    assert clock.one("time", 59) == pytest.approx(3 + 59 * 0.041, abs=1e-6)
    assert clock.one("time", 118) == pytest.approx(3 + 118 * 0.041)  # before the validation that follows
    assert clock.one("time", 120) > 3 + 118 * 0.041 + 10 * 0.04
    assert clock.step("epochs", 0.5) == pytest.approx(59)


def test_a_pause_is_a_jump_in_time() -> None:
    facts = list(Recording().until(0, 40))
    now = facts[-1].at
    clock = told(
        *facts,
        ev.Paused(at=now, epoch=0, phase="train", batch=40, step=40),
        ev.Continued(at=now + 60, paused=60),
        ev.Scalars(at=now + 61, name="loss", first=41, values=[0.5] * 10),
    )
    assert clock.one("time", 40) == pytest.approx(now)
    assert clock.one("time", 45) == pytest.approx(now + 60.5)


def test_a_skipped_epoch_is_not_stretched() -> None:
    facts = list(Recording().until(0, 40))
    done = ev.EpochEnded(
        at=9, epoch=0, phase="train", metrics={}, batches=40, of=118, samples=1, seconds=1.0, step=40, ended="skipped"
    )
    clock = told(
        *facts, done, ev.EpochStarted(at=9, epoch=1, phase="train", batches=118, step=40),
        ev.Scalars(at=10, name="loss", first=41, values=[0.5] * 59),
    )  # fmt: skip
    assert clock.one("epochs", 20) == pytest.approx(20 / 118)
    assert clock.one("epochs", 40) == pytest.approx(40 / 118)
    assert clock.one("epochs", 99) == pytest.approx(1.5)


def test_a_resumed_run_goes_on_in_time() -> None:
    facts = list(Recording().until(1, 74))
    before = told(*facts).one("time", 150)
    clock = told(*facts, ev.RunResumed(at=1.0, step=150), ev.Scalars(at=3.0, name="loss", first=151, values=[0.5] * 10))
    assert clock.one("time", 150) == pytest.approx(before)
    assert clock.one("time", 160) == pytest.approx(before + 2)
    assert clock.one("epochs", 150) == pytest.approx(1 + 32 / 118)


def test_nothing_is_known_of_an_empty_run() -> None:
    clock = told()
    assert clock.knows("steps")
    assert not clock.knows("epochs")
    assert not clock.knows("time")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.floats(0, 50)), min_size=2, max_size=60))
def test_known_places_are_kept_and_nothing_falls(moves: list[tuple[int, float]]) -> None:
    knots, step, value, plain = Knots(), 0, 0.0, dict[int, float]()
    for more, later in moves:
        step, value = step + more, value + later
        knots.add(step, value)
        plain.setdefault(step, value)  # of several at one step the first is the step's own
    found = knots.at(np.array(list(plain), np.float64))
    assert found == pytest.approx(list(plain.values()))
    between = knots.at(np.linspace(0, step, 500))
    assert (np.diff(between) >= -1e-9).all()


def test_memory_is_bounded_and_the_ends_are_kept() -> None:
    knots = Knots()
    for i in range(100_000):
        knots.add(i, 2.0 * i)
    assert len(knots.steps) <= MOST
    assert knots.at(np.array([0.0, 5_000.0, 99_999.0])) == pytest.approx([0, 10_000, 199_998], abs=1e-6)


def test_the_axis_follows_a_run_that_is_read_again() -> None:
    state = RunState()
    for _ in range(2):
        for fact in Recording().until(1, 74):
            state.apply(fact)
    assert state.clock.one("epochs", 118) == pytest.approx(1)
    assert state.curves.names == ["accuracy"]
    assert state.curves.series["accuracy", "valid"].end == 118


def test_facts_that_a_reader_has_joined_keep_their_times() -> None:
    facts = list(Recording().until(1, 74))
    plain, read = told(*facts), told(*joined(facts))
    steps = np.arange(1.0, 193.0)
    assert len(joined(facts)) < len(facts)
    assert read.to("time", steps) == pytest.approx(plain.to("time", steps))
    assert read.to("epochs", steps) == pytest.approx(plain.to("epochs", steps))
