"""LayerStatsCB: exact, rare enough, and gone from the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from miniai.callbacks.clock import TrainingClock
from miniai.callbacks.cost import Stopwatch
from miniai.callbacks.drain import Drain
from miniai.callbacks.layers import LayerStatsCB, measured_layers
from miniai.learner import CancelBatchException, DeviceCB, FuncCB, Learner
from miniai.run.events import Fact, HistogramsMeasured, Layer, LayersMeasured, encode

Make = Callable[..., Learner]


class Rig:
    """A LayerStatsCB on a clock that goes by batches, with a cost per measurement that the test sets."""

    def __init__(self, cost: float = 0.0, batch: float = 0.1, **kwargs: Any) -> None:
        self.t = 0.0
        self.facts: list[LayersMeasured] = []
        self.histograms: list[HistogramsMeasured] = []
        self.cost = cost
        clock = TrainingClock(lambda: self.t)
        self.cb = LayerStatsCB(self.take, lambda: self.t, clock, stopwatch=Costly(self), **kwargs)
        self.hooked: list[int] = []
        self.seen: list[list[Any]] = []
        self.spy = FuncCB(before_batch=self.before, after_predict=self.after, order=1000)
        self.batch = batch

    def take(self, fact: Fact) -> None:
        if isinstance(fact, LayersMeasured):
            self.facts.append(fact)
        else:
            assert isinstance(fact, HistogramsMeasured)
            self.histograms.append(fact)

    def before(self, learn: Learner) -> None:
        if learn.training and hooks(learn.model):
            self.hooked.append(learn.steps + 1)

    def later(self, learn: Learner) -> None:
        self.t += self.batch

    def after(self, learn: Learner) -> None:
        assert hooks(learn.model) == 0
        self.t += self.batch


class Costly(Stopwatch):
    def __init__(self, rig: Rig) -> None:
        super().__init__(lambda: 0.0)
        self.rig = rig

    def seconds(self) -> float:
        return self.rig.cost


def hooks(model: nn.Module) -> int:
    return sum(len(m._forward_hooks) for m in model.modules())


def test_values_equal_numpy_on_the_very_forward(make_learner: Make) -> None:
    rig = Rig()
    outputs: dict[str, Any] = {}
    learn = make_learner([rig.cb])

    def note(name: str, out: Tensor) -> None:
        outputs.setdefault(name, out.detach().numpy())

    for name in ("0", "1", "3"):
        learn.model.get_submodule(name).register_forward_hook(lambda m, i, out, name=name: note(name, out))
    learn.fit(1)
    (fact,) = rig.facts
    assert fact.step == 1
    assert [layer.name for layer in rig.cb.layers] == ["0", "1", "3"]
    for i, out in enumerate(outputs[name] for name in ("0", "1", "3")):
        assert fact.means[i] == pytest.approx(out.mean(), rel=1e-3)
        assert fact.stds[i] == pytest.approx(out.std(ddof=1), rel=1e-3)
        lowest = np.histogram(np.abs(out), 40, (0, 10))[0][0] / out.size
        assert fact.near_zero[i] == pytest.approx(lowest, rel=1e-3)
    assert fact.nonfinite == [0, 0, 0]


def test_numbers_are_short(make_learner: Make) -> None:
    rig = Rig()
    make_learner([rig.cb]).fit(1)
    for value in [*rig.facts[0].means, *rig.facts[0].stds]:
        assert isinstance(value, float)
        assert float(f"{value:.4g}") == value
    assert len(encode(rig.facts[0])) < 260


def test_which_layers() -> None:
    model = nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.1)),
        nn.Flatten(),
        nn.Identity(),
        nn.Linear(8, 2, bias=False),
    )
    found = [layer for layer, _ in measured_layers(model)]
    assert found == [
        Layer(name="0.0", kind="Conv2d", shape="1>8", parameters=80),
        Layer(name="0.1", kind="BatchNorm2d", shape="8", parameters=16),
        Layer(name="0.2", kind="ReLU"),
        Layer(name="3", kind="Linear", shape="8>2", parameters=16),
    ]
    assert LayerStatsCB(lambda fact: None, model=model).layers == found


def test_only_due_batches_carry_hooks(make_learner: Make) -> None:
    """The first is a rehearsal; one that costs 0.06 s may come again 2 s after it, twenty batches of 0.1 s later."""
    rig = Rig(cost=0.06)
    learn = make_learner([rig.cb, rig.spy])
    learn.dls.train = learn.dls.train * 21
    learn.fit(1, valid=False)
    assert rig.hooked == [1, 5, 26, 48]
    assert [fact.step for fact in rig.facts] == rig.hooked


def test_at_most_one_a_second_and_at_first_four(make_learner: Make) -> None:
    rig = Rig(batch=0.05)
    learn = make_learner([rig.cb, rig.spy])
    learn.dls.train = learn.dls.train * 100
    learn.fit(1, valid=False)
    at = np.array([fact.at for fact in rig.facts])
    early = np.diff(at[at <= 10])
    late = np.diff(at[at > 10])
    assert len(early) >= 25
    assert min(early) >= 0.25 - 1e-6
    assert len(late) >= 3
    assert min(late) >= 1.0 - 1e-6


def test_every_kth_batch(make_learner: Make) -> None:
    rig = Rig(cost=100.0, batch=0.6, every=4)
    learn = make_learner([rig.cb, rig.spy])
    learn.dls.train = learn.dls.train * 5
    learn.fit(1, valid=False)
    assert rig.hooked == [1, 4, 8, 12]


def test_never_in_validation(make_learner: Make) -> None:
    rig = Rig()
    learn = make_learner([rig.cb])
    learn.fit(1, train=False)
    assert rig.facts == []


def test_huge_models_stay_small_on_disk(make_learner: Make) -> None:
    """500 layers, after the burst is spent: the bytes of half an hour, as many a second for a day."""
    rig = Rig(batch=70.0)
    learn = make_learner([rig.cb, rig.spy])
    rig.cb._bucket.spend(2e6, 0.0)
    rig.cb._histograms._bucket.spend(1e6, 0.0)
    learn.model = nn.Sequential(*learn.model.children(), *[nn.ReLU() for _ in range(497)])
    learn.dls.train = learn.dls.train * 9
    learn.fit(1, valid=False)
    assert len(rig.cb.layers) == 500
    assert len(rig.facts) > 5
    assert len(rig.histograms) > 3
    for facts, bound in ((rig.facts, 20e6), (rig.histograms, 15e6)):
        assert sum(len(encode(fact)) for fact in facts) / rig.t * 86400 < bound


def test_a_cancelled_batch_is_not_reported(make_learner: Make) -> None:
    def cancel(learn: Learner) -> None:
        if learn.iter == 0:
            raise CancelBatchException

    rig = Rig()
    learn = make_learner([rig.cb, FuncCB(after_predict=cancel, order=-1)])
    learn.fit(1, valid=False)
    assert [fact.step for fact in rig.facts] == [1]  # of the second batch, the first that was trained
    assert hooks(learn.model) == 0


def test_values_that_are_not_finite_and_layers_that_are_not_used(make_learner: Make) -> None:
    class Odd(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.used, self.unused, self.twofold = nn.Linear(16, 3), nn.Linear(1, 1), Two()

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.twofold(self.used(x.flatten(1)))[0]
            return out

    class Two(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            return x.masked_fill(torch.eye(len(x), 3, dtype=torch.bool), float("inf")), x

    rig = Rig()
    learn = make_learner([rig.cb])
    learn.model = Odd()
    learn.fit(1, valid=False)
    fact = rig.facts[0]
    assert [layer.kind for layer in rig.cb.layers] == ["Linear", "Linear", "Two"]
    assert fact.means[1] == fact.stds[1] == fact.near_zero[1] == "nan"
    assert fact.means[2] in ("nan", "inf")
    assert fact.nonfinite == [0, 0, 3]


def test_a_device_that_lags(make_learner: Make) -> None:
    class Late:
        def __init__(self, tensor: Tensor) -> None:
            self.tensor, self.asked = tensor, 0

        def ready(self) -> bool:
            self.asked += 1
            return self.asked > 2

        def read(self) -> Tensor:
            return self.tensor

    rig = Rig(drain=Drain(Late))
    counts: list[int] = []
    learn = make_learner([rig.cb, FuncCB(after_batch=lambda learn: counts.append(len(rig.facts)), order=1000)])
    learn.fit(1, valid=False)
    assert counts == [0, 0, 1]
    assert [fact.step for fact in rig.facts] == [1]


def test_no_batch_waits_for_a_device(make_learner: Make) -> None:
    """On the meta device, that has no values, whatever would wait for one raises; only the copy is asked."""

    class Elsewhere:
        def __init__(self, tensor: Tensor) -> None:
            assert tensor.is_meta
            self.numbers = torch.full(tensor.shape, 0.5)

        def ready(self) -> bool:
            return True

        def read(self) -> Tensor:
            return self.numbers

    rig = Rig(drain=Drain(Elsewhere))
    make_learner([DeviceCB("meta"), rig.cb]).fit(1, valid=False)
    assert rig.facts[0].stds == [0.5] * 3


def test_one_number_has_no_deviation(make_learner: Make) -> None:
    rig = Rig()
    learn = make_learner([rig.cb], loss_func=lambda preds, targets: preds.sum())
    learn.model = nn.Sequential(nn.Flatten(), nn.Linear(16, 1))
    learn.dls.train = [(torch.ones(1, 1, 4, 4), torch.zeros(1))]
    learn.fit(1, valid=False)
    assert rig.facts[0].stds == [0]


def test_draws_nothing_and_changes_no_bit(make_learner: Make) -> None:
    torch.manual_seed(5)
    plain = make_learner()
    plain.fit(2)
    state, weights = torch.get_rng_state(), [p.detach().clone() for p in plain.model.parameters()]
    torch.manual_seed(5)
    learn = make_learner([LayerStatsCB(lambda fact: None)])
    learn.fit(2)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(learn.model.parameters(), weights, strict=True))
