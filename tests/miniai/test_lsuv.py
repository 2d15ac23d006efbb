"""LSUV: every layer at mean 0 and standard deviation 1, an end in any case, and nothing else changed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from miniai.errors import LearnerError
from miniai.init import GeneralRelu, lsuv_init


def net(kind: str, act: Callable[[], nn.Module], seed: int) -> tuple[nn.Sequential, list[tuple[nn.Module, nn.Module]]]:
    """A deep net with badly scaled weights, and its (activation, layer) pairs."""
    layers: list[nn.Module] = []
    for _ in range(5):
        layers += [nn.Conv2d(3, 3, 3, padding=1) if kind == "conv" else nn.Linear(12, 12), act()]
    model = nn.Sequential(*layers)
    g = torch.Generator().manual_seed(seed)
    for p in model.parameters():
        p.data = torch.randn(p.shape, generator=g) * 0.3 + (0.2 if p.ndim == 1 else 0)
    return model, list(zip(layers[1::2], layers[::2], strict=True))


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(["conv", "linear"]), st.sampled_from([0.05, 0.1, 0.3]), st.integers(0, 2**31))
def test_lsuv_brings_every_layer_to_mean_0_and_deviation_1(kind: str, leak: float, seed: int) -> None:
    model, pairs = net(kind, partial(GeneralRelu, leak, 0.4), seed)
    g = torch.Generator().manual_seed(seed)
    x = torch.randn((16, 3, 8, 8) if kind == "conv" else (200, 12), generator=g) * 3 + 1
    for m, m_in in pairs:
        mean, std = lsuv_init(model, m, m_in, x)
        assert abs(mean) <= 1e-3
        assert abs(std - 1) <= 1e-3
    out = x
    with torch.no_grad():
        for m, m_in in pairs:
            out = m(m_in(out))
            assert abs(out.mean().item()) < 2e-3
            assert abs(out.std().item() - 1) < 2e-3


@settings(max_examples=15, deadline=None)
@given(st.floats(-50, 50), st.floats(0.01, 20), st.integers(0, 2**31))
def test_lsuv_scales_a_layer_itself(offset: float, scale: float, seed: int) -> None:
    layer = nn.Linear(6, 9)
    x = torch.randn(100, 6, generator=torch.Generator().manual_seed(seed)) * scale + offset
    mean, std = lsuv_init(nn.Sequential(layer), layer, layer, x, tol=1e-2)
    assert abs(mean) <= 1e-2
    assert abs(std - 1) <= 1e-2


def test_lsuv_leaves_the_mean_where_it_cannot_be_zero() -> None:
    x = torch.randn(64, 6, generator=torch.Generator().manual_seed(0))
    for layer, act in ((nn.Linear(6, 9), nn.ReLU()), (nn.Linear(6, 9, bias=False), GeneralRelu(0.1, 0.4))):
        bias = None if layer.bias is None else layer.bias.clone()
        _, std = lsuv_init(nn.Sequential(layer, act), act, layer, x)
        assert abs(std - 1) <= 1e-3
        if bias is not None:
            assert torch.equal(layer.bias, bias)
            assert (act(layer(x)) > 0).float().mean() > 0.2  # alive


def test_lsuv_leaves_modes_hooks_statistics_and_gradients_alone() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), GeneralRelu(0.1, 0.4), nn.Dropout(0.5), nn.Linear(8, 2))
    model[3].eval()
    modes = [m.training for m in model.modules()]
    state = torch.get_rng_state()
    lsuv_init(model, model[2], model[0], torch.rand(32, 4))
    assert [m.training for m in model.modules()] == modes
    assert torch.equal(model[1].running_mean, torch.zeros(8))  # type: ignore[arg-type]
    assert not any(m._forward_hooks for m in model.modules())
    assert all(p.grad is None and p.requires_grad and p.is_leaf for p in model.parameters())
    torch.rand(32, 4)
    torch.set_rng_state(state)


def zeros(model: nn.Sequential) -> Tensor:
    for p in model.parameters():
        nn.init.zeros_(p)
    return torch.rand(8, 4)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (zeros, "does not vary"),
        (lambda model: torch.full((8, 4), torch.nan), "not finite"),
        (lambda model: torch.rand(8, 4) * torch.inf, "not finite"),
        (lambda model: torch.rand(1, 4)[:0], "at least two"),
    ],
)
def test_lsuv_ends_with_a_clear_error_and_the_weights_as_they_were(
    spoil: Callable[[nn.Sequential], Tensor], words: str
) -> None:
    model = nn.Sequential(nn.Linear(4, 3), GeneralRelu(0.1, 0.4))
    x = spoil(model)
    before = [p.detach().clone() for p in model.parameters()]
    with pytest.raises(LearnerError, match=words):
        lsuv_init(model, model[1], model[0], x)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert not model[1]._forward_hooks


def test_lsuv_gives_up_on_a_goal_that_cannot_be_met() -> None:
    """A sigmoid's standard deviation stays below 0.5 whatever the weights."""
    model = nn.Sequential(nn.Linear(4, 3), nn.Sigmoid())
    before = [p.detach().clone() for p in model.parameters()]
    with pytest.raises(LearnerError, match=r"standard deviation of 0\.\d+ in 20 steps"):
        lsuv_init(model, model[1], model[0], torch.randn(50, 4), max_steps=20)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_lsuv_names_a_wrong_module() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    with pytest.raises(LearnerError, match="did not run"):
        lsuv_init(model, nn.ReLU(), model[0], torch.rand(8, 4))
    with pytest.raises(LearnerError, match="ReLU has none"):
        lsuv_init(model, model[1], model[1], torch.rand(8, 4))
    lstm = nn.LSTM(4, 3)
    with pytest.raises(LearnerError, match="of type tuple"):
        lsuv_init(lstm, lstm, nn.Linear(1, 1), torch.rand(8, 4))
