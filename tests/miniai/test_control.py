"""ControlCB: requests become cancels and pauses at the right place, and each is answered by exactly one fact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from miniai.callbacks.base import Callback
from miniai.callbacks.clock import TrainingClock
from miniai.callbacks.control import ControlCB
from miniai.callbacks.metrics import MetricsCB
from miniai.callbacks.report import ReportCB
from miniai.callbacks.train import TrainCB
from miniai.datasets import DataLoaders
from miniai.learner import Learner
from miniai.loader import MemoryLoader
from miniai.run import events as ev
from miniai.run.control import RunControl, new_id
from miniai.run.requests import AnyRequest, Continue, Pause, SkipBatch, SkipEpoch, Step, Stop

TRAIN, VALID = 5, 3
"""Batches of the two halves."""


class Asks(Callback):
    """Submits requests when a given hook of a given batch is reached; before everybody else."""

    order = -2000

    def __init__(self, control: RunControl, plan: dict[tuple[str, int, str, int], list[AnyRequest]]) -> None:
        self.control, self.plan = control, dict(plan)
        self.seen: list[tuple[int, str, int]] = []

    def _at(self, hook: str, learn: Learner) -> None:
        phase = "train" if learn.training else "valid"
        if hook == "after_loss":
            self.seen.append((learn.epoch, phase, learn.iter))
        for request in self.plan.pop((hook, learn.epoch, phase, learn.iter), []):
            self.control.submit(request)

    def before_batch(self, learn: Learner) -> None:
        self._at("before_batch", learn)

    def after_loss(self, learn: Learner) -> None:
        self._at("after_loss", learn)


class Script(RunControl):
    """When the loop waits, the next requests of the script arrive."""

    def __init__(self, while_paused: list[AnyRequest]) -> None:
        super().__init__()
        self.while_paused = while_paused
        self.given: list[AnyRequest] = []

    def submit(self, request: AnyRequest) -> None:
        self.given.append(request)
        super().submit(request)

    def wait(self) -> AnyRequest:
        if waiting := self.take():
            return waiting
        self.given.append(self.while_paused.pop(0) if self.while_paused else Continue(id=new_id()))
        return self.given[-1]


Plan = dict[tuple[str, int, str, int], list[AnyRequest]]


def fit(plan: Plan, while_paused: list[AnyRequest] | None = None, epochs: int = 2) -> tuple[list[Any], Asks, ControlCB]:
    torch.manual_seed(0)
    x = torch.arange(TRAIN * 4 * 4, dtype=torch.uint8).reshape(-1, 1, 2, 2)
    train = MemoryLoader(x, torch.arange(len(x)) % 2, 4, shuffle=True)
    valid = MemoryLoader(x[: VALID * 4], torch.arange(VALID * 4) % 2, 4)
    facts: list[Any] = []
    control = Script(while_paused or [])
    clock = TrainingClock()
    report = ReportCB(facts.append, lambda: 0.0, clock)
    control_cb = ControlCB(control, facts.append, lambda: 0.0, clock, report.flush)
    asks = Asks(control, plan)
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    cbs = [asks, control_cb, TrainCB(), MetricsCB(), report]
    Learner(model, DataLoaders(train, valid), F.cross_entropy, lr=0.1, cbs=cbs).fit(epochs)
    return facts, asks, control_cb


def of(facts: list[Any], *kinds: type[ev.Fact]) -> list[Any]:
    return [f for f in facts if isinstance(f, kinds)]


def rows(facts: list[Any]) -> list[tuple[int, str, int, str]]:
    return [(f.epoch, f.phase, f.batches, f.ended) for f in of(facts, ev.EpochEnded)]


WHOLE = [(e, p, n, "complete") for e in (0, 1) for p, n in (("train", TRAIN), ("valid", VALID))]


def test_without_requests_nothing_is_changed() -> None:
    facts, _, control = fit({})
    assert rows(facts) == WHOLE
    assert not control.stopped


def test_skip_batch_skips_the_next_batch_only() -> None:
    facts, asks, _ = fit({("after_loss", 0, "train", 1): [SkipBatch(id="b", epoch=0, phase="train")]})
    assert of(facts, ev.BatchSkipped) == [ev.BatchSkipped(at=0, epoch=0, phase="train", batch=2, request="b")]
    assert [s for s in asks.seen if s[:2] == (0, "train")] == [(0, "train", i) for i in (0, 1, 3, 4)]
    assert rows(facts)[0] == (0, "train", 4, "complete")


def test_skip_epoch_in_training_leads_on_to_validation() -> None:
    facts, asks, _ = fit({("after_loss", 0, "train", 1): [SkipEpoch(id="e", epoch=0, phase="train")]})
    assert of(facts, ev.EpochSkipped) == [ev.EpochSkipped(at=0, epoch=0, phase="train", at_batch=2, request="e")]
    assert rows(facts)[:2] == [(0, "train", 2, "skipped"), (0, "valid", VALID, "complete")]
    assert (0, "train", 2) not in asks.seen


def test_skip_epoch_in_validation_leads_on_to_the_next_epoch() -> None:
    facts, _, _ = fit({("after_loss", 0, "valid", 0): [SkipEpoch(id="e", epoch=0, phase="valid")]})
    assert rows(facts) == [WHOLE[0], (0, "valid", 1, "skipped"), *WHOLE[2:]]


def test_the_losses_before_a_skip_are_reported_before_it() -> None:
    facts, _, _ = fit({("after_loss", 0, "train", 2): [SkipEpoch(id="e", epoch=0, phase="train")]})
    before = facts[: facts.index(of(facts, ev.EpochSkipped)[0])]
    assert sum(len(f.values) for f in of(before, ev.Scalars) if f.name == "loss") == 3


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


def test_skips_act_at_once_in_a_pause_and_the_run_stays_paused() -> None:
    script: list[AnyRequest] = [
        SkipBatch(id="b", epoch=0, phase="train"),
        SkipEpoch(id="e", epoch=0, phase="train"),
        SkipEpoch(id="v", epoch=0, phase="valid"),
        Continue(id="c"),
    ]
    facts, asks, _ = fit({("after_loss", 0, "train", 0): [Pause(id="p")]}, script)
    kinds = (ev.Paused, ev.BatchSkipped, ev.EpochSkipped, ev.Continued)
    assert [type(f).__name__ for f in of(facts, *kinds)] == [
        "Paused", "BatchSkipped", "Paused", "EpochSkipped", "Paused", "EpochSkipped", "Paused", "Continued",
    ]  # fmt: skip
    assert [s for s in asks.seen if s[0] == 0] == [(0, "train", 0)]
    assert rows(facts)[:2] == [(0, "train", 1, "skipped"), (0, "valid", 0, "skipped")]


def test_stop_acts_at_once_in_a_pause() -> None:
    facts, asks, control = fit({("after_loss", 0, "train", 0): [Pause(id="p")]}, [Stop(id="s")])
    assert control.stopped
    assert asks.seen == [(0, "train", 0)]
    assert of(facts, ev.Continued) == []


def refusals(facts: list[Any]) -> dict[str, str]:
    return {f.request: f.why for f in of(facts, ev.Refused)}


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


def test_a_stop_of_one_fit_is_none_of_the_next() -> None:
    control, facts = RunControl(), list[Any]()
    cb = ControlCB(control, facts.append, lambda: 0.0, TrainingClock())
    x = torch.zeros(4, 1, 2, 2, dtype=torch.uint8)
    loader = MemoryLoader(x, torch.zeros(4, dtype=torch.long), 2)
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    learn = Learner(model, DataLoaders(loader, loader), F.cross_entropy, cbs=[cb, TrainCB()])
    control.submit(Stop(id="s"))
    learn.fit(1)
    assert (cb.stopped, learn.steps) == (True, 0)
    learn.fit(1)
    assert (cb.stopped, learn.steps) == (False, 2)


def test_a_request_after_the_last_batch_is_told_that_the_run_is_over() -> None:
    plan: Plan = {}
    late = RunControl()

    class AtTheEnd(Callback):
        order = 2000

        def after_fit(self, learn: Learner) -> None:
            late.submit(Pause(id="p"))

    facts: list[Any] = []
    cb = ControlCB(late, facts.append, lambda: 0.0, TrainingClock())
    x = torch.zeros(4, 1, 2, 2, dtype=torch.uint8)
    loader = MemoryLoader(x, torch.zeros(4, dtype=torch.long), 2)
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    Learner(model, DataLoaders(loader, loader), F.cross_entropy, cbs=[cb, TrainCB(), AtTheEnd()]).fit(1)
    assert refusals(facts) == {"p": "the run is over"}
    assert plan == {}


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
    x = torch.zeros(4, 1, 2, 2, dtype=torch.uint8)
    loader = MemoryLoader(x, torch.zeros(4, dtype=torch.long), 2)
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    Learner(model, DataLoaders(loader, loader), F.cross_entropy, cbs=[cb, TrainCB()]).fit(1)
    assert clock.seconds == 0.0
    assert of(facts, ev.Continued)[0].paused == 1000.0


requests: list[Callable[[str, int, str], AnyRequest]] = [
    lambda i, e, p: Pause(id=i),
    lambda i, e, p: Continue(id=i),
    lambda i, e, p: Step(id=i),
    lambda i, e, p: SkipBatch(id=i, epoch=e, phase=p),  # type: ignore[arg-type]
    lambda i, e, p: SkipEpoch(id=i, epoch=e, phase=p),  # type: ignore[arg-type]
    lambda i, e, p: Stop(id=i, when="epoch", epoch=e),
    lambda i, e, p: Stop(id=i),
]
places = st.tuples(
    st.sampled_from(["before_batch", "after_loss"]),
    st.integers(0, 1),
    st.sampled_from(["train", "valid"]),
    st.integers(0, TRAIN - 1),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    asked=st.lists(st.tuples(places, st.integers(0, len(requests) - 1)), max_size=8),
    script=st.lists(st.integers(0, len(requests) - 1), max_size=6),
)
def test_any_requests_at_any_time_leave_consistent_rows_and_one_answer_each(
    asked: list[tuple[tuple[str, int, str, int], int]], script: list[int]
) -> None:
    plan: Plan = {}
    for n, (place, kind) in enumerate(asked):
        plan.setdefault(place, []).append(requests[kind](f"r{n}", place[1], place[2]))
    facts, asks, control = fit(plan, [requests[k](f"s{n}", 0, "train") for n, k in enumerate(script)])
    seen = {(e, p): sum(s[:2] == (e, p) for s in asks.seen) for e in (0, 1) for p in ("train", "valid")}
    assert all(seen[(e, p)] == n for e, p, n, _ in rows(facts))
    assert len(rows(facts)) == len({r[:2] for r in rows(facts)}) == len(of(facts, ev.EpochStarted))
    kinds = (ev.Paused, ev.Continued, ev.Refused, ev.BatchSkipped, ev.EpochSkipped, ev.StopPlanned)
    answers = [f.request for f in of(facts, *kinds) if f.request]
    assert len(answers) == len(set(answers))
    if not control.stopped:
        assert rows(facts)[-1][:2] == (1, "valid")
        assert isinstance(control.control, Script)
        assert {request.id for request in control.control.given} == set(answers)
