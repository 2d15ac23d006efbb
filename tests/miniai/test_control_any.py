"""Whatever is asked at whatever time: rows stay consistent, and each request has exactly one answer."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from miniai.run import events as ev
from miniai.run.requests import (
    AnyRequest,
    Continue,
    Pause,
    SetEpochs,
    SetLearningRate,
    SetValidation,
    SkipBatch,
    SkipEpoch,
    Step,
    Stop,
)
from tests.miniai.controlled import TRAIN, WHOLE, Plan, Script, fit, of, rows


def test_without_requests_nothing_is_changed() -> None:
    facts, _, control = fit({})
    assert rows(facts) == WHOLE
    assert not control.stopped


requests: list[Callable[[str, int, str], AnyRequest]] = [
    lambda i, e, p: Pause(id=i),
    lambda i, e, p: Continue(id=i),
    lambda i, e, p: Step(id=i),
    lambda i, e, p: SkipBatch(id=i, epoch=e, phase=p),  # type: ignore[arg-type]
    lambda i, e, p: SkipEpoch(id=i, epoch=e, phase=p),  # type: ignore[arg-type]
    lambda i, e, p: Stop(id=i, when="epoch", epoch=e),
    lambda i, e, p: Stop(id=i),
    lambda i, e, p: SetLearningRate(id=i, factor=0.5),
    lambda i, e, p: SetEpochs(id=i, epochs=e + 2),
    lambda i, e, p: SetValidation(id=i, on=e == 1),
]
places = st.tuples(
    st.sampled_from(["before_batch", "after_loss", "after_epoch"]),
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
    seen = {(e, p): sum(s[:2] == (e, p) for s in asks.seen) for e in (0, 1, 2) for p in ("train", "valid")}
    assert all(seen[(e, p)] == n for e, p, n, _ in rows(facts))
    assert len(rows(facts)) == len({r[:2] for r in rows(facts)}) == len(of(facts, ev.EpochStarted))
    kinds = (ev.Paused, ev.Continued, ev.Refused, ev.BatchSkipped, ev.EpochSkipped, ev.StopPlanned, ev.Changed)
    answers = [f.request for f in of(facts, *kinds) if f.request]
    assert len(answers) == len(set(answers))
    if not control.stopped:
        last = [f.new for f in of(facts, ev.Changed) if f.what == "epochs"]
        assert rows(facts)[-1][:2] == ((last[-1] if last else 2) - 1, "valid")
    assert isinstance(control.control, Script)
    assert {request.id for request in control.control.given} == set(answers)
