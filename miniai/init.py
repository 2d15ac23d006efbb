"""Initialisation: an activation with a mean of zero, weights of the right size, and nets made of both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from miniai.callbacks.transform import BatchTransformCB
from miniai.cleaning import clean_ipython_hist, clean_mem, clean_tb
from miniai.conv import def_device
from miniai.lsuv import lsuv_init
from miniai.optional import need

__all__ = [
    "BatchTransformCB", "GeneralRelu", "clean_ipython_hist", "clean_mem", "clean_tb", "conv", "get_model",
    "init_weights", "lsuv_init", "plot_func",
]  # fmt: skip

Act = Callable[[], nn.Module]
Norm = Callable[[int], nn.Module]

_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)


class GeneralRelu(nn.Module):
    """ReLU, or leaky ReLU with slope `leak`; then `sub` is subtracted and what is above `maxv` becomes `maxv`.

    With `leak=0.1, sub=0.4`, unit normal inputs come out with a mean near 0. None leaves the part out.

    >>> GeneralRelu(leak=0.1, sub=0.4, maxv=6.0)(torch.tensor([-1.0, 1.0, 9.0]))
    tensor([-0.5000,  0.6000,  6.0000])
    """

    def __init__(self, leak: float | None = None, sub: float | None = None, maxv: float | None = None) -> None:
        super().__init__()
        self.leak, self.sub, self.maxv = leak, sub, maxv

    def forward(self, x: Tensor) -> Tensor:
        """Any shape in, the same out; `x` is not changed."""
        x = F.relu(x) if self.leak is None else F.leaky_relu(x, self.leak)
        if self.sub is not None:
            x = x - self.sub
        return x if self.maxv is None else x.clamp(max=self.maxv)

    def extra_repr(self) -> str:
        """What was given."""
        given = {"leak": self.leak, "sub": self.sub, "maxv": self.maxv}
        return ", ".join(f"{name}={value:g}" for name, value in given.items() if value is not None)


def plot_func(f: Callable[[Tensor], Tensor], start: float = -5.0, end: float = 5.0, steps: int = 100) -> None:
    """Draw `f`, a function of tensors, from `start` to `end` at `steps` points into matplotlib's current axes."""
    x = torch.linspace(start, end, steps)
    with torch.no_grad():
        y = f(x)
    axes = need("matplotlib.pyplot", "notebook").gca()
    axes.plot(x.numpy(), y.numpy())
    axes.grid(True, which="both")
    axes.axhline(color="black", linewidth=0.7)
    axes.axvline(color="black", linewidth=0.7)


def init_weights(m: nn.Module, leaky: float = 0.0) -> None:
    """Kaiming-normal weights for a convolution (1d to 3d) or linear layer; any other module stays as it is.

    He et al., "Delving deep into rectifiers" (2015): std = sqrt(2 / ((1 + leaky^2) * fan_in)), where `leaky` is the
    slope of the activation below 0. Biases stay as they are. For a whole model: `model.apply(init_weights)`.
    """
    if isinstance(m, (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)):
        nn.init.kaiming_normal_(m.weight, a=leaky)


def conv(
    ni: int,
    nf: int,
    ks: int = 3,
    stride: int = 2,
    act: Act | None = nn.ReLU,
    norm: Norm | None = None,
    bias: bool | None = None,
) -> nn.Sequential:
    """A 2d convolution, then `norm(nf)`, then `act()`; `norm` and `act` may be None.

    (batch, ni, height, width) -> (batch, nf, ceil(height / stride), ceil(width / stride)) for odd `ks`. With
    `bias=None` the convolution has a bias unless a batch norm follows, whose own makes it idle.
    """
    normalising = norm(nf) if norm else None
    if bias is None:
        bias = not isinstance(normalising, _BATCH_NORMS)
    layers: list[nn.Module] = [nn.Conv2d(ni, nf, ks, stride=stride, padding=ks // 2, bias=bias)]
    if normalising is not None:
        layers.append(normalising)
    if act:
        layers.append(act())
    return nn.Sequential(*layers)


def get_model(act: Act = nn.ReLU, nfs: Sequence[int] | None = None, norm: Norm | None = None) -> nn.Sequential:
    """The course's convolutional net for ten classes of 28x28 pixels, on the default device.

    `nfs` are the channels, those of the image first, [1, 8, 16, 32, 64] by default; each layer halves the image, and
    a last convolution without `norm` and `act` gives (batch, 10) if one pixel is left.
    """
    widths = [1, 8, 16, 32, 64] if nfs is None else list(nfs)
    layers = [conv(ni, nf, act=act, norm=norm) for ni, nf in pairwise(widths)]
    return nn.Sequential(*layers, conv(widths[-1], 10, act=None, bias=True), nn.Flatten()).to(def_device)
