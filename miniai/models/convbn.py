"""The convolutional net, initialised for its activation and with batch norm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miniai.models import Defaults

if TYPE_CHECKING:
    from torch import nn

__all__ = ["DEFAULTS", "build"]

DEFAULTS = Defaults(lr=0.06, bs=512, opt="adamw", sched="onecycle")

WIDTHS = (8, 16, 32, 64)
"""Channels after each hidden layer."""


def build(shape: tuple[int, int, int], classes: int) -> nn.Sequential:
    """(batch, channels, height, width) -> (batch, classes) by 3x3 convolutions of stride 2, for images of any size.

    Up to 32 pixels are brought down to one; of larger images the mean over the last layer's pixels is taken. 30,274
    parameters for ten classes of grey pixels.
    """
    from functools import partial
    from itertools import pairwise

    from torch import nn

    from miniai.init import conv, init_weights
    from miniai.resnet import LEAK, act_gr

    layers = [conv(ni, nf, act=act_gr, norm=nn.BatchNorm2d) for ni, nf in pairwise((shape[0], *WIDTHS))]
    last = conv(WIDTHS[-1], classes, act=None)
    model = nn.Sequential(*layers, last, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return model.apply(partial(init_weights, leaky=LEAK))
