"""The named optimizers, and that asking for any name imports nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from miniai import optimizers
from miniai.errors import UsageError


@pytest.mark.parametrize("name", optimizers.names())
def test_every_optimizer_takes_parameters_and_a_learning_rate_and_goes_downhill(name: str) -> None:
    weight = torch.nn.Parameter(torch.tensor([1.0]))
    optimizer = optimizers.get(name)([weight], 0.1)
    assert optimizer.param_groups[0]["lr"] == 0.1
    for _ in range(3):
        optimizer.zero_grad()
        (weight**2).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert 0 < abs(weight.item()) < 1


def test_sgd_is_plain_and_momentum_is_not() -> None:
    weight = torch.nn.Parameter(torch.tensor([1.0]))
    moved = {}
    for name in ("sgd", "momentum"):
        with torch.no_grad():
            weight.fill_(1.0)
        optimizer = optimizers.get(name)([weight], 0.1)
        for _ in range(2):
            weight.grad = torch.tensor([1.0])
            optimizer.step()
        moved[name] = 1 - weight.item()
    assert moved["sgd"] == pytest.approx(0.2)
    assert moved["momentum"] == pytest.approx(0.1 + 0.1 * 1.9)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="'adamx': choose one of adam, adamw, momentum, rmsprop, sgd"):
        optimizers.get("adamx")


def test_no_list_of_names_imports_torch_or_datasets() -> None:
    """`--help` shows these lists: it must not take the seconds that torch takes."""
    code = """
import sys
from miniai import catalog, models, optimizers
assert "fashion" in catalog.names() and "mlp" in models.names() and "sgd" in optimizers.names()
assert models.defaults("mlp").bs == 1024
import miniai.catalog.fashion
heavy = {"torch", "datasets", "numpy", "PIL", "pyarrow", "huggingface_hub", "safetensors"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
