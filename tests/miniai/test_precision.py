"""MixedPrecision: half precision in the forward pass only, the scaler's life, and nothing left on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from miniai.accel import MixedPrecision
from miniai.errors import LearnerError
from miniai.learner import CancelBatchException, FuncCB, Learner

Make = Callable[..., Learner]


def mixed(make_learner: Make, *cbs: Any, **kwargs: Any) -> Learner:
    learn = make_learner(list(cbs))
    learn.cbs[0] = MixedPrecision(**kwargs)
    return learn


def test_equals_a_loop_under_autocast(make_learner: Make) -> None:
    types: set[torch.dtype] = set()
    ours, other = mixed(make_learner, FuncCB(after_predict=lambda learn: types.add(learn.preds.dtype))), make_learner()
    ours.fit(3)
    opt = torch.optim.SGD(other.model.parameters(), 0.1)
    for _ in range(3):
        for xb, yb in other.dls.train:
            with torch.autocast("cpu", torch.bfloat16):
                loss = F.cross_entropy(other.model(xb), yb)
            loss.backward()  # type: ignore[no-untyped-call]
            opt.step()
            opt.zero_grad()
    assert types == {torch.bfloat16}
    for a, b in zip(ours.model.parameters(), other.model.parameters(), strict=True):
        assert torch.equal(a, b)
        assert a.dtype == torch.float32


@pytest.mark.parametrize("step", ["predict", "get_loss"])
@pytest.mark.parametrize("error", [CancelBatchException, ZeroDivisionError])
def test_autocast_is_never_left_on(make_learner: Make, step: str, error: type[Exception]) -> None:
    def fail(*args: Any) -> Tensor:
        assert torch.is_autocast_enabled("cpu")
        raise error

    learn = mixed(make_learner, FuncCB(cleanup_batch=lambda learn: on.append(torch.is_autocast_enabled("cpu"))))
    on: list[bool] = []
    if step == "predict":
        learn.model.forward = fail
    else:
        learn.loss_func = fail
    try:
        learn.fit(1)
    except ZeroDivisionError:
        assert error is ZeroDivisionError
    assert set(on) == {False}
    assert not torch.is_autocast_enabled("cpu")


def scaler_of(learn: Learner) -> Any:
    assert isinstance(learn.cbs[0], MixedPrecision)
    return learn.cbs[0].scaler


def grads_of(learn: Learner) -> Tensor:
    return torch.cat([p.grad.flatten() for p in learn.model.parameters() if p.grad is not None])


def test_float16_scales_and_shows_gradients_unscaled(make_learner: Make) -> None:
    """torch's own scaler, on the CPU: the same weights as a loop by hand, gradients of their true size."""
    seen: list[Tensor] = []
    ours = mixed(make_learner, FuncCB(after_backward=lambda learn: seen.append(grads_of(learn))), dtype=torch.float16)
    other = make_learner()
    ours.fit(2, valid=False)
    opt, scaler = torch.optim.SGD(other.model.parameters(), 0.1), torch.amp.GradScaler("cpu")
    truth: list[Tensor] = []
    for _ in range(2):
        for xb, yb in other.dls.train:
            with torch.autocast("cpu", torch.float16):
                loss = F.cross_entropy(other.model(xb), yb)
            scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
            scaler.step(opt)
            scaler.update()
            opt.zero_grad()
    for a, b in zip(ours.model.parameters(), other.model.parameters(), strict=True):
        assert torch.equal(a, b)
    plain = make_learner([FuncCB(after_backward=lambda learn: truth.append(grads_of(learn)))])
    plain.fit(2, valid=False)
    for gradient, expected in zip(seen, truth, strict=True):
        torch.testing.assert_close(gradient, expected, rtol=0.02, atol=1e-3)
    assert scaler_of(ours) is None


def test_a_step_that_is_not_finite_is_left_out(make_learner: Make) -> None:
    def spoil(learn: Learner) -> None:
        if learn.iter == 0:
            learn.loss = learn.loss * float("inf")

    weights: list[Tensor] = []
    scales: list[float] = []
    spy = FuncCB(
        after_loss=spoil,
        after_step=lambda learn: weights.append(next(learn.model.parameters()).detach().clone()),
        after_batch=lambda learn: scales.append(scaler_of(learn).get_scale()),
    )
    learn = mixed(make_learner, spy, dtype=torch.float16)
    first = next(learn.model.parameters()).detach().clone()
    learn.fit(1, valid=False)
    assert torch.equal(weights[0], first)
    assert not torch.equal(weights[1], first)
    assert scales == [2.0**15] * 3
    assert all(p.isfinite().all() for p in learn.model.parameters())


@pytest.mark.parametrize("hook", ["after_loss", "after_backward", "after_step"])
def test_a_cancelled_batch_leaves_the_scaler_ready(make_learner: Make, hook: str) -> None:
    """torch refuses to unscale twice, and to update before anything was unscaled."""

    def cancel(learn: Learner) -> None:
        if learn.training and learn.iter == 0:
            raise CancelBatchException

    hooks: dict[str, Any] = {hook: cancel}
    learn = mixed(make_learner, FuncCB(**hooks), dtype=torch.float16)
    learn.fit(2)
    assert learn.steps == (6 if hook == "after_step" else 4)


def test_other_types_are_refused() -> None:
    with pytest.raises(LearnerError, match="bfloat16"):
        MixedPrecision(dtype=torch.float64)
