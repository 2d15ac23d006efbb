"""A plain convolutional net: every layer halves the image until one pixel is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miniai.errors import UsageError
from miniai.models import Defaults

if TYPE_CHECKING:
    from torch import nn

__all__ = ["DEFAULTS", "build"]

DEFAULTS = Defaults(lr=0.01, bs=512, opt="adamw")

WIDTHS = (8, 16, 32, 64, 128)
"""Channels after each hidden layer; images of up to 32 pixels use the first four."""
LARGEST = 64
"""The longest side, in pixels, that len(WIDTHS) + 1 halvings bring down to one."""


def build(shape: tuple[int, int, int], classes: int) -> nn.Sequential:
    """(batch, channels, height, width) -> (batch, classes) by 3x3 convolutions of stride 2.

    30,154 parameters for ten classes of 28x28 grey pixels. Raises `UsageError` for images above 64 pixels: the
    last layer would leave more than one pixel, and Flatten more than one number a class.
    """
    from torch import nn

    channels, height, width = shape
    if max(height, width) > LARGEST:
        raise UsageError(
            f"the model conv takes images of up to {LARGEST}x{LARGEST} pixels, these have {height}x{width}: "
            "take the model mlp, or scale the images down"
        )
    # A layer of stride 2 maps n pixels to ceil(n / 2): 32 need five layers to come down to 1, 64 need six.
    hidden = WIDTHS if max(height, width) > LARGEST // 2 else WIDTHS[:-1]
    blocks: list[nn.Module] = []
    for ni, nf in zip((channels, *hidden), hidden, strict=False):
        blocks.append(nn.Sequential(nn.Conv2d(ni, nf, 3, stride=2, padding=1), nn.ReLU()))
    last = nn.Conv2d(hidden[-1], classes, 3, stride=2, padding=1)
    return nn.Sequential(*blocks, last, nn.Flatten())
