"""CapturePreds: everything that went through the validation half, in order, on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from miniai.callbacks.capture import CapturePreds
from miniai.errors import LearnerError
from miniai.learner import CancelFitException, FuncCB, Learner, TrainCB, TrainLearner

Make = Callable[..., Learner]


def test_equals_the_model_on_all_samples(make_learner: Make) -> None:
    cb = CapturePreds()
    learn = make_learner()
    learn.fit(1, train=False, cbs=cb)
    x, y = (torch.cat([batch[i] for batch in learn.dls.valid]) for i in (0, 1))
    with torch.no_grad():
        torch.testing.assert_close(cb.all_preds, learn.model(x))
    assert torch.equal(cb.all_inps, x)
    assert torch.equal(cb.all_targs, y)
    assert not cb.all_preds.requires_grad


def test_begins_anew_and_keeps_no_inputs_if_not_asked(make_learner: Make) -> None:
    cb = CapturePreds(inps=False)
    learn = make_learner([cb])
    learn.fit(1)
    assert len(cb.all_preds) == len(cb.all_targs) == 5 + 5 + 2 + 7 + 3
    learn.fit(1, train=False)
    assert len(cb.all_preds) == 10
    assert cb.all_inps is None


def test_what_a_fit_that_was_cut_short_has_seen(make_learner: Make) -> None:
    def stop(learn: Learner) -> None:
        if learn.iter == 1:
            raise CancelFitException

    cb = CapturePreds()
    learn = make_learner([cb, FuncCB(after_loss=stop)])
    learn.fit(1, train=False)
    assert len(cb.all_preds) == 7
    with pytest.raises(ZeroDivisionError):
        learn.fit(1, cbs=FuncCB(before_batch=lambda learn: 1 / 0))
    assert cb.all_preds is None


class Two(nn.Module):
    """Two inputs, two outputs."""

    def forward(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        return a + b, (a - b).to(torch.bfloat16)


def test_several_inputs_outputs_and_targets() -> None:
    a, b, y, z = torch.rand(4, 2), torch.rand(4, 2), torch.rand(4, 2), torch.rand(4)
    dl = [(a[:3], b[:3], y[:3], z[:3]), (a[3:], b[3:], y[3:], z[3:])]

    def loss(outputs: tuple[Tensor, Tensor], y: Tensor, z: Tensor) -> Tensor:
        return F.mse_loss(outputs[0], y)

    cb = CapturePreds()
    learn = Learner(Two(), SimpleNamespace(valid=dl), loss, cbs=[TrainCB(n_inp=2), cb])
    learn.fit(1, train=False)
    total, difference = cb.all_preds
    torch.testing.assert_close(total, a + b)
    assert difference.dtype == torch.float32
    torch.testing.assert_close(difference, (a - b).bfloat16().float())
    assert torch.equal(torch.stack(cb.all_inps), torch.stack([a, b]))
    assert torch.equal(cb.all_targs[0], y)
    assert torch.equal(cb.all_targs[1], z)


def test_shapes_that_do_not_go_together_and_single_numbers(make_learner: Make) -> None:
    class Own(TrainLearner):
        def predict(self) -> None:
            self.preds = self.batch[0] if self.iter else self.batch[0][:, :, :2]

        def get_loss(self) -> None:
            self.loss = self.preds.mean()

    cb = CapturePreds()
    make_learner([cb], cls=Own).fit(1, train=False)
    assert [tuple(part.shape) for part in cb.all_preds] == [(7, 1, 2, 4), (3, 1, 4, 4)]
    cb = CapturePreds()
    learn = make_learner([cb], cls=Own)
    learn.dls.valid = [(x, torch.tensor(1.0)) for x, _ in learn.dls.valid]
    learn.fit(1, train=False)
    assert cb.all_targs.tolist() == [1.0, 1.0]


def test_what_it_cannot_keep_is_named(make_learner: Make) -> None:
    class Words(TrainLearner):
        def predict(self) -> None:
            self.preds = "words"

        def get_loss(self) -> None:
            self.loss = torch.tensor(0.0)

    with pytest.raises(LearnerError, match="predictions are str"):
        make_learner([CapturePreds()], cls=Words).fit(1, train=False)
    learn = make_learner([CapturePreds()], cls=Words)
    learn.dls.valid = [{"x": torch.rand(2)}]
    with pytest.raises(LearnerError, match="tuples, not dict"):
        learn.fit(1, train=False)


def test_copies_are_not_waited_for_in_a_batch(
    make_learner: Make, late: type[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("miniai.callbacks.capture.start_copy", late)
    waits: list[int] = []
    cb = CapturePreds()
    learn = make_learner([cb, FuncCB(after_batch=lambda learn: waits.append(late.waited), order=5)])
    learn.fit(1, train=False)
    assert waits == [0, 0]
    assert len(cb.all_preds) == 10
