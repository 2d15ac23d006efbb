"""Stops: after the running batch, or after the epoch with its validation."""

from __future__ import annotations

from typing import Any

import pytest

from miniai.callbacks.clock import TrainingClock
from miniai.callbacks.control import ControlCB
from miniai.run import events as ev
from miniai.run.control import RunControl
from miniai.run.requests import Pause, SkipEpoch, Stop
from tests.miniai.controlled import TRAIN, VALID, WHOLE, Plan, fit, of, rows, short_learner


@pytest.mark.parametrize("batch", range(TRAIN))
def test_stop_ends_after_the_running_batch_which_counts(batch: int) -> None:
    facts, asks, control = fit({("after_loss", 0, "train", batch): [Stop(id="s")]})
    assert control.stopped
    assert asks.seen[-1] == (0, "train", batch)
    last = rows(facts)[-1]
    assert last[:3] == (0, "train", batch + 1)
    assert last[3] == ("complete" if batch == TRAIN - 1 else "stopped")


@pytest.mark.parametrize("where", [("train", 1), ("valid", VALID - 1)])
def test_stop_after_the_epoch_finishes_it_with_its_validation(where: tuple[str, int]) -> None:
    facts, _, control = fit({("after_loss", 0, *where): [Stop(id="s", when="epoch", epoch=0)]}, epochs=3)
    assert control.stopped
    assert rows(facts) == WHOLE[:2]
    assert of(facts, ev.StopPlanned) == [ev.StopPlanned(at=0, when="epoch", epoch=0, request="s")]


def test_stop_after_an_epoch_that_is_over_ends_with_the_running_one() -> None:
    facts, _, control = fit({("before_batch", 1, "train", 0): [Stop(id="s", when="epoch", epoch=0)]}, epochs=3)
    assert control.stopped
    assert rows(facts) == WHOLE


def test_a_planned_stop_survives_a_skipped_validation() -> None:
    plan: Plan = {
        ("after_loss", 0, "train", 0): [Stop(id="s", when="epoch", epoch=0)],
        ("after_loss", 0, "valid", 0): [SkipEpoch(id="e", epoch=0, phase="valid")],
    }
    facts, _, control = fit(plan, epochs=3)
    assert control.stopped
    assert rows(facts) == [WHOLE[0], (0, "valid", 1, "skipped")]


def test_stop_acts_at_once_in_a_pause() -> None:
    facts, asks, control = fit({("after_loss", 0, "train", 0): [Pause(id="p")]}, [Stop(id="s")])
    assert control.stopped
    assert asks.seen == [(0, "train", 0)]
    assert of(facts, ev.Continued) == []


def test_a_stop_of_one_fit_is_none_of_the_next() -> None:
    control, facts = RunControl(), list[Any]()
    cb = ControlCB(control, facts.append, lambda: 0.0, TrainingClock())
    learn = short_learner(cb)
    control.submit(Stop(id="s"))
    learn.fit(1)
    assert (cb.stopped, learn.steps) == (True, 0)
    learn.fit(1)
    assert (cb.stopped, learn.steps) == (False, 2)
