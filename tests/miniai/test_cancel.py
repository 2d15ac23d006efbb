"""What each exception, raised from each hook, skips and leaves behind."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from miniai.callbacks.base import HOOKS, Callback
from miniai.learner import (
    CancelBatchException,
    CancelEpochException,
    CancelFitException,
    FuncCB,
    Learner,
    SingleBatchCB,
)

Make = Callable[..., Learner]
LEVELS: dict[str, type[Exception]] = {
    "fit": CancelFitException,
    "epoch": CancelEpochException,
    "batch": CancelBatchException,
}
ERRORS = [*LEVELS.values(), ZeroDivisionError, KeyboardInterrupt]
IN_TRAINING_ONLY = {"after_backward", "after_step"}
CASES = [
    (hook, error, training)
    for hook in HOOKS
    for error in ERRORS
    for training in (True, False)
    if training or not (hook.endswith("_fit") or hook in IN_TRAINING_ONLY)
]


class Model:
    """The loop as the table of cancels words it; notes the events, raises once."""

    def __init__(self, hook: str, error: type[BaseException], training: bool) -> None:
        self.hook, self.error, self.in_training = hook, error, training
        self.training, self.raised = True, False
        self.events: list[str] = []

    def say(self, name: str) -> None:
        due = name == self.hook and not self.raised and (name.endswith("_fit") or self.training == self.in_training)
        if due:
            self.raised = True
            if name.startswith("cleanup"):
                self.events.append(name)
            raise self.error
        self.events.append(name)

    def frame(self, name: str, body: Callable[[], None]) -> None:
        try:
            try:
                self.say(f"before_{name}")
                body()
                self.say(f"after_{name}")
            finally:
                self.say(f"cleanup_{name}")
        except LEVELS[name]:
            pass

    def batch(self) -> None:
        for name in ("after_predict", "after_loss", *(("after_backward", "after_step") if self.training else ())):
            self.say(name)

    def batches(self, n: int) -> None:
        for _ in range(n):
            self.frame("batch", self.batch)

    def epochs(self) -> None:
        for _ in range(2):
            self.training = True
            self.frame("epoch", lambda: self.batches(3))
            self.training = False
            self.frame("epoch", lambda: self.batches(2))

    def fit(self) -> BaseException | None:
        try:
            self.frame("fit", self.epochs)
        except BaseException as error:  # noqa: BLE001
            return error
        return None


def gradients(learn: Learner) -> Iterator[Tensor]:
    return (p.grad for p in learn.model.parameters() if p.grad is not None)


@pytest.mark.parametrize(("hook", "error", "training"), CASES)
def test_events_as_the_table_says(
    make_learner: Make, recorder: Any, raiser: Any, hook: str, error: type[BaseException], training: bool
) -> None:
    model = Model(hook, error, training)
    leaves = model.fit()
    first, last, extra = recorder(order=-1), recorder(order=1), recorder(order=2)
    learn = make_learner([first, raiser(hook, error("here"), training), last])
    mine = list(learn.cbs)
    if leaves is None:
        learn.fit(2, cbs=extra)
    else:
        with pytest.raises(error, match="here"):
            learn.fit(2, cbs=extra)
    assert last.events == model.events
    assert extra.events == model.events
    assert first.events.count(hook) == model.events.count(hook) + (not hook.startswith("cleanup"))
    assert learn.cbs == mine
    assert not any(g.any() for g in gradients(learn))
    assert learn.leaving is None
    assert torch.is_grad_enabled()
    learn.fit(1)  # and it can be trained again


@pytest.mark.parametrize("hook", ["after_backward", "after_step"])
@pytest.mark.parametrize("error", ERRORS)
def test_no_gradient_joins_the_next_batch(make_learner: Make, raiser: Any, hook: str, error: type[Exception]) -> None:
    """After a cancelled batch, the next one changes the weights as if the cancelled had never been there."""
    learn = make_learner([raiser(hook, error())])
    with contextlib.suppress(ZeroDivisionError, KeyboardInterrupt):
        learn.fit(1, valid=False)
    assert not any(g.any() for g in gradients(learn))
    if error is CancelBatchException and hook == "after_backward":
        other = make_learner()
        other.dls.train = other.dls.train[1:]
        other.fit(1, valid=False)
        for a, b in zip(learn.model.parameters(), other.model.parameters(), strict=True):
            torch.testing.assert_close(a, b)
        assert learn.steps == 2


def test_cancel_from_a_step(make_learner: Make, recorder: Any) -> None:
    def cancel(learn: Learner) -> None:
        if learn.iter == 1:
            raise CancelBatchException

    seen = recorder()
    learn = make_learner([FuncCB(step=cancel, order=1), seen])
    learn.fit(1, valid=False)
    assert seen.events.count("after_backward") == 3
    assert seen.events.count("after_step") == 2
    assert seen.events.count("cleanup_batch") == 3


def test_a_loader_that_fails_is_an_error_of_the_epoch(make_learner: Make, recorder: Any) -> None:
    def broken() -> Iterator[tuple[Tensor, Tensor]]:
        yield torch.rand(2, 1, 4, 4), torch.zeros(2, dtype=torch.long)
        raise OSError("no more")

    seen = recorder()
    learn = make_learner([seen])
    learn.dls.train = broken()
    with pytest.raises(OSError, match="no more"):
        learn.fit(1)
    assert seen.events[-3:] == ["cleanup_batch", "cleanup_epoch", "cleanup_fit"]


def failing(hook: str, error: BaseException) -> Callback:
    def fail(learn: Learner) -> None:
        raise error

    hooks: dict[str, Any] = {hook: fail}
    return FuncCB(**hooks)


def test_cleanup_never_masks_an_error(
    make_learner: Make, recorder: Any, raiser: Any, caplog: pytest.LogCaptureFixture
) -> None:
    seen = recorder(order=1)
    learn = make_learner(
        [raiser("after_loss", KeyError("first")), failing("cleanup_batch", ValueError("second")), seen]
    )
    with pytest.raises(KeyError, match="first"):
        learn.fit(1)
    assert seen.events[-3:] == ["cleanup_batch", "cleanup_epoch", "cleanup_fit"]
    assert "second" in caplog.text


@pytest.mark.parametrize("cancel", LEVELS.values())
def test_an_error_in_a_cleanup_is_graver_than_a_cancel(
    make_learner: Make, raiser: Any, cancel: type[Exception]
) -> None:
    learn = make_learner([raiser("after_loss", cancel()), failing("cleanup_batch", ValueError("real"))])
    with pytest.raises(ValueError, match="real"):
        learn.fit(1)


def test_a_graver_cancel_in_a_cleanup_wins(make_learner: Make, recorder: Any, raiser: Any) -> None:
    seen = recorder()
    learn = make_learner([raiser("after_loss", CancelFitException()), failing("cleanup_batch", CancelBatchException())])
    learn.cbs.append(seen)
    learn.fit(3)
    assert seen.events.count("before_batch") == 1
    assert "after_fit" not in seen.events
    seen.events.clear()
    learn.cbs[1:3] = [raiser("after_loss", CancelBatchException()), failing("cleanup_batch", CancelEpochException())]
    learn.fit(1)
    assert seen.events.count("before_batch") == 2
    assert "after_epoch" not in seen.events
    assert seen.events[-2:] == ["after_fit", "cleanup_fit"]


def test_all_cleanups_run_though_one_fails(make_learner: Make, recorder: Any) -> None:
    seen = recorder(order=5)
    learn = make_learner([failing("cleanup_fit", ValueError("mine")), seen])
    with pytest.raises(ValueError, match="mine"):
        learn.fit(1)
    assert seen.events[-1] == "cleanup_fit"


def test_leaving_tells_cleanups_why(make_learner: Make, raiser: Any) -> None:
    whys: list[tuple[str, str]] = []
    hooks: dict[str, Any] = {
        f"cleanup_{nm}": lambda learn, nm=nm: whys.append((nm, type(learn.leaving).__name__))
        for nm in ("batch", "epoch", "fit")
    }
    make_learner([FuncCB(**hooks), raiser("after_loss", CancelEpochException())]).fit(1)
    valid = [("batch", "NoneType")] * 2 + [("epoch", "NoneType"), ("fit", "NoneType")]
    assert whys == [("batch", "CancelEpochException"), ("epoch", "CancelEpochException"), *valid]


def test_single_batch(make_learner: Make, recorder: Any) -> None:
    seen = recorder()
    learn = make_learner([SingleBatchCB(), seen])
    learn.fit(3)
    assert SingleBatchCB.order == 1
    assert seen.events.count("after_batch") == 1
    assert learn.steps == 1
    assert seen.events[-2:] == ["cleanup_epoch", "cleanup_fit"]
