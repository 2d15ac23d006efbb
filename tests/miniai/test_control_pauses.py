"""Pauses and single batches: the loop stands still after a batch, and its clock too."""

from __future__ import annotations

from typing import Any

import pytest

from miniai.callbacks.clock import TrainingClock
from miniai.callbacks.control import ControlCB
from miniai.run import events as ev
from miniai.run.requests import AnyRequest, Continue, Pause, Step
from tests.miniai.controlled import TRAIN, VALID, WHOLE, Script, fit, of, refusals, rows, short_learner


def test_pause_stands_still_after_the_batch_and_goes_on() -> None:
    facts, asks, _ = fit({("after_loss", 0, "train", 1): [Pause(id="p")]}, [Continue(id="c")])
    (paused,), (continued,) = of(facts, ev.Paused), of(facts, ev.Continued)
    assert (paused.batch, paused.step, paused.request, continued.request) == (2, 2, "p", "c")
    assert facts.index(paused) < facts.index(continued)
    assert rows(facts) == WHOLE
    assert len(asks.seen) == 2 * (TRAIN + VALID)


def test_step_does_one_batch_and_pauses_again() -> None:
    facts, _, _ = fit({("after_loss", 0, "train", 0): [Pause(id="p")]}, [Step(id="1"), Step(id="2"), Continue(id="c")])
    assert [(f.batch, f.request) for f in of(facts, ev.Paused)] == [(1, "p"), (2, "1"), (3, "2")]
    assert rows(facts) == WHOLE


def test_step_in_a_running_fit_pauses_after_one_more_batch() -> None:
    facts, _, _ = fit({("after_loss", 0, "train", 0): [Step(id="1")]}, [Continue(id="c")])
    assert [(f.batch, f.request) for f in of(facts, ev.Paused)] == [(2, "1")]


@pytest.mark.parametrize(("hook", "asked"), [("after_loss", Step(id="1")), ("after_epoch", Pause(id="1"))])
def test_what_no_batch_comes_after_is_answered_at_the_end(hook: str, asked: AnyRequest) -> None:
    facts, _, _ = fit({(hook, 1, "valid", VALID - 1): [asked]})
    assert refusals(facts) == {"1": "the run is over"}
    assert of(facts, ev.Paused) == []
    assert rows(facts) == WHOLE


def test_pauses_are_no_training_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    clock = TrainingClock(lambda: now[0])
    control = Script([])

    def wait() -> AnyRequest:
        now[0] += 1000.0
        return Continue(id="c")

    monkeypatch.setattr(control, "wait", wait)
    control.submit(Pause(id="p"))
    facts: list[Any] = []
    cb = ControlCB(control, facts.append, lambda: now[0], clock)
    short_learner(cb).fit(1)
    assert clock.seconds == 0.0
    assert of(facts, ev.Continued)[0].paused == 1000.0
