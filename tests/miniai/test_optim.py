"""Our optimizers against torch's: the same steps for any shapes, settings and schedules."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from miniai import optim
from miniai.errors import UsageError

Opt = torch.optim.Optimizer
Pair = tuple[Callable[..., Opt], Callable[..., Opt]]

rates = st.floats(1e-4, 0.3)
decays = st.sampled_from([0.0, 1e-4, 0.05])
shares = st.floats(0.0, 0.99)
epsilons = st.sampled_from([1e-8, 1e-5, 1e-2])


@st.composite
def pairs(draw: st.DrawFn) -> Pair:
    """Ours and torch's with the same settings."""
    kind, lr, wd = draw(st.sampled_from(["sgd", "momentum", "rmsprop", "adam", "adamw"])), draw(rates), draw(decays)
    if kind in ("sgd", "momentum"):
        mom = draw(shares) if kind == "momentum" else 0.0
        ours = (lambda ps: optim.Momentum(ps, lr, wd, mom)) if mom else (lambda ps: optim.SGD(ps, lr, wd))
        return ours, lambda ps: torch.optim.SGD(ps, lr, momentum=mom, weight_decay=wd)
    eps = draw(epsilons)
    if kind == "rmsprop":
        share, mom = draw(shares), draw(st.sampled_from([0.0, 0.5, 0.9]))
        return (
            lambda ps: optim.RMSProp(ps, lr, wd, share, eps, mom),
            lambda ps: torch.optim.RMSprop(ps, lr, alpha=share, weight_decay=wd, eps=eps, momentum=mom),
        )
    mine, torchs = (optim.Adam, torch.optim.Adam) if kind == "adam" else (optim.AdamW, torch.optim.AdamW)
    b1, b2 = draw(shares), draw(shares)
    return (
        lambda ps: mine(ps, lr, wd, b1, b2, eps),
        lambda ps: torchs(ps, lr, betas=(b1, b2), weight_decay=wd, eps=eps),
    )


def steps_of(make: Callable[..., Opt], start: list[Tensor], grads: list[list[Tensor | None]], cycle: bool) -> list[Any]:
    """The parameters after each step, and the gradients, which must stay as they are."""
    ps = [nn.Parameter(p.clone()) for p in start]
    opt = make(ps)
    sched = torch.optim.lr_scheduler.CyclicLR(opt, 0.001, 0.1, 3, cycle_momentum=False) if cycle else None
    after: list[Tensor] = []
    for row in grads:
        opt.zero_grad()
        for p, g in zip(ps, row, strict=True):
            p.grad = None if g is None else g.clone()
        opt.step()
        if sched:
            sched.step()
        for p, g in zip(ps, row, strict=True):
            assert g is None or (p.grad is not None and torch.equal(p.grad, g))
        after += [p.detach().clone() for p in ps]
    return after


@settings(max_examples=60, deadline=None)
@given(
    pairs(),
    st.lists(st.lists(st.integers(1, 4), max_size=3), min_size=1, max_size=3),
    st.integers(1, 40),
    st.integers(0, 2**31),
    st.booleans(),
)
def test_every_step_is_torchs(pair: Pair, shapes: list[list[int]], n: int, seed: int, cycle: bool) -> None:
    g = torch.Generator().manual_seed(seed)

    def draw(shape: list[int]) -> Tensor:
        return torch.randn(shape, generator=g, dtype=torch.float64)

    start = [draw(shape) for shape in shapes]
    grads: list[list[Tensor | None]] = [[draw(shape) for shape in shapes] for _ in range(n)]
    grads[n // 2][0] = None  # a layer that took no part in this batch
    ours, torchs = (steps_of(make, start, grads, cycle) for make in pair)
    for a, b in zip(ours, torchs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-8, atol=1e-10)


CASES: list[Pair] = [
    (lambda ps: optim.SGD(ps, 0.1), lambda ps: torch.optim.SGD(ps, 0.1)),
    (lambda ps: optim.Momentum(ps, 0.05, 1e-3), lambda ps: torch.optim.SGD(ps, 0.05, 0.9, weight_decay=1e-3)),
    (optim.RMSProp, torch.optim.RMSprop),
    (optim.Adam, torch.optim.Adam),
    (optim.AdamW, torch.optim.AdamW),
]
IDS = ["sgd", "momentum", "rmsprop", "adam", "adamw"]


def net() -> nn.Sequential:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 2))


def train(model: nn.Module, opt: Opt, n: int, sched: Any = None, seed: int = 0) -> list[float]:
    g = torch.Generator().manual_seed(seed)
    losses = []
    for _ in range(n):
        loss = (model(torch.rand(5, 6, generator=g)) - torch.rand(5, 2, generator=g)).square().mean()
        loss.backward()
        opt.step()
        opt.zero_grad()
        if sched:
            sched.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("pair", CASES, ids=IDS)
def test_by_default_a_net_is_trained_as_by_torch_under_one_cycle(pair: Pair) -> None:
    """In float32, with a schedule that moves learning rate and momentum (or beta1)."""
    losses = []
    for make in pair:
        model = net()
        opt = make(model.parameters())
        sched = torch.optim.lr_scheduler.OneCycleLR(opt, 0.05, total_steps=41)
        losses.append(train(model, opt, 40, sched))
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    assert losses[0][-1] != losses[0][0]


@pytest.mark.parametrize("pair", CASES, ids=IDS)
def test_a_saved_state_goes_on_as_if_nothing_had_happened(pair: Pair) -> None:
    whole, halved = net(), net()
    straight = pair[0](whole.parameters())
    first = pair[0](halved.parameters())
    train(whole, straight, 5)
    train(halved, first, 5)
    second = pair[0](halved.parameters())
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    assert train(whole, straight, 5, seed=1) == train(halved, second, 5, seed=1)


def test_groups_have_settings_of_their_own() -> None:
    a, b = (nn.Parameter(torch.ones(2)) for _ in range(2))
    opt = optim.SGD([{"params": [a]}, {"params": [b], "lr": 0.0}], 0.5)
    a.grad, b.grad = torch.ones(2), torch.ones(2)
    assert opt.step() is None
    assert a.tolist() == [0.5, 0.5]
    assert b.tolist() == [1.0, 1.0]


def test_a_closure_is_called_with_gradients_on() -> None:
    p = nn.Parameter(torch.ones(()))
    opt = optim.SGD([p], 0.25)

    def closure() -> float:
        opt.zero_grad()
        loss = p.square()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.item()

    assert opt.step(closure) == 1.0
    assert p.item() == 0.5


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda ps: optim.SGD(ps, -1.0), "SGD: lr must be 0 or more, not -1"),
        (lambda ps: optim.SGD(ps, float("nan")), "lr must be"),
        (lambda ps: optim.Momentum(ps, 0.1, mom=1.0), "from 0 to below 1, not 1"),
        (lambda ps: optim.Adam(ps, 0.1, beta2=1.5), "from 0 to below 1, not 1.5"),
        (lambda ps: optim.RMSProp(ps, 0.1, wd=-0.1), "weight_decay must be 0 or more"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make: Callable[..., Opt], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        make([nn.Parameter(torch.ones(1))])
