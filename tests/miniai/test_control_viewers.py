"""Several viewers ask the same thing in the same moment: it happens once, and the others are told why not twice."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from miniai.callbacks.clock import TrainingClock
from miniai.callbacks.control import ControlCB
from miniai.run import events as ev
from miniai.run.control import RunControl, new_id
from miniai.run.requests import AnyRequest, Continue, Pause, SetLearningRate, SkipBatch, SkipEpoch, Step
from tests.miniai.controlled import of, refusals, short_learner

Asks = Callable[[list[Any]], AnyRequest]
"""What a viewer asks, who has seen these facts."""


class Viewers(RunControl):
    """The run is paused before its first batch; then the viewers ask, one after another, and at last it goes on."""

    def __init__(self, *asks: Asks) -> None:
        super().__init__()
        self.asks = list(asks)
        self.facts: list[Any] = []
        self.submit(Pause(id="p"))

    def wait(self) -> AnyRequest:
        if waiting := self.take():
            return waiting
        return self.asks.pop(0)(self.facts) if self.asks else Continue(id=new_id())


def fit(*asks: Asks, epochs: int = 3) -> tuple[list[Any], Any]:
    """The facts of a fit of two batches a half epoch, and its Learner."""
    control = Viewers(*asks)
    ticks = itertools.count(1)
    learner = short_learner(ControlCB(control, control.facts.append, lambda: float(next(ticks)), TrainingClock()))
    learner.fit(epochs, lr=0.1)
    return control.facts, learner


def paused(facts: list[Any]) -> float:
    return float(of(facts, ev.Paused)[-1].at)


def pauses(facts: list[Any]) -> list[int]:
    return [fact.step for fact in of(facts, ev.Paused)]


def test_two_viewers_step_at_the_same_pause_one_batch_is_done() -> None:
    seen: list[float] = []

    def first(facts: list[Any]) -> Step:
        seen.append(paused(facts))
        return Step(id="a", stood=seen[0])

    facts, _ = fit(first, lambda facts: Step(id="b", stood=seen[0]))
    assert pauses(facts) == [0, 1]
    assert refusals(facts) == {"b": "the run has moved on meanwhile"}


def test_two_viewers_skip_a_batch_at_the_same_pause_one_is_skipped() -> None:
    seen: list[float] = []

    def first(facts: list[Any]) -> SkipBatch:
        seen.append(paused(facts))
        return SkipBatch(id="a", stood=seen[0])

    facts, _ = fit(first, lambda facts: SkipBatch(id="b", stood=seen[0]))
    assert len(of(facts, ev.BatchSkipped)) == 1
    assert refusals(facts) == {"b": "the run has moved on meanwhile"}


def test_a_viewer_who_saw_the_run_go_on_does_not_step_twice() -> None:
    """Both pressed while it ran; the first press has led to a pause, which the second did not mean to end."""
    facts, _ = fit(lambda facts: Step(id="a", stood=paused(facts)), lambda facts: Step(id="b", stood=0.0))
    assert refusals(facts) == {"b": "the run has moved on meanwhile"}


def test_pause_and_step_in_one_breath() -> None:
    """Who asked for the pause may ask for a batch before having seen that it stands."""
    facts, _ = fit(lambda facts: Step(id="a", stood=0.0))
    assert pauses(facts) == [0, 1]
    assert refusals(facts) == {}


def test_who_sees_each_pause_may_step_on() -> None:
    facts, _ = fit(*[lambda facts, n=n: Step(id=str(n), stood=paused(facts)) for n in range(3)])
    assert pauses(facts) == [0, 1, 2, 2]  # the third batch is one of the validation
    assert refusals(facts) == {}


def test_a_pause_that_is_over_is_not_stepped_from() -> None:
    old: list[float] = []

    def go_on(facts: list[Any]) -> Continue:
        old.append(paused(facts))
        return Continue(id="c")

    class Late(Viewers):
        def take(self) -> AnyRequest | None:
            if old and self.asks:
                return self.asks.pop(0)(self.facts)
            return super().take()

    control = Late(go_on, lambda facts: Step(id="b", stood=old[0]))
    ticks = itertools.count(1)
    short_learner(ControlCB(control, control.facts.append, lambda: float(next(ticks)), TrainingClock())).fit(2)
    assert refusals(control.facts) == {"b": "the run has moved on meanwhile"}


def test_two_viewers_halve_the_rate_that_both_saw() -> None:
    facts, learner = fit(
        lambda facts: SetLearningRate(id="a", factor=0.5, seen=""),
        lambda facts: SetLearningRate(id="b", factor=0.5, seen=""),
    )
    assert [(f.old, f.new) for f in of(facts, ev.Changed)] == [(0.1, 0.05)]
    assert refusals(facts) == {"b": "the learning rate was changed meanwhile: it is 0.05 now"}
    assert learner.opt.param_groups[0]["lr"] == 0.05


def test_who_saw_the_change_may_halve_it_again() -> None:
    facts, _ = fit(
        lambda facts: SetLearningRate(id="a", factor=0.5, seen=""),
        lambda facts: SetLearningRate(id="b", factor=0.5, seen="a"),
    )
    assert [f.new for f in of(facts, ev.Changed)] == [0.05, 0.025]


def test_a_rate_that_is_named_is_set_whatever_was_seen() -> None:
    facts, _ = fit(
        lambda facts: SetLearningRate(id="a", factor=0.5, seen=""),
        lambda facts: SetLearningRate(id="b", lr=0.3, seen=""),
    )
    assert [f.new for f in of(facts, ev.Changed)] == [0.05, 0.3]


def test_a_refused_change_changes_nothing_for_the_next() -> None:
    facts, _ = fit(
        lambda facts: SetLearningRate(id="a", factor=1.0, seen=""),
        lambda facts: SetLearningRate(id="b", factor=0.5, seen=""),
    )
    assert [f.new for f in of(facts, ev.Changed)] == [0.05]


def test_a_change_made_before_the_run_was_resumed_is_no_obstacle() -> None:
    facts, _ = fit(lambda facts: SetLearningRate(id="b", factor=0.5, seen="of the process before"))
    assert [f.new for f in of(facts, ev.Changed)] == [0.05]


def test_two_viewers_skip_the_same_half() -> None:
    facts, _ = fit(
        lambda facts: SkipEpoch(id="a", epoch=0, phase="train"), lambda facts: SkipEpoch(id="b", epoch=0, phase="train")
    )
    assert [(f.epoch, f.phase) for f in of(facts, ev.EpochSkipped)] == [(0, "train")]
    assert refusals(facts) == {"b": "the training of epoch 1 is over"}


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(rounds=st.lists(st.tuples(st.sampled_from([Step, SkipBatch]), st.integers(1, 4)), max_size=5))
def test_however_many_ask_at_a_pause_one_batch_is_done_or_skipped(rounds: list[tuple[type[Any], int]]) -> None:
    """In each round so many viewers, who all see the same pause, ask for the same."""
    seen: dict[int, float] = {}
    asks: list[Asks] = []

    def ask(facts: list[Any], kind: type[Any], turn: int, viewer: int) -> AnyRequest:
        seen.setdefault(turn, paused(facts))
        request: AnyRequest = kind(id=f"{turn}.{viewer}", stood=seen[turn])
        return request

    for turn, (kind, viewers) in enumerate(rounds):
        asks += [partial(ask, kind=kind, turn=turn, viewer=viewer) for viewer in range(viewers)]
    facts, _ = fit(*asks, epochs=6)
    refused = refusals(facts)
    for turn, (_, viewers) in enumerate(rounds):
        done = [viewer for viewer in range(viewers) if f"{turn}.{viewer}" not in refused]
        assert done == [0] or (not done and "left to skip" in refused[f"{turn}.0"])
