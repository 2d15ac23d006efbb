"""What is stale, repeated or does not fit is refused, with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from miniai.callbacks.base import Callback
from miniai.callbacks.clock import TrainingClock
from miniai.callbacks.control import ControlCB
from miniai.learner import Learner
from miniai.run import events as ev
from miniai.run.control import RunControl
from miniai.run.requests import AnyRequest, Continue, Pause, SkipBatch, SkipEpoch, Step
from tests.miniai.controlled import TRAIN, WHOLE, Plan, fit, of, refusals, rows, short_learner


def test_key_repeat_and_a_second_viewer_skip_no_more_than_was_meant() -> None:
    twice: list[AnyRequest] = [SkipEpoch(id=i, epoch=0, phase="train") for i in ("e1", "e2", "e1")]
    late: list[AnyRequest] = [SkipEpoch(id="e3", epoch=0, phase="train")]
    plan: Plan = {("after_loss", 0, "train", 1): twice, ("after_loss", 0, "valid", 0): late}
    facts, _, _ = fit(plan)
    assert len(of(facts, ev.EpochSkipped)) == 1
    assert rows(facts)[1] == WHOLE[1]
    assert "not happened yet" in refusals(facts)["e2"]
    assert "answered already" in refusals(facts)["e1"]
    assert "training of epoch 1 is over" in refusals(facts)["e3"]


@pytest.mark.parametrize("kind", [SkipBatch, SkipEpoch])
def test_a_press_on_the_last_batch_skips_nothing(kind: type[SkipBatch]) -> None:
    facts, _, _ = fit({("after_loss", 0, "train", TRAIN - 1): [kind(id="late", epoch=0, phase="train")]})
    assert rows(facts) == WHOLE
    assert "left to skip" in refusals(facts)["late"]


def test_what_does_not_fit_is_refused() -> None:
    plan: Plan = {("after_loss", 0, "train", 0): [Continue(id="c"), Pause(id="p1"), Pause(id="p2")]}
    facts, _, _ = fit(plan, [Continue(id="go")])
    assert "not paused" in refusals(facts)["c"]
    assert "paused already" in refusals(facts)["p2"]


def test_a_step_answers_the_pause_that_it_overtakes() -> None:
    facts, _, _ = fit({("after_loss", 0, "train", 0): [Pause(id="p"), Step(id="1")]}, [Continue(id="c")])
    assert "one more batch" in refusals(facts)["p"]
    assert [(f.batch, f.request) for f in of(facts, ev.Paused)] == [(2, "1")]


def test_a_request_after_the_last_batch_is_told_that_the_run_is_over() -> None:
    late = RunControl()

    class AtTheEnd(Callback):
        order = 2000

        def after_fit(self, learn: Learner) -> None:
            late.submit(Pause(id="p"))

    facts: list[Any] = []
    cb = ControlCB(late, facts.append, lambda: 0.0, TrainingClock())
    short_learner(cb, AtTheEnd()).fit(1)
    assert refusals(facts) == {"p": "the run is over"}
