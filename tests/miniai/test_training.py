"""The loop of lesson 14, against the same loop by torch's parts."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F
from torch.utils.data import SequentialSampler

from miniai.errors import LearnerError, UsageError
from miniai.scratch import SGD, BatchSampler, DataLoader, Dataset, Sampler, mlp
from miniai.training import Dataset as TrainingDataset
from miniai.training import accuracy, fit, get_dls, report


def data(n: int, seed: int = 0) -> Dataset:
    """Images (1, 2, 3) whose class, of three, is where their brightest column is."""
    generator = torch.Generator().manual_seed(seed)
    x, y = torch.rand(n, 1, 2, 3, generator=generator), torch.randint(3, (n,), generator=generator)
    x[torch.arange(n), :, :, y] += 1
    return Dataset(x, y)


def test_accuracy_and_report(capsys: pytest.CaptureFixture[str]) -> None:
    out = torch.tensor([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]])
    right = torch.tensor([1, 1, 1])
    assert accuracy(out, right) == pytest.approx(2 / 3)
    report(torch.tensor(0.1234), out, right)
    assert capsys.readouterr().out == "loss 0.123, accuracy 0.667\n"


def test_the_dataset_is_that_of_the_scratch_package() -> None:
    assert TrainingDataset is Dataset


def test_get_dls_shuffles_training_only_and_validates_in_batches_twice_as_large() -> None:
    train, valid = get_dls(data(20), data(9), 4, drop_last=True)
    assert [len(y) for _, y in train] == [4] * 5
    assert [len(y) for _, y in valid] == [8]
    assert train.drop_last
    assert valid.drop_last
    assert isinstance(valid.sampler, SequentialSampler)
    torch.manual_seed(1)
    orders = [torch.cat([y for _, y in train]).tolist() for _ in range(2)]
    assert orders[0] != orders[1]
    assert sorted(orders[0]) == sorted(orders[1])


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 30), bs=st.integers(1, 12), epochs=st.integers(1, 3), seed=st.integers(0, 2**32))
def test_fit_returns_the_mean_over_all_validation_samples(n: int, bs: int, epochs: int, seed: int) -> None:
    train, valid = data(20, 1), data(n, 2)
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Flatten(), nn.Linear(6, 3))
    dls = get_dls(train, valid, bs)
    loss, share = fit(epochs, model, F.cross_entropy, torch.optim.SGD(model.parameters(), 0.5), *dls)
    assert not model.training
    assert all(p.grad is None for p in model.parameters())
    with torch.no_grad():
        out = model(valid.x)
    assert loss == pytest.approx(F.cross_entropy(out, valid.y).item(), rel=1e-4, abs=1e-6)
    assert share == pytest.approx((out.argmax(1) == valid.y).float().mean().item(), abs=1e-6)


class Spy(nn.Module):
    """Notes in which mode it was called, and whether gradients were wanted."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3))
        self.seen: list[tuple[bool, bool]] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen.append((self.training, torch.is_grad_enabled()))
        return x.flatten(1)[:, :3] * self.weight


def test_validation_is_in_evaluation_mode_without_gradients() -> None:
    spy = Spy()
    fit(2, spy, F.cross_entropy, torch.optim.SGD(spy.parameters(), 0.1), *get_dls(data(3), data(3), 2))
    assert spy.seen == [(True, True), (True, True), (False, False)] * 2


def test_scratch_parts_and_torchs_learn_the_same_and_say_it(capsys: pytest.CaptureFixture[str]) -> None:
    train, valid = data(40, 1), data(15, 2)
    results = []
    for by_hand in (True, False):
        torch.manual_seed(3)
        if by_hand:
            net: Any = mlp((1, 2, 3), 3)
            opt: Any = SGD(net.parameters(), 0.5)
            dls: Any = (
                DataLoader(train, BatchSampler(Sampler(train, shuffle=True), 8)),
                DataLoader(valid, BatchSampler(Sampler(valid), 16)),
            )
        else:
            net = nn.Sequential(nn.Flatten(), nn.Linear(6, 50), nn.ReLU(), nn.Linear(50, 3))
            opt = torch.optim.SGD(net.parameters(), 0.5)
            dls = get_dls(train, valid, 8)
        results.append(fit(10, net, F.cross_entropy, opt, *dls))
    lines = capsys.readouterr().out.splitlines()
    assert lines[:10] == lines[10:]
    assert lines[0].startswith("epoch  1/10  validation loss ")
    assert lines[9] == f"epoch 10/10  validation loss {results[0][0]:.4f}  accuracy {results[0][1]:.4f}"
    assert results[0] == pytest.approx(results[1], rel=1e-4)
    assert results[0][1] > 0.9


def test_what_cannot_be_fitted_is_refused() -> None:
    model = nn.Linear(1, 1)
    opt = torch.optim.SGD(model.parameters(), 0.1)
    with pytest.raises(LearnerError, match="yields no samples"):
        fit(1, model, F.cross_entropy, opt, [], [])
    with pytest.raises(UsageError, match="at least 1, not 0"):
        fit(0, model, F.cross_entropy, opt, [], [])
