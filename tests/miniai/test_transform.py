"""BatchTransformCB: which batches it changes, and where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from miniai.callbacks.transform import BatchTransformCB
from miniai.errors import LearnerError
from miniai.learner import DeviceCB, FuncCB, Learner

Make = Callable[..., Learner]


def zeroed(batch: Any) -> Any:
    return torch.zeros_like(batch[0]), batch[1]


@pytest.mark.parametrize(("on_train", "on_val"), [(True, True), (True, False), (False, True), (False, False)])
def test_only_in_the_halves_asked_for(make_learner: Make, on_train: bool, on_val: bool) -> None:
    seen: dict[bool, set[bool]] = {True: set(), False: set()}
    spy = FuncCB(after_predict=lambda learn: seen[learn.training].add(not learn.batch[0].any()))
    make_learner([BatchTransformCB(zeroed, on_train=on_train, on_val=on_val), spy]).fit(1)
    assert seen == {True: {on_train}, False: {on_val}}


def test_the_model_gets_the_transformed_batch(make_learner: Make) -> None:
    preds: list[torch.Tensor] = []
    learn = make_learner([BatchTransformCB(zeroed), FuncCB(after_predict=lambda learn: preds.append(learn.preds))])
    learn.fit(1, train=False)
    with torch.no_grad():
        truth = learn.model(torch.zeros(7, 1, 4, 4))
    torch.testing.assert_close(preds[0], truth)


def test_comes_after_the_move_to_the_device(make_learner: Make) -> None:
    places: list[str] = []

    def look(batch: Any) -> Any:
        places.append(batch[0].device.type)
        return batch

    make_learner([BatchTransformCB(look), DeviceCB("meta")]).fit(1, train=False)
    assert places == ["meta", "meta"]


def test_a_transform_that_returns_nothing_is_named(make_learner: Make) -> None:
    def forgetful(batch: Any) -> None:
        batch[0].mul_(2)

    with pytest.raises(LearnerError, match="forgetful returned None"):
        make_learner([BatchTransformCB(forgetful)]).fit(1)
