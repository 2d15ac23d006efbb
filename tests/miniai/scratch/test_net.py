"""Layers, Sequential, SGD and the loaders together: the losses that torch's parts give, step by step."""

from __future__ import annotations

import functools
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional as F

from miniai.errors import LearnerError
from miniai.models import build
from miniai.scratch import (
    SGD,
    BatchSampler,
    DataLoader,
    Dataset,
    Flatten,
    Linear,
    Module,
    ReLU,
    Sampler,
    Sequential,
    SequentialReduce,
    flatten,
    mlp,
)


@settings(max_examples=100, deadline=None)
@given(ins=st.integers(1, 300), outs=st.integers(1, 60), seed=st.integers(0, 2**32))
def test_linear_is_drawn_as_torchs_is_and_computes_the_same(ins: int, outs: int, seed: int) -> None:
    torch.manual_seed(seed)
    theirs = nn.Linear(ins, outs)
    after = torch.get_rng_state()
    torch.manual_seed(seed)
    ours = Linear(ins, outs)
    assert torch.equal(torch.get_rng_state(), after)
    assert torch.equal(ours.weight, theirs.weight)
    assert torch.equal(ours.bias, theirs.bias)
    x = torch.rand(3, 2, ins)
    torch.testing.assert_close(ours(x), theirs(x))


def test_relu_and_its_gradient_are_torchs_at_the_odd_places_too() -> None:
    values = torch.tensor([-1.0, -0.0, 0.0, 2.0, torch.nan, torch.inf, -torch.inf])
    results: list[tuple[Tensor, Any]] = []
    for relu in (ReLU(), nn.ReLU()):
        x = values.clone().requires_grad_()
        y = relu(x)
        y.sum().backward()
        results.append((y.detach(), x.grad))
    torch.testing.assert_close(results[0][0], results[1][0], equal_nan=True, rtol=0, atol=0)
    finite = values.isfinite()
    assert torch.equal(results[0][1][finite], results[1][1][finite])


@pytest.mark.parametrize("shape", [(2, 3, 4), (5,), (0, 3, 4), (1, 1)])
def test_flatten(shape: tuple[int, ...]) -> None:
    x = torch.rand(shape)
    expected = x.flatten(1) if len(shape) > 1 else x[:, None]
    assert torch.equal(flatten(x), expected)
    assert torch.equal(Flatten()(x), expected)


@pytest.mark.parametrize("kind", [Sequential, SequentialReduce])
def test_sequential_in_both_writings(kind: type[Sequential]) -> None:
    shared = nn.Linear(3, 3)
    layers: list[Any] = [shared, ReLU(), torch.sin, functools.partial(torch.mul, other=2), shared]
    net = kind(*layers)
    x = torch.rand(2, 3)
    expected = shared(torch.sin(F.relu(shared(x))) * 2)
    assert torch.equal(net(x), expected)
    assert torch.equal(kind(layers)(x), expected)
    assert torch.equal(kind()(x), x)
    assert [n for n, _ in net.named_parameters()] == ["0.weight", "0.bias"]
    assert (len(net), list(net), net[-1]) == (5, layers, shared)
    assert "sin" in repr(net)
    with pytest.raises(IndexError):
        net[5]
    with pytest.raises(TypeError, match="layer 1 is 3"):
        kind(shared, 3)  # type: ignore[arg-type]


@settings(max_examples=60, deadline=None)
@given(
    shapes=st.lists(st.lists(st.integers(1, 4), max_size=3), min_size=1, max_size=4),
    lr=st.floats(1e-4, 1.0),
    seed=st.integers(0, 2**32),
    skipped=st.integers(0, 3),
)
def test_sgd_takes_torchs_steps_to_the_last_bit(shapes: list[list[int]], lr: float, seed: int, skipped: int) -> None:
    torch.manual_seed(seed)
    start = [torch.randn(shape) for shape in shapes]
    sides = []
    for made in (SGD, torch.optim.SGD):
        params = [nn.Parameter(t.clone()) for t in start]
        opt: Any = made(params, lr)
        for step in range(4):
            for k, p in enumerate(params):
                if k != skipped:
                    (p * p * (step + k + 1)).sum().backward()  # type: ignore[no-untyped-call]
            opt.step()
            opt.zero_grad()
            assert all(p.grad is None for p in params)
        sides.append(params)
    assert all(torch.equal(a, b) for a, b in zip(*sides, strict=True))


def test_sgd_has_a_rate_that_can_be_changed_and_needs_parameters() -> None:
    opt = SGD(iter([torch.ones(2, requires_grad=True)]), 0.5)
    opt.param_groups[0]["lr"] = 0.25
    assert opt.lr == 0.25
    opt.lr = 2.0
    assert opt.param_groups[0]["lr"] == 2.0
    assert opt.params[0].tolist() == [1, 1]
    with pytest.raises(LearnerError, match="no parameters"):
        SGD(ReLU().parameters(), 0.1)


def losses(net: Any, opt: Any, dl: Any, epochs: int) -> list[float]:
    found = []
    for _ in range(epochs):
        for xb, yb in dl:
            loss = F.cross_entropy(net(xb), yb)
            loss.backward()  # type: ignore[no-untyped-call]
            opt.step()
            opt.zero_grad()
            found.append(loss.item())
    return found


@settings(max_examples=30, deadline=None)
@given(
    n=st.integers(1, 40),
    bs=st.integers(1, 45),
    shape=st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 6)),
    classes=st.integers(1, 5),
    lr=st.floats(0.01, 0.5),
    seed=st.integers(0, 2**32),
    drop_last=st.booleans(),
)
def test_the_same_losses_as_with_torchs_parts(
    *, n: int, bs: int, shape: tuple[int, int, int], classes: int, lr: float, seed: int, drop_last: bool
) -> None:
    made = torch.Generator().manual_seed(seed % 1000)
    x, y = torch.rand(n, *shape, generator=made), torch.randint(classes, (n,), generator=made)
    torch.manual_seed(seed)
    theirs = build("mlp", shape, classes)
    their_dl = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), bs, shuffle=True, drop_last=drop_last)
    expected = losses(theirs, torch.optim.SGD(theirs.parameters(), lr), their_dl, 3)
    after = torch.get_rng_state()
    torch.manual_seed(seed)
    ours: Module = mlp(shape, classes)
    ds = Dataset(x, y)
    dl = DataLoader(ds, BatchSampler(Sampler(ds, shuffle=True), bs, drop_last))
    found = losses(ours, SGD(ours.parameters(), lr), dl, 3)
    assert torch.equal(torch.get_rng_state(), after)
    assert len(found) == len(dl) * 3
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-6)
    ours_state = ours.state_dict()
    assert list(ours_state) == list(theirs.state_dict())
    for name, tensor in theirs.state_dict().items():
        torch.testing.assert_close(ours_state[name], tensor, rtol=1e-4, atol=1e-5)


def test_weights_go_both_ways_between_the_two_nets() -> None:
    ours, theirs = mlp((1, 4, 4), 3), build("mlp", (1, 4, 4), 3)
    x: Tensor = torch.rand(2, 1, 4, 4)
    theirs.load_state_dict(ours.state_dict())
    torch.testing.assert_close(ours(x), theirs(x))
    nn.init.zeros_(ours.state_dict()["1.bias"])
    ours.load_state_dict(theirs.state_dict())
    torch.testing.assert_close(ours(x), theirs(x))
