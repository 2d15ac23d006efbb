"""ConfusionCB: true counts of the last validation, cheap, and honest about what was not seen."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torcheval.metrics.functional import multiclass_confusion_matrix

from miniai.callbacks.clock import TrainingClock
from miniai.callbacks.confusion import ConfusionCB, confusion_fact
from miniai.learner import CancelBatchException, CancelEpochException, FuncCB, Learner
from miniai.run.events import ConfusionMeasured, Fact, decode, encode

Make = Callable[..., Learner]


class Rig:
    """A ConfusionCB on a clock of its own, and what was validated."""

    def __init__(self, batch: float = 1.0, cost: float = 0.0) -> None:
        self.t, self.batch, self.work = 0.0, batch, 0.0
        self.facts: list[Fact] = []
        self.cb = ConfusionCB(self.facts.append, lambda: self.t, TrainingClock(lambda: self.t), time=self.time)
        self.cost = cost
        self.seen: list[tuple[Tensor, Tensor]] = []
        self.spy = FuncCB(before_epoch=self.begin, after_batch=self.after)

    def time(self) -> float:
        self.work += self.cost
        return self.work

    def begin(self, learn: Learner) -> None:
        self.seen = []

    def after(self, learn: Learner) -> None:
        self.t += self.batch
        if not learn.training:
            self.seen.append((learn.preds.detach(), learn.batch[1]))

    @property
    def told(self) -> list[ConfusionMeasured]:
        return [fact for fact in self.facts if isinstance(fact, ConfusionMeasured)]

    def truth(self) -> Tensor:
        preds, labels = (torch.cat(parts) for parts in zip(*self.seen, strict=True))
        return multiclass_confusion_matrix(preds, labels, preds.shape[1]).long()


def test_counts_are_those_of_an_independent_count(make_learner: Make) -> None:
    rig = Rig()
    make_learner([rig.cb, rig.spy]).fit(2)
    first, second = rig.told
    assert (first.epoch, second.epoch, second.step) == (0, 1, 6)
    truth = rig.truth()
    assert second.counts == truth.flatten().tolist()
    assert second.totals == truth.sum(1).tolist()
    assert second.predicted == truth.sum(0).tolist()
    assert second.right == truth.diagonal().tolist()
    assert second.complete
    assert second.left_out == 0
    assert sum(second.totals) == 10
    assert decode(encode(second)) == second


@given(st.integers(2, 7), st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=60))
def test_any_counts_add_up(n: int, samples: list[tuple[int, int]]) -> None:
    counts = torch.zeros(n * n + 1, dtype=torch.int32)
    table = np.zeros((n, n), int)
    for label, said in samples:
        place = label * n + said if label < n and said < n else n * n
        counts[place] += 1
        if place < n * n:
            table[label, said] += 1
    fact = confusion_fact(counts, ConfusionMeasured(at=0, epoch=0, step=0, classes=n))
    assert fact.counts == table.flatten().tolist()
    assert sum(fact.totals) + fact.left_out == len(samples)
    assert sum(fact.right) + sum(k for *_, k in fact.pairs) == sum(fact.totals)
    assert [k for *_, k in fact.pairs] == sorted((k for *_, k in fact.pairs), reverse=True)
    assert all(table[i, j] == k and i != j for i, j, k in fact.pairs)


def test_what_has_no_label_or_no_number_is_left_out(make_learner: Make, dls: SimpleNamespace) -> None:
    rig = Rig()
    images, labels = dls.valid[0]
    labels = labels.clone()
    labels[0], labels[1] = -100, 7
    images = images.clone()
    images[2] = float("nan")
    dls.valid = [(images, labels)]
    make_learner([rig.cb, rig.spy], loss_func=lambda preds, y: preds.sum()).fit(1, train=False)
    (fact,) = rig.told
    assert fact.left_out == 3
    assert sum(fact.totals) == len(labels) - 3


@pytest.mark.parametrize("error", [CancelEpochException, CancelBatchException])
def test_what_was_cut_short_says_so(make_learner: Make, error: type[Exception]) -> None:
    rig = Rig()

    def cancel(learn: Learner) -> None:
        if not learn.training and learn.iter == 1:
            raise error

    make_learner([FuncCB(before_batch=cancel), rig.cb, rig.spy]).fit(1)
    (fact,) = rig.told
    assert not fact.complete
    assert fact.counts == rig.truth().flatten().tolist()
    assert sum(fact.totals) == 7


def test_a_failed_half_says_nothing_and_the_next_fit_counts_anew(make_learner: Make) -> None:
    rig = Rig()
    broken = [True]

    def fail(learn: Learner) -> None:
        if broken and not learn.training and learn.iter == 1:
            broken.clear()
            raise ZeroDivisionError

    learn = make_learner([FuncCB(before_batch=fail), rig.cb, rig.spy])
    with pytest.raises(ZeroDivisionError):
        learn.fit(1)
    assert rig.told == []
    learn.fit(1)
    assert sum(rig.told[-1].totals) == 10


def test_no_classification_is_said_once(make_learner: Make, dls: SimpleNamespace) -> None:
    rig = Rig()
    dls.train = dls.valid = [(torch.rand(4, 1, 4, 4), torch.rand(4, 3))] * 2
    make_learner([rig.cb], loss_func=nn.functional.mse_loss).fit(2)
    (fact,) = rig.told
    assert fact.classes == 0
    assert "(4, 3)" in fact.why


def test_short_halves_are_passed_over_but_not_the_last(make_learner: Make) -> None:
    rig = Rig(batch=0.01, cost=0.01)
    make_learner([rig.cb, rig.spy]).fit(40)
    assert 3 <= len(rig.told) <= 6
    assert rig.told[-1].epoch == 39
    assert rig.told[-1].counts == rig.truth().flatten().tolist()


def test_many_classes_are_told_without_the_matrix() -> None:
    n = 100
    counts = torch.randint(0, 3, (n * n + 1,), generator=torch.Generator().manual_seed(0), dtype=torch.int32)
    fact = confusion_fact(counts, ConfusionMeasured(at=0, epoch=0, step=0, classes=n))
    assert fact.counts == []
    assert len(fact.totals) == len(fact.right) == n
    assert len(fact.pairs) == 200
    assert len(encode(fact)) < 8000


def test_too_many_classes_say_so(make_learner: Make) -> None:
    rig = Rig()
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 3000))
    learn = make_learner([rig.cb])
    learn.model = model
    learn.fit(1)
    assert "3000 classes are too many" in rig.told[0].why


def test_nothing_waits_for_the_device_in_between(make_learner: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a tensor is what waits: only at the end of a half does that happen."""
    rig, read = Rig(), []

    def count(name: str) -> Any:
        real = getattr(Tensor, name)

        def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
            read.append(name)
            return real(self, *args, **kwargs)

        return method

    learn = make_learner([rig.cb])
    for name in ("item", "tolist", "cpu", "numpy", "__bool__", "__int__", "__float__", "nonzero"):
        monkeypatch.setattr(Tensor, name, count(name))
    done: list[int] = []
    learn.fit(1, cbs=FuncCB(after_epoch=lambda learn: done.append(len(read))))
    assert done == [0, 0]
    assert "cpu" in read
