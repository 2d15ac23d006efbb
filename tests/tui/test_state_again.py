"""RunState: what stays open, what comes late, and a journal that is read again."""

from __future__ import annotations

from collections import deque
from typing import Literal, get_args

import numpy as np
import pytest

from miniai.run import events as ev
from miniai.run.requests import Pause, Stop
from tests.tui.recorded import Recording
from tests.tui.test_state import after, running, status
from tui.state.run import Section


@pytest.mark.parametrize("when", ["batch", "epoch"])
def test_a_planned_stop_is_open_until_the_run_has_stopped(when: Literal["batch", "epoch"]) -> None:
    state = running()
    state.ask(Stop(id="x", when=when))
    state.apply(ev.StopPlanned(at=9, when=when, epoch=1, request="x"))
    assert "stopping after this" in state.asked.text
    assert status(state) == "stopping"
    assert state.notice.startswith("stops after")
    state.apply(ev.FitEnded(at=10, reason="stopped", step=193))
    assert state.notice == ""
    assert len(state.asked) == 0
    assert status(state) == "stopped"


def test_the_rest_is_what_is_left_until_a_planned_stop() -> None:
    state = running(1, 59)
    state.apply(ev.StopPlanned(at=9, when="epoch", epoch=2))
    assert state.progress.eta == pytest.approx(59 * 0.041 + 10 * 0.04 + 118 * 0.041 + 10 * 0.04)
    state.apply(ev.StopPlanned(at=9, when="epoch", epoch=1))
    assert state.progress.eta == pytest.approx(59 * 0.041 + 10 * 0.04)


def test_a_request_that_reached_nobody_is_not_open_any_more() -> None:
    state = running()
    state.ask(Pause(id="x"))
    seen = state.revision("status")
    state.request_failed("x", "the trainer\x1b[2J does not listen")
    assert len(state.asked) == 0
    assert state.notice == "the trainer[2J does not listen"
    assert state.revision("status") > seen
    state.request_failed("unknown", "twice")
    assert (state.notice, state.notices) == ("twice", 2)


def test_late_facts_do_not_bring_a_run_back_to_life() -> None:
    late = list(Recording().until(1, 74, "valid"))
    state = after(*late)
    state.trainer_gone("killed by signal 9", [])
    for fact in [f for f in late if not isinstance(f, ev.RunStarted)]:
        state.apply(fact)
        assert status(state) == "failed"
    state.apply(ev.Paused(at=99, epoch=1, phase="valid", batch=9, step=236))
    assert (status(state), state.paused) == ("failed", False)
    assert all(row.ended != "running" for row in state.rows)


def plain(value: object) -> object:
    """Everything that a state holds as lists and dictionaries, NaN equal to itself; but for the revisions."""
    if isinstance(value, np.ndarray):
        return [repr(x) for x in value.ravel().tolist()]
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, deque)):
        return [plain(v) for v in value]
    held = getattr(value, "__dict__", None)
    return {k: plain(v) for k, v in held.items() if k != "_revisions"} if held else repr(value)


def test_a_journal_that_is_read_again_gives_the_state_that_it_gave_once() -> None:
    facts: list[ev.AnyFact] = [
        *Recording(epochs=2, nan_at=200).until(1, 74),
        ev.Alerted(at=9, topic="nan", text="the loss is NaN", step=200),
        Recording().preview("1.safetensors"),
        ev.StopPlanned(at=9, when="epoch", epoch=1),
        ev.Paused(at=9, epoch=1, phase="train", batch=74, step=192),
    ]
    once, twice = after(*facts), after(*facts)
    twice.ask(Pause(id="x"))
    twice.trainer_gone("it was replaced", ["log"])
    seen = [twice.revision(section) for section in get_args(Section)]
    for fact in facts:
        twice.apply(fact)
    twice.notices = once.notices  # grows, so that the header sees that there is another
    assert plain(twice) == plain(once)
    now = [twice.revision(section) for section in get_args(Section)]
    assert all(a > b for a, b in zip(now, seen, strict=True))


def test_a_replaced_journal_leaves_nothing_of_the_old_run() -> None:
    first = next(iter(Recording().start()))
    state = after(*Recording(epochs=1).whole(), first)
    state.notices = 0
    assert plain(state) == plain(after(first))
