"""ReportCB at the edges: halves that are cut short, and devices that lag or break."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from torch import Tensor

from miniai.callbacks.drain import Drain
from miniai.learner import (
    CancelBatchException,
    CancelEpochException,
    CancelFitException,
    FuncCB,
    Learner,
    SingleBatchCB,
)
from miniai.run.events import EpochEnded, EpochStarted, Progressed

Make = Callable[..., Learner]
Hear = Callable[..., Any]


@pytest.mark.parametrize(
    ("error", "ended"),
    [(CancelEpochException, "skipped"), (CancelFitException, "stopped"), (KeyboardInterrupt, "stopped"),
     (ZeroDivisionError, "failed")],
)  # fmt: skip
@pytest.mark.parametrize("training", [True, False])
def test_a_half_that_is_cut_short_says_so(
    make_learner: Make, hear: Hear, error: type[BaseException], ended: str, training: bool
) -> None:
    def leave(learn: Learner) -> None:
        if learn.training == training:
            raise error

    heard = hear()
    learn = make_learner([*heard.cbs, FuncCB(after_batch=leave, order=1000)])
    with contextlib.suppress(KeyboardInterrupt, ZeroDivisionError):
        learn.fit(1)
    end = next(e for e in heard.of(EpochEnded) if e.phase == ("train" if training else "valid"))
    assert (end.batches, end.samples, end.ended) == ((1, 5, ended) if training else (1, 7, ended))
    assert end.of == (3 if training else 2)
    assert end.metrics["loss"] == heard.series("loss")[0][1] or not training
    assert len(heard.of(EpochEnded)) == len(heard.of(EpochStarted))
    if not training:
        assert heard.series("valid_loss") == []  # no point of the curve: it is over a part of the samples


@pytest.mark.parametrize(("error", "halves"), [(CancelFitException, 1), (CancelEpochException, 2)])
def test_cut_after_the_last_batch_is_complete(
    make_learner: Make, hear: Hear, error: type[Exception], halves: int
) -> None:
    def leave(learn: Learner) -> None:
        if learn.iter == 2:
            raise error

    heard = hear()
    make_learner([*heard.cbs, FuncCB(after_batch=leave, order=1000)]).fit(1)
    assert [e.ended for e in heard.of(EpochEnded)] == ["complete"] * halves


def test_a_half_without_a_batch(make_learner: Make, hear: Hear) -> None:
    def leave(learn: Learner) -> None:
        raise CancelEpochException

    heard = hear()
    make_learner([*heard.cbs, FuncCB(before_batch=leave, order=-1000)]).fit(1)
    assert [(e.metrics, e.batches, e.samples, e.ended) for e in heard.of(EpochEnded)] == [({}, 0, 0, "skipped")] * 2
    assert heard.series("loss") == []


def test_a_half_that_never_began_is_not_ended(make_learner: Make, hear: Hear) -> None:
    def leave(learn: Learner) -> None:
        raise CancelFitException

    heard = hear()
    make_learner([*heard.cbs, FuncCB(before_epoch=leave, order=-1000)]).fit(1)
    assert heard.facts == []
    heard.cb.flush()
    assert heard.facts == []


def test_a_skipped_batch_does_not_count(make_learner: Make, hear: Hear) -> None:
    def skip(learn: Learner) -> None:
        if learn.iter == 1:
            raise CancelBatchException

    heard = hear()
    learn = make_learner([*heard.cbs, FuncCB(before_batch=skip, order=-100)])
    learn.fit(1, valid=False)
    (end,) = heard.of(EpochEnded)
    assert (end.batches, end.of, end.samples, end.step, end.ended) == (2, 3, 7, 2, "complete")
    assert [step for step, _ in heard.series("loss")] == [1, 2]


def test_a_trained_batch_counts_even_if_cancelled_afterwards(make_learner: Make, hear: Hear) -> None:
    heard = hear()
    make_learner([*heard.cbs, SingleBatchCB()]).fit(1)
    (end,) = heard.of(EpochEnded)
    assert (end.batches, end.samples, end.step, end.ended) == (1, 5, 1, "stopped")
    assert end.metrics["loss"] == heard.series("loss")[0][1]


def test_a_device_that_lags(make_learner: Make, hear: Hear, late: Any) -> None:
    """Values come one report later, none is missing, none is double, and only an edge waits."""
    heard = hear(every=0.0, progress_every=0.0, drain=Drain(late))
    at_steps: list[tuple[int, int]] = []
    spy = FuncCB(
        after_batch=lambda learn: at_steps.append((learn.steps, len(heard.series("loss")))),
        after_epoch=lambda learn: at_steps.append((-1, late.waited)),
        order=1000,
    )
    learn = make_learner([*heard.cbs, spy])
    learn.fit(1, valid=False)
    assert at_steps == [(1, 0), (2, 1), (3, 2), (-1, 0)]
    assert [step for step, _ in heard.series("loss")] == [1, 2, 3]
    assert [list(p.metrics) for p in heard.of(Progressed)] == [[], ["loss", "accuracy"], ["loss", "accuracy"]]


def test_a_half_begins_with_nothing_of_the_one_before(make_learner: Make, hear: Hear, late: Any) -> None:
    """On a device that lags: no value of training stands for the validation, and no wait."""
    heard = hear(every=0.0, progress_every=0.0, drain=Drain(late))
    learn = make_learner(heard.cbs)
    batches = list(learn.dls.train)

    def slow() -> Iterator[Any]:
        for batch in batches:
            heard.time.pass_(1.0)
            yield batch

    learn.dls.train = slow()
    learn.fit(1)
    train, valid = ([p for p in heard.of(Progressed) if p.phase == phase] for phase in ("train", "valid"))
    assert [p.metrics == {} for p in train] == [True, False, False]
    assert [p.metrics == {} for p in valid] == [True, False]
    assert [p.waited for p in train] == [1.0, 2.0, 3.0]
    assert [p.waited for p in valid] == [0.0, 0.0]


def test_what_a_device_had_when_it_broke_joins_no_later_fit(make_learner: Make, hear: Hear, late: Any) -> None:
    def broken(copy: Any) -> Tensor:
        raise RuntimeError("device lost")

    heard = hear(every=0.0, progress_every=1e9, drain=Drain(late))
    learn = make_learner(heard.cbs)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(late, "ready", lambda copy: False)
        patch.setattr(late, "read", broken)
        with pytest.raises(RuntimeError, match="device lost"):
            learn.fit(1)
    before = learn.steps
    learn.fit(1)
    assert [step for step, _ in heard.series("loss")] == list(range(before + 1, before + 4))


def test_flush_says_everything(make_learner: Make, hear: Hear, late: Any) -> None:
    heard = hear(every=1e9, progress_every=1e9, drain=Drain(late))
    seen: list[int] = []

    def flush(learn: Learner) -> None:
        heard.cb.flush()
        seen.append(len(heard.series("loss")))
        assert heard.of(Progressed)[-1].batch == learn.iter + 1
        assert set(heard.of(Progressed)[-1].metrics) == {"loss", "accuracy"}

    make_learner([*heard.cbs, FuncCB(after_batch=flush, order=1000)]).fit(1, valid=False)
    assert seen == [1, 2, 3]


def test_a_device_that_broke_hides_no_error(
    make_learner: Make, hear: Hear, late: Any, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def __init__(self, tensor: Tensor) -> None: ...

        def ready(self) -> bool:
            raise RuntimeError("device lost")

        def read(self) -> Tensor:
            raise RuntimeError("device lost")

    def fail(learn: Learner) -> None:
        raise ZeroDivisionError

    heard = hear(drain=Drain(Broken))
    with pytest.raises(ZeroDivisionError):
        make_learner([*heard.cbs, FuncCB(after_step=fail, order=1000)]).fit(1)
    assert [(e.ended, e.metrics) for e in heard.of(EpochEnded)] == [("failed", {})]
    assert "device lost" in caplog.text
