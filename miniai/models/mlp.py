"""A net of two linear layers, the course's first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miniai.models import Defaults

if TYPE_CHECKING:
    from torch import nn

__all__ = ["DEFAULTS", "build"]

DEFAULTS = Defaults(lr=0.2, bs=1024, opt="sgd")

HIDDEN = 50
"""Units of the hidden layer."""


def build(shape: tuple[int, int, int], classes: int) -> nn.Sequential:
    """(batch, channels, height, width) -> (batch, classes), through one hidden layer."""
    from torch import nn

    channels, height, width = shape
    pixels = channels * height * width
    return nn.Sequential(nn.Flatten(), nn.Linear(pixels, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, classes))
