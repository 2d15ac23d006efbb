"""LayerStatsCB: gradients, what a step changes, and histograms; exact for the measured step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from miniai.learner import CancelBatchException, FuncCB, Learner
from miniai.run.packed import count_of, unpack
from miniai.statistics import SLOTS, summarize
from tests.miniai.test_layers import Make, Rig


def test_gradients_and_changes_equal_numpy_on_the_very_step(make_learner: Make) -> None:
    rig = Rig(batch=1.1)
    grads: list[dict[str, Any]] = []
    weights: list[dict[str, Any]] = []

    def copied(learn: Learner, what: Callable[[Tensor], Tensor | None]) -> dict[str, Any]:
        return {
            n: t.detach().double().numpy().copy()
            for n, p in learn.model.named_parameters()
            if (t := what(p)) is not None
        }

    learn = make_learner(
        [
            rig.cb,
            rig.spy,
            FuncCB(before_batch=lambda learn: weights.append(copied(learn, lambda p: p))),
            FuncCB(after_backward=lambda learn: grads.append(copied(learn, lambda p: p.grad))),
            FuncCB(after_fit=lambda learn: weights.append(copied(learn, lambda p: p))),
        ]
    )
    learn.fit(1, valid=False)
    assert [fact.step for fact in rig.facts] == [1, 3]
    for fact in rig.facts:
        at = fact.step - 1
        for i, layer in enumerate(rig.cb.layers):
            names = [n for n in grads[at] if n.startswith(f"{layer.name}.")]
            if not names:
                assert fact.grads[i] is fact.ratios[i] is None
                continue
            old, new, grad = (
                np.concatenate([d[n].ravel() for n in names]) for d in (weights[at], weights[at + 1], grads[at])
            )
            assert fact.grads[i] == pytest.approx(np.linalg.norm(grad), rel=1e-3)
            assert fact.ratios[i] == pytest.approx(np.linalg.norm(new - old) / np.linalg.norm(old), rel=1e-3)
        assert fact.grad_norm == pytest.approx(
            np.linalg.norm(np.concatenate([g.ravel() for g in grads[at].values()])), rel=1e-5
        )


def test_a_frozen_layer_and_one_of_zeros_have_no_ratio(make_learner: Make) -> None:
    rig = Rig()
    learn = make_learner([rig.cb])
    for parameter in learn.model.get_submodule("3").parameters():
        torch.nn.init.zeros_(parameter)
    learn.model.get_submodule("0").requires_grad_(False)
    learn.fit(1, valid=False)
    (fact,) = rig.facts
    assert fact.grads[0] is fact.ratios[0] is None
    assert fact.ratios[2] is None
    assert isinstance(fact.grads[2], float)


def test_histograms_are_those_of_the_forward_pass_and_rarer(make_learner: Make) -> None:
    rig = Rig(batch=0.6, every=1)
    counts: list[list[int]] = []
    learn = make_learner([rig.cb, FuncCB(after_batch=rig.later)])
    learn.dls.train = learn.dls.train * 6
    learn.model.get_submodule("1").register_forward_hook(
        lambda m, i, out: counts.append(summarize(out).counts.tolist())
    )
    learn.fit(1, valid=False)
    assert 3 <= len(rig.histograms) < len(rig.facts)
    assert {h.step for h in rig.histograms} <= {fact.step for fact in rig.facts}
    for fact in rig.histograms:
        found = [count_of(level) for level in unpack(fact.layers[1], SLOTS)]
        assert found == pytest.approx(counts[fact.step - 1], rel=0.14)


def test_no_copy_of_the_weights_outlives_its_step(make_learner: Make) -> None:
    held: list[int] = []
    rig = Rig()
    learn = make_learner([rig.cb])

    def note(learn: Learner) -> None:
        norms = rig.cb._norms
        held.append(0 if norms is None else len(norms._copies))

    def cancel(learn: Learner) -> None:
        if learn.iter == 0:
            raise CancelBatchException

    learn.cbs += [
        FuncCB(after_backward=note, order=90),
        FuncCB(after_backward=cancel, order=95),
        FuncCB(before_batch=note, order=1),
        FuncCB(after_batch=note),
    ]
    learn.fit(1, valid=False)
    assert held == [0, 4, 0, 4, 0, 0, 0, 0]
    assert rig.cb._norms is None
