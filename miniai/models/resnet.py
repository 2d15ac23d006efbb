"""A residual net with dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from miniai.models import Defaults

if TYPE_CHECKING:
    from torch import nn

__all__ = ["DEFAULTS", "build"]

DEFAULTS = Defaults(lr=0.01, bs=256, opt="adamw", sched="onecycle")

WIDTHS = (16, 32, 64, 128, 256)
"""Channels after each block; every block but the first halves the image."""
DROP = 0.1
"""Rate of the dropout."""


def build(shape: tuple[int, int, int], classes: int) -> nn.Sequential:
    """(batch, channels, height, width) -> (batch, classes), for images of any size; see `make_resnet`."""
    from miniai.resnet import make_resnet

    return make_resnet(shape[0], classes, WIDTHS, drop=DROP)
