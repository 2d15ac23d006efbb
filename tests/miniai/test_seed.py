"""The same seed gives the same numbers."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from miniai.activations import set_seed
from miniai.learner import TrainLearner


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()
    deterministic = torch.are_deterministic_algorithms_enabled()
    yield
    torch.use_deterministic_algorithms(deterministic)
    torch.set_rng_state(states[0])
    np.random.set_state(states[1])
    random.setstate(states[2])


def draws() -> tuple[float, float, float]:
    return torch.rand(()).item(), float(np.random.rand()), random.random()


def test_all_three_generators() -> None:
    set_seed(7)
    first = draws()
    set_seed(7)
    assert draws() == first
    set_seed(8)
    assert all(a != b for a, b in zip(draws(), first, strict=True))
    set_seed(2**40 + 7)  # numpy alone would refuse it


def test_deterministic_is_never_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    set_seed(1)
    assert not torch.are_deterministic_algorithms_enabled()
    set_seed(1, deterministic=True)
    assert torch.are_deterministic_algorithms_enabled()
    set_seed(1)
    assert torch.are_deterministic_algorithms_enabled()


def trained() -> list[torch.Tensor]:
    set_seed(3)
    data = TensorDataset(torch.rand(50, 4), torch.rand(50, 1))
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 1))

    class Loaders:
        train = DataLoader(data, 8, shuffle=True)
        valid = DataLoader(data, 16)

    TrainLearner(model, Loaders).fit(2)
    return [p.detach() for p in model.parameters()]


def test_two_runs_give_identical_numbers() -> None:
    for a, b in zip(trained(), trained(), strict=True):
        assert torch.equal(a, b)
