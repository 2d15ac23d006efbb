"""What a request does besides its answer: reports that leave first, clocks that go again, hooks that still run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from miniai.callbacks.base import Callback
from miniai.callbacks.clock import TrainingClock
from miniai.callbacks.control import ControlCB
from miniai.learner import FuncCB, Learner
from miniai.run import events as ev
from miniai.run.requests import AnyRequest, Continue, Pause, Save, SetValidation, SkipBatch, SkipEpoch, Step, Stop
from tests.miniai.controlled import Script, of, refusals, short_learner


def unheard(fact: Any) -> None:
    """A listener that does not listen."""


def asks(control: Script, *requests: AnyRequest, epoch: int = 0, batch: int = 0) -> Callback:
    """Hands them in while that training batch runs."""

    def hand_in(learn: Learner) -> None:
        if learn.training and (learn.epoch, learn.iter) == (epoch, batch):
            for request in requests:
                control.submit(request)

    return FuncCB(after_loss=hand_in)


def controlled(
    control: Script, said: Callable[[Any], None], flush: Callable[[], None] = lambda: None, **kwargs: Any
) -> ControlCB:
    return ControlCB(control, said, lambda: 0.0, kwargs.pop("clock", TrainingClock()), flush, **kwargs)


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (Pause(id="1"), ev.Paused),
        (SkipBatch(id="1"), ev.BatchSkipped),
        (SkipEpoch(id="1"), ev.EpochSkipped),
        (Stop(id="1"), type(None)),
    ],
)
def test_what_was_reported_leaves_before_the_loop_is_left_or_stands_still(
    request_: AnyRequest, answer: type[Any]
) -> None:
    said: list[Any] = []
    control = Script([])
    cb = controlled(control, said.append, lambda: said.append("flush"))
    short_learner(cb, asks(control, request_)).fit(1)
    assert said.count("flush") == 1
    told = [fact for fact in said if isinstance(fact, answer)]
    assert [said[said.index(fact) - 1] for fact in told] == ["flush"] * len(told)
    assert len(told) == (answer is not type(None))


@pytest.mark.parametrize(("script", "waits"), [([Continue(id="c")], 1), ([Step(id="s"), Continue(id="c")], 2)])
def test_time_counts_again_after_a_pause(script: list[AnyRequest], waits: int) -> None:
    """Four batches of a second each; a wait takes a thousand."""
    now = [0.0]
    clock = TrainingClock(lambda: now[0])

    class Slow(Script):
        def wait(self) -> AnyRequest:
            now[0] += 1000.0
            return super().wait()

    def pass_a_second(learn: Learner) -> None:
        now[0] += 1.0

    control = Slow(script)
    learn = short_learner(
        controlled(control, unheard, clock=clock), asks(control, Pause(id="p")), FuncCB(after_predict=pass_a_second)
    )
    clock.go()
    learn.fit(1)
    assert clock.seconds == 4.0
    assert now[0] == 4.0 + 1000.0 * waits


def test_a_stop_in_the_last_batch_of_a_half_leaves_that_half_whole() -> None:
    control, ends = Script([]), list[bool]()
    noted = FuncCB(after_epoch=lambda learn: ends.append(learn.training))
    cb = controlled(control, unheard)
    short_learner(cb, asks(control, Stop(id="1"), batch=1), noted).fit(2)
    assert cb.stopped
    assert ends == [True]


def test_a_stop_after_the_epoch_is_planned_once_and_may_become_a_stop_at_once() -> None:
    said: list[Any] = []
    control = Script([])
    stops = Stop(id="1", when="epoch"), Stop(id="2", when="epoch"), Stop(id="3"), Stop(id="4")
    short_learner(controlled(control, said.append), asks(control, *stops)).fit(2)
    assert [(fact.request, fact.when) for fact in of(said, ev.StopPlanned)] == [("1", "epoch"), ("3", "batch")]
    assert refusals(said) == dict.fromkeys("24", "the run is stopping already")


class Saver:
    """Stands in for the callback that writes checkpoints."""

    def __init__(self, said: list[Any]) -> None:
        self.said, self.asked = said, ""

    def ask(self, request: str) -> None:
        self.asked = request

    def save_now(self, learn: Learner) -> None:
        self.said.append(f"saved {self.asked}")
        self.asked = ""


def test_a_checkpoint_asked_for_in_a_pause_is_written_in_the_pause() -> None:
    said: list[Any] = []
    saver: Any = Saver(said)
    control = Script([Save(id="s"), Continue(id="c")])
    short_learner(controlled(control, said.append, saver=saver), asks(control, Pause(id="p"))).fit(1)
    told = [fact if isinstance(fact, str) else type(fact).__name__ for fact in said]
    assert told == ["Paused", "saved s", "Continued"]


def test_what_was_switched_off_in_one_fit_is_on_in_the_next() -> None:
    control, halves = Script([]), list[bool]()
    noted = FuncCB(after_epoch=lambda learn: halves.append(learn.training))
    learn = short_learner(controlled(control, unheard), noted)
    learn.fit(2, cbs=asks(control, SetValidation(id="1", on=False)))
    off = halves.count(False)
    assert off < 2
    halves.clear()
    learn.fit(2)
    assert halves == [True, False] * 2
