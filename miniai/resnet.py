"""Residual nets: blocks whose input also takes a short way round."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from miniai.errors import UsageError
from miniai.init import Act, GeneralRelu, Norm, conv, init_weights

__all__ = ["ResBlock", "act_gr", "make_resnet"]

LEAK = 0.1

act_gr = partial(GeneralRelu, leak=LEAK, sub=0.4)
"""Makes the activation whose mean is about 0 for unit normal inputs."""


class ResBlock(nn.Module):
    """Two convolutions, added to the input, then `act()`. He et al., "Deep residual learning" (2015).

    (batch, ni, height, width) -> (batch, nf, ceil(height / stride), ceil(width / stride)). On the short way, the
    input is averaged over `stride` x `stride` pixels where `stride` is not 1 (He, T. et al., "Bag of tricks", 2018)
    and goes through a 1x1 convolution where the channels differ. The last norm's weight starts at 0, so that the
    block begins as its short way alone (Goyal et al., "Accurate, large minibatch SGD", 2017).

    UsageError for an even `ks`: the two ways would not be of the same size.

    >>> import torch
    >>> ResBlock(8, 16, stride=2)(torch.zeros(4, 8, 28, 28)).shape
    torch.Size([4, 16, 14, 14])
    """

    def __init__(
        self, ni: int, nf: int, stride: int = 1, ks: int = 3, act: Act = act_gr, norm: Norm | None = None
    ) -> None:
        super().__init__()
        if ks % 2 == 0:
            raise UsageError(f"a ResBlock needs an odd kernel size, not {ks}: its two ways would not be of one size")
        last = conv(nf, nf, ks, stride=stride, act=None, norm=norm)
        if norm is not None and isinstance(weight := getattr(last[-1], "weight", None), nn.Parameter):
            nn.init.zeros_(weight)
        self.convs = nn.Sequential(conv(ni, nf, ks, stride=1, act=act, norm=norm), last)
        self.pool = nn.Identity() if stride == 1 else nn.AvgPool2d(stride, ceil_mode=True)
        self.idconv = nn.Identity() if ni == nf else conv(ni, nf, ks=1, stride=1, act=None)
        self.act = act()

    def forward(self, x: Tensor) -> Tensor:
        """Both ways added."""
        out: Tensor = self.act(self.convs(x) + self.idconv(self.pool(x)))
        return out


def make_resnet(
    channels: int, classes: int, widths: Sequence[int], stride: int = 1, ks: int = 5, drop: float = 0.0
) -> nn.Sequential:
    """A first ResBlock (`stride`, `ks`), one of stride 2 to each further width, the mean of all pixels, a linear layer.

    (batch, channels, height, width) -> (batch, classes) for images of any size. Dropout of rate `drop`: of whole
    channels after the first block, of single features before the linear layer. New weights from torch's generator.
    """
    first = ResBlock(channels, widths[0], stride=stride, ks=ks, norm=nn.BatchNorm2d)
    blocks = [ResBlock(ni, nf, stride=2, norm=nn.BatchNorm2d) for ni, nf in pairwise(widths)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(drop), nn.Linear(widths[-1], classes)]
    model = nn.Sequential(first, nn.Dropout2d(drop), *blocks, *head)
    model.apply(partial(init_weights, leaky=LEAK))
    # the pixels' channels side by side in memory: a quarter less time for a step on a CPU, and tensor cores like it
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's stubs do not know it
    return model
