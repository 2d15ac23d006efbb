"""The loop: what it calls in which order, and what a fit leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn, optim
from torch.nn import functional as F

import miniai.learner
from miniai.errors import LearnerError
from miniai.learner import (
    FuncCB,
    Learner,
    MetricsCB,
    MomentumLearner,
    SingleBatchCB,
    TrainCB,
    TrainLearner,
)
from miniai.metrics import Accuracy

Make = Callable[..., Learner]

TRAIN_BATCH = [
    "before_batch", "after_predict", "after_loss", "after_backward", "after_step", "after_batch", "cleanup_batch",
]  # fmt: skip
VALID_BATCH = ["before_batch", "after_predict", "after_loss", "after_batch", "cleanup_batch"]
EPOCH = [
    "before_epoch", *TRAIN_BATCH * 3, "after_epoch", "cleanup_epoch",
    "before_epoch", *VALID_BATCH * 2, "after_epoch", "cleanup_epoch",
]  # fmt: skip


def weights(learn: Learner) -> list[Tensor]:
    return [p.detach().clone() for p in learn.model.parameters()]


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def test_every_public_name_is_there() -> None:
    for name in miniai.learner.__all__:
        assert hasattr(miniai.learner, name)
    assert list(miniai.learner.__all__) == sorted(miniai.learner.__all__)


def test_order_of_two_epochs_event_by_event(make_learner: Make, recorder: Any) -> None:
    seen = recorder()
    make_learner([seen]).fit(2)
    assert seen.events == ["before_fit", *EPOCH * 2, "after_fit", "cleanup_fit"]


def test_steps_lie_between_their_events(make_learner: Make) -> None:
    said: list[str] = []
    steps = ("predict", "get_loss", "backward", "step", "zero_grad")
    noted = ("before_batch", "after_predict", "after_loss", "after_backward", "after_step", "after_batch")
    spy = FuncCB(order=-1, **{name: lambda learn, name=name: said.append(name) for name in (*steps, *noted)})
    make_learner([spy, SingleBatchCB()]).fit(1)
    assert said == [
        "before_batch", "predict", "after_predict", "get_loss", "after_loss", "backward", "after_backward", "step",
        "after_step", "zero_grad", "after_batch",
    ]  # fmt: skip


def test_fit_equals_a_loop_written_by_hand(make_learner: Make, dls: SimpleNamespace) -> None:
    learn, other = make_learner(), make_learner()
    learn.fit(3)
    opt = optim.SGD(other.model.parameters(), 0.1)
    for _ in range(3):
        for xb, yb in dls.train:
            F.cross_entropy(other.model(xb), yb).backward()  # type: ignore[no-untyped-call]
            opt.step()
            opt.zero_grad()
    assert same(weights(learn), weights(other))
    assert learn.steps == 9


def test_train_learner_equals_train_cb(make_learner: Make) -> None:
    one, two = make_learner(), make_learner(cls=TrainLearner)
    one.fit(2)
    two.fit(2)
    assert same(weights(one), weights(two))


def test_momentum_learner_equals_torch_momentum(make_learner: Make) -> None:
    ours = make_learner(cls=MomentumLearner, mom=0.7)
    torchs = make_learner(opt_func=lambda params, lr: optim.SGD(params, lr, momentum=0.7))
    ours.fit(2)
    torchs.fit(2)
    for a, b in zip(weights(ours), weights(torchs), strict=True):
        torch.testing.assert_close(a, b)
    assert MomentumLearner(nn.Linear(1, 1)).mom == 0.85


def test_validation_changes_nothing_and_has_no_gradients(make_learner: Make) -> None:
    learn = make_learner([FuncCB(after_loss=lambda learn: grads.append(learn.loss.requires_grad))])
    before, grads = weights(learn), list[bool]()
    learn.fit(1, train=False)
    assert grads == [False, False]
    assert same(weights(learn), before)
    assert learn.training is learn.model.training is False
    learn.fit(1, valid=False)
    assert grads == [False, False, True, True, True]


def test_hooks_may_replace_epochs_loader_and_batch(make_learner: Make, dls: SimpleNamespace) -> None:
    def first_sample_only(learn: Learner) -> None:
        learn.batch = [part[:1] for part in learn.batch]

    seen: list[tuple[int, int, int]] = []
    cb = FuncCB(
        before_fit=lambda learn: setattr(learn, "epochs", [4, 7]),
        before_epoch=lambda learn: setattr(learn, "dl", dls.valid[:1]),
        before_batch=first_sample_only,
        after_batch=lambda learn: seen.append((learn.epoch, learn.iter, len(learn.preds))),
    )
    make_learner([cb]).fit(9, valid=False)
    assert seen == [(4, 0, 1), (7, 0, 1)]


def test_learning_rate_and_optimizer_are_per_fit(make_learner: Make) -> None:
    opts: list[Any] = []
    learn = make_learner([FuncCB(before_fit=lambda learn: opts.append(learn.opt))])
    learn.fit(0, lr=0.5)
    learn.fit(0)
    assert [opt.param_groups[0]["lr"] for opt in opts] == [0.5, 0.1]
    assert opts[0] is not opts[1]
    assert learn.lr == 0.1
    assert make_learner(opt_func=None).opt is None


def test_opt_func_none_keeps_the_callers_optimizer(make_learner: Make) -> None:
    learn = make_learner(opt_func=None)
    learn.opt = opt = optim.Adam(learn.model.parameters())
    learn.fit(1)
    assert learn.opt is opt


@pytest.mark.parametrize("step", ["predict", "get_loss", "backward", "step", "zero_grad"])
def test_a_missing_step_is_named(make_learner: Make, step: str) -> None:
    cb = TrainCB()
    setattr(cb, step, None)
    learn = make_learner()
    learn.cbs = [cb]
    with pytest.raises(LearnerError, match=f"'{step}'"):
        learn.fit(1)


def test_subclass_wins_over_callbacks(make_learner: Make) -> None:
    said: list[str] = []

    class Mine(TrainLearner):
        def step(self) -> None:
            said.append("mine")

    learn = make_learner([FuncCB(step=lambda learn: said.append("callback"))], cls=Mine)
    learn.fit(1)
    assert said == ["mine"] * 3


def test_missing_loader_is_said_before_training(make_learner: Make, dls: SimpleNamespace) -> None:
    learn = make_learner(dls=SimpleNamespace(train=dls.train))
    with pytest.raises(LearnerError, match="called valid"):
        learn.fit(1)
    assert learn.steps == 0
    learn.fit(1, valid=False)
    with pytest.raises(LearnerError, match="called train"):
        Learner(nn.Linear(1, 1), cbs=TrainCB()).fit(1)


def test_several_inputs(make_learner: Make) -> None:
    class Sum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lin = nn.Linear(3, 2)

        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            out: Tensor = self.lin(a + b)
            return out

    a, b, y = torch.rand(6, 3), torch.rand(6, 3), torch.randint(0, 2, (6,))
    metrics = MetricsCB(accuracy=Accuracy())
    metrics.quiet = True
    learn = Learner(Sum(), SimpleNamespace(valid=[(a, b, y)]), F.cross_entropy, cbs=[TrainCB(n_inp=2), metrics])
    learn.fit(1, train=False)
    with torch.no_grad():
        out = learn.model(a, b)
    assert metrics.values() == pytest.approx(
        {"loss": F.cross_entropy(out, y).item(), "accuracy": (out.argmax(1) == y).float().mean().item()}
    )
