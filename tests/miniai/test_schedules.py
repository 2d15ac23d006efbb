"""Named schedules: the rate of each batch against its formula, and momentum left alone where there is none."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from miniai import optimizers, schedules
from miniai.learner import Callback, Learner, TrainCB

from .conftest import Loader


class Rates(Callback):
    """Notes rate and momentum that each batch is trained with."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.momenta: list[float] = []

    def after_step(self, learn: Learner, /) -> None:
        group = learn.opt.param_groups[0]
        self.rates.append(group["lr"])
        self.momenta.append(group["betas"][0] if "betas" in group else group.get("momentum", 0.0))


def trained(name: str, opt: str, lr: float, batches: int, epochs: int = 1, steps: int | None = None) -> Rates:
    torch.manual_seed(0)
    data: Loader = [(torch.randn(4, 3), torch.randn(4, 1)) for _ in range(batches)]
    rates = Rates()
    schedule = schedules.callback(name, lr, steps or batches * epochs)
    cbs = [TrainCB(), rates, *([] if schedule is None else [schedule])]
    from miniai.datasets import DataLoaders

    learn = Learner(nn.Linear(3, 1), DataLoaders(data, data[:1]), lr=lr, cbs=cbs, opt_func=optimizers.get(opt))
    learn.fit(epochs)
    return rates


def test_constant_is_no_callback() -> None:
    assert schedules.callback("constant", 0.1, 10) is None
    assert set(trained("constant", "sgd", 0.1, 5).rates) == {0.1}


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 30), st.integers(1, 3), st.floats(1e-4, 1.0))
def test_cosine_falls_from_the_rate_to_zero(batches: int, epochs: int, lr: float) -> None:
    rates, steps = trained("cosine", "sgd", lr, batches, epochs).rates, batches * epochs
    assert rates == pytest.approx([lr * (1 + math.cos(math.pi * i / steps)) / 2 for i in range(steps)], abs=1e-9)


@pytest.mark.parametrize("opt", optimizers.names())
def test_one_cycle_rises_and_falls(opt: str) -> None:
    noted = trained("onecycle", opt, 0.01, 20, 2)
    top = noted.rates.index(max(noted.rates))
    assert max(noted.rates) == pytest.approx(0.01)
    assert top == 9  # a quarter of the 40 steps
    assert noted.rates[0] == pytest.approx(0.01 / 25)
    assert noted.rates[-1] < 0.01 / 1e4
    assert noted.rates[: top + 1] == sorted(noted.rates[: top + 1])
    assert noted.rates[top:] == sorted(noted.rates[top:], reverse=True)
    if opt in ("sgd", "rmsprop"):
        assert set(noted.momenta) == {0.0}  # plain stays plain
    else:
        assert min(noted.momenta) == noted.momenta[top] < max(noted.momenta)


def test_past_its_end_one_cycle_holds_its_last_rate() -> None:
    rates = trained("onecycle", "adamw", 0.01, 10, 2, steps=10).rates
    assert len(set(rates[9:])) == 1
