"""Handing facts over: none is lost, none waits for an app that has left, and joining pieces changes nothing."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from textual.message import Message

from miniai.run import events as ev
from tests.tui.recorded import Recording
from tui.hand_over import ROOM, HandOver, joined
from tui.messages import Reported
from tui.state.run import RunState


def piece(first: int, n: int, name: str = "loss", stride: int = 1) -> ev.Scalars:
    return ev.Scalars(at=1.0, name=name, first=first, values=[float(i) for i in range(n)], stride=stride)


def test_pieces_that_follow_each_other_become_one_and_the_facts_stay_as_they_are() -> None:
    progress = ev.Progressed(at=1, epoch=0, phase="train", batch=1, samples=1, seconds=1, waited=0, metrics={})
    facts: list[ev.AnyFact] = [piece(1, 3), progress, piece(1, 2, "lr"), piece(4, 2)]
    (both, _, rate) = joined(facts)
    times = [(3, 1.0), (5, 1.0)]
    assert both == ev.Scalars(at=1.0, name="loss", first=1, values=[0.0, 1.0, 2.0, 0.0, 1.0], times=times)
    assert rate == piece(1, 2, "lr")
    assert facts[0] == piece(1, 3)


def test_gaps_strides_and_skips_keep_pieces_apart() -> None:
    skip = ev.EpochSkipped(at=1, epoch=0, phase="train", at_batch=3)
    facts: list[ev.AnyFact] = [piece(1, 3), piece(5, 3), piece(8, 2, stride=2), skip, piece(12, 1, stride=2)]
    assert joined(facts) == facts


@given(cuts=st.lists(st.integers(1, 400), max_size=5))
def test_a_run_read_in_joined_pieces_is_the_same_run(cuts: list[int]) -> None:
    facts = list(Recording(epochs=2).whole())
    one, other = RunState(), RunState()
    for fact in facts:
        one.apply(fact)
    edges = [0, *sorted(cuts), len(facts)]
    for start, end in pairwise(edges):
        for fact in joined(facts[start:end]):
            other.apply(fact)
    assert (one.step, one.status, one.rows.names) == (other.step, other.status, other.rows.names)
    for name, series in one.series.items():
        mine, theirs = series.columns(0, 300, 50), other.series[name].columns(0, 300, 50)
        for field in ("at", "low", "high", "last"):
            np.testing.assert_array_equal(getattr(mine, field), getattr(theirs, field))
        np.testing.assert_allclose(mine.smooth, theirs.smooth)


def test_it_waits_until_the_app_has_them() -> None:
    posted: list[list[ev.AnyFact]] = []

    def post(message: Message) -> None:
        assert isinstance(message, Reported)
        posted.append(message.facts)
        message.taken.set()

    hand_over = HandOver(post, lambda: True)
    for n in range(3):
        hand_over([piece(10 * n, 1)] * ROOM)
    assert [len(facts) for facts in posted] == [ROOM] * 3


def test_a_few_facts_do_not_wait_for_a_stalled_app() -> None:
    posted: list[Message] = []
    hand_over = HandOver(posted.append, lambda: True)
    for n in range(100):
        hand_over([piece(10 * n, 1)])
    assert len(posted) == 100


def test_it_does_not_wait_for_an_app_that_has_left() -> None:
    answers = iter([True, True, True, False, False])
    posted: list[Message] = []
    hand_over = HandOver(posted.append, lambda: next(answers))
    hand_over([piece(0, 1)] * ROOM)  # asked twice
    hand_over([piece(10, 1)])  # asked until nobody wants it
    assert len(posted) == 1
