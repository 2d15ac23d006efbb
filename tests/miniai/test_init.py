"""GeneralRelu, the weights' first values, and the layers and nets built of them."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import matplotlib as mpl
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from miniai import conv as conv_module
from miniai import init
from miniai.errors import MiniaiError
from miniai.init import GeneralRelu, conv, get_model, init_weights

maybe = st.none() | st.floats(0.0, 0.9)


@settings(max_examples=50, deadline=None)
@given(maybe, maybe, st.none() | st.floats(0.1, 3), st.integers(0, 2**31))
def test_general_relu_is_its_formula_with_right_gradients_and_leaves_its_input(
    leak: float | None, sub: float | None, maxv: float | None, seed: int
) -> None:
    x = torch.randn(3, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    act = GeneralRelu(leak, sub, maxv)
    before = x.clone()
    wanted = torch.where(x > 0, x, x * (leak or 0.0)) - (sub or 0.0)
    wanted = wanted if maxv is None else torch.minimum(wanted, torch.tensor(maxv, dtype=torch.float64))
    torch.testing.assert_close(act(x), wanted)
    assert torch.equal(x, before)
    # away from the corners, where there is no gradient to check
    apart = (x.abs() > 1e-3) & ((wanted - maxv).abs() > 1e-3 if maxv is not None else True)
    smooth = torch.where(apart, x, torch.full_like(x, -0.5)).requires_grad_()
    assert torch.autograd.gradcheck(act, (smooth * 1,))


def test_general_relu_may_follow_what_autograd_needs() -> None:
    """The output of sigmoid is kept for its gradient: changing it in place would be an error, or a wrong gradient."""
    x = torch.linspace(-2, 2, 9, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: GeneralRelu(0.1, 0.4, 0.3)(torch.sigmoid(x)), (x,))
    assert repr(GeneralRelu(0.1, 0.4)) == "GeneralRelu(leak=0.1, sub=0.4)"


def test_the_courses_activation_keeps_a_mean_near_zero() -> None:
    x = torch.randn(100_000, generator=torch.Generator().manual_seed(0))
    assert abs(GeneralRelu(0.1, 0.4)(x).mean().item()) < 0.05
    assert F.relu(x).mean().item() > 0.35


@pytest.mark.parametrize(
    "layer", [nn.Conv1d(64, 64, 3), nn.Conv2d(32, 64, 3), nn.Conv3d(16, 32, 3), nn.Linear(300, 200)], ids=str
)
@pytest.mark.parametrize("leaky", [0.0, 0.1, 1.0])
def test_weights_have_he_s_standard_deviation(layer: Any, leaky: float) -> None:
    bias = layer.bias.clone()
    torch.manual_seed(0)
    init_weights(layer, leaky)
    fan_in = layer.weight[0].numel()
    assert layer.weight.std().item() == pytest.approx((2 / (1 + leaky**2) / fan_in) ** 0.5, rel=0.05)
    assert torch.equal(layer.bias, bias)


def test_other_modules_keep_their_weights() -> None:
    model = nn.Sequential(nn.BatchNorm2d(3), nn.LayerNorm(4), nn.Embedding(5, 2))
    before = [p.clone() for p in model.parameters()]
    model.apply(init_weights)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


@pytest.mark.parametrize(
    ("norm", "given", "has"),
    [
        (None, None, True),
        (nn.BatchNorm2d, None, False),
        (partial(nn.BatchNorm2d, eps=1e-3), None, False),
        (nn.BatchNorm2d, True, True),
        (partial(nn.GroupNorm, 2), None, True),
        (None, False, False),
    ],
)
def test_a_convolution_before_a_batch_norm_has_no_bias(norm: Any, given: bool | None, has: bool) -> None:
    layers = conv(3, 8, norm=norm, bias=given)
    assert isinstance(layers[0], nn.Conv2d)
    assert (layers[0].bias is not None) == has
    assert len(layers) == (2 if norm is None else 3)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([1, 3, 5]), st.integers(1, 3), st.integers(1, 17), st.integers(1, 17), st.booleans())
def test_convolutions_divide_the_image_by_the_stride(ks: int, stride: int, high: int, wide: int, act: bool) -> None:
    x = torch.rand(2, 3, high, wide)
    plain = conv_module.conv(3, 4, ks, stride, act)
    for layer in (conv(3, 4, ks, stride, nn.ReLU if act else None), plain):
        assert layer(x).shape == (2, 4, -(-high // stride), -(-wide // stride))
    assert isinstance(plain, nn.Conv2d) != act
    assert not act or plain(x).min() >= 0


def test_the_courses_net() -> None:
    model = get_model()
    assert sum(p.numel() for p in model.parameters()) == 30_154
    assert model(torch.rand(2, 1, 28, 28, device=conv_module.def_device)).shape == (2, 10)
    normed = get_model(partial(GeneralRelu, 0.1), nfs=[3, 4, 8, 8, 8], norm=nn.BatchNorm2d)
    kinds = [type(m) for m in normed.modules() if not list(m.children())]
    assert kinds == [nn.Conv2d, nn.BatchNorm2d, GeneralRelu] * 4 + [nn.Conv2d, nn.Flatten]
    last = [m for m in normed.modules() if isinstance(m, nn.Conv2d)][-1]
    assert last.bias is not None
    assert normed(torch.rand(2, 3, 32, 32, device=conv_module.def_device)).shape == (2, 10)


def test_plot_func_draws_the_function_and_its_axes() -> None:
    mpl.use("Agg")
    from matplotlib import pyplot

    pyplot.figure()
    init.plot_func(GeneralRelu(0.1, 0.4), -3, 3, steps=13)
    curve, *axes = pyplot.gca().lines
    pyplot.close()
    x = torch.linspace(-3, 3, 13)
    assert torch.equal(torch.tensor(curve.get_xdata()), x)
    torch.testing.assert_close(torch.tensor(curve.get_ydata()), GeneralRelu(0.1, 0.4)(x))
    assert len(axes) == 2


def test_without_matplotlib_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(MiniaiError, match=r"miniai-tui\[notebook\]"):
        init.plot_func(torch.relu)
