"""AccelerateCB: the same training as TrainCB where the precision is the same, and everything put back."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from miniai.accel import AccelerateCB
from miniai.errors import LearnerError, MiniaiError
from miniai.learner import FuncCB, Learner, TrainCB

Make = Callable[..., Learner]


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Accelerate remembers one precision for the life of a process."""
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


def shuffled() -> SimpleNamespace:
    g = torch.Generator().manual_seed(0)
    data = TensorDataset(torch.rand(20, 4, generator=g), torch.randint(0, 3, (20,), generator=g))
    return SimpleNamespace(train=DataLoader(data, 8, shuffle=True), valid=DataLoader(data, 16), name="mine")


def learner(cb: TrainCB, **kwargs: Any) -> Learner:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    return Learner(model, shuffled(), F.cross_entropy, lr=0.5, cbs=[cb], **kwargs)


def test_without_half_precision_the_same_numbers_as_train_cb() -> None:
    ours, theirs = learner(AccelerateCB(mixed_precision="no")), learner(TrainCB())
    for learn in (ours, theirs):
        torch.manual_seed(1)
        learn.fit(3)
    for a, b in zip(ours.model.parameters(), theirs.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_on_a_cpu_fp16_is_bfloat16_in_every_fit() -> None:
    cb = AccelerateCB()
    if cb.acc.device.type != "cpu":
        pytest.skip("there is a GPU")
    assert cb.acc.mixed_precision == "bf16"
    learn = learner(cb)
    types: list[torch.dtype] = []
    hook = learn.model[0].register_forward_hook(lambda m, inputs, output: types.append(output.dtype))  # type: ignore[index]
    learn.fit(1)
    learn.fit(1)
    assert set(types) == {torch.bfloat16}
    types.clear()
    learn.model(torch.rand(1, 4))
    assert types == [torch.float32]
    hook.remove()


def test_everything_is_put_back_also_after_an_error() -> None:
    learn = learner(AccelerateCB(mixed_precision="no"))
    model, dls, train = learn.model, learn.dls, learn.dls.train
    attributes = set(vars(model))
    during: list[Any] = []
    learn.fit(1, cbs=FuncCB(after_batch=lambda learn: during.append((learn.dls.train, type(learn.opt).__name__))))
    assert during[0][0] is not train
    assert during[0][1] == "AcceleratedOptimizer"
    for error in (None, ZeroDivisionError):
        if error:
            with pytest.raises(error):
                learn.fit(1, cbs=FuncCB(after_backward=lambda learn: 1 / 0))
        assert learn.model is model
        assert learn.dls is dls
        assert learn.dls.train is train
        assert type(learn.opt) is torch.optim.SGD
        assert set(vars(model)) == attributes


def test_nothing_of_a_fit_is_kept_after_it() -> None:
    """Accelerate keeps all that it has prepared: after ten fits there would be ten optimizers."""
    cb = AccelerateCB(mixed_precision="no")
    optimizers: list[weakref.ref[Any]] = []
    learner(cb).fit(1, cbs=FuncCB(before_epoch=lambda learn: optimizers.append(weakref.ref(learn.opt))))
    gc.collect()
    assert [held() for held in optimizers] == [None, None]


def test_other_loaders_and_no_optimizer(make_learner: Make) -> None:
    learn = make_learner()
    learn.cbs = [AccelerateCB(mixed_precision="no")]
    learn.dls = SimpleNamespace(train=learn.dls.train)
    learn.fit(1, valid=False)
    assert learn.steps == 3
    learn.opt_func, learn.opt = None, None
    learn.dls.valid = learn.dls.train
    learn.fit(1, train=False)


def test_finding_a_rate_leaves_the_model_alone() -> None:
    learn = learner(AccelerateCB(mixed_precision="no"))
    before = [p.detach().clone() for p in learn.model.parameters()]
    finder = learn.lr_find(max_epochs=2)
    assert len(finder.lrs) == 6
    for a, b in zip(learn.model.parameters(), before, strict=True):
        assert torch.equal(a, b)


def test_what_accelerate_refuses_is_said() -> None:
    with pytest.raises(LearnerError, match="bogus"):
        AccelerateCB(mixed_precision="bogus")
    AccelerateCB(mixed_precision="no")
    with pytest.raises(LearnerError, match="already"):
        AccelerateCB(mixed_precision="bf16")


def test_without_accelerate_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "accelerate", None)
    with pytest.raises(MiniaiError, match=r"miniai-tui\[accel\]"):
        AccelerateCB()


def test_two_that_train_are_refused() -> None:
    learn = learner(AccelerateCB(mixed_precision="no"))
    with pytest.raises(LearnerError, match="give only one"):
        learn.fit(1, cbs=TrainCB())
    assert type(learn.opt) is torch.optim.SGD
