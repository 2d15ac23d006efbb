"""Pictures as half blocks: numpy arrays to lines of cells, two pixels in each."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from textual.strip import Strip

from tui.colors import style
from tui.ramps import RGB

__all__ = ["half_blocks", "resize"]

SHADES = 8
"""Steps between two colour values that are told apart: fewer colours, longer runs, fewer bytes."""


@lru_cache(maxsize=64)
def _weights(source: int, target: int) -> NDArray[np.float32]:
    """(target, source) matrix that averages areas; rows sum to 1. Enlarging repeats pixels."""
    edges = np.linspace(0, source, target + 1)
    low, high = edges[:-1, None], edges[1:, None]
    pixel = np.arange(source)[None]
    share = np.clip(np.minimum(high, pixel + 1) - np.maximum(low, pixel), 0, None)
    weights: NDArray[np.float32] = (share / share.sum(1, keepdims=True)).astype(np.float32)
    return weights


def resize(pixels: NDArray[np.uint8], height: int, width: int, shades: int = SHADES) -> NDArray[np.uint8]:
    """(channels, h, w) to (height, width, 3), averaging areas; one channel is grey, four lose their alpha.

    Values are rounded to multiples of `shades`.
    """
    down, across = _weights(pixels.shape[1], height), _weights(pixels.shape[2], width)
    small = np.einsum("yh,chw,xw->yxc", down, pixels.astype(np.float32), across, optimize=True)
    small = small[..., :3] if small.shape[2] >= 3 else np.repeat(small[..., :1], 3, axis=2)
    stepped = np.rint(small / shades) * shades
    picture: NDArray[np.uint8] = np.minimum(stepped, 255).astype(np.uint8)
    return picture


def half_blocks(image: NDArray[np.uint8]) -> list[Strip]:
    """(2 * rows, columns, 3) to `rows` strips; a cell whose halves are equal is a space, equal cells are joined."""
    return [_row(image[y], image[y + 1]) for y in range(0, image.shape[0] - 1, 2)]


def _row(upper: NDArray[np.uint8], lower: NDArray[np.uint8]) -> Strip:
    segments: list[Segment] = []
    pairs = zip(map(tuple, upper.tolist()), map(tuple, lower.tolist()), strict=True)
    last: tuple[RGB, RGB] | None = None
    text = ""
    for pair in pairs:
        if pair != last and last is not None:
            segments.append(_segment(text, last))
            text = ""
        text, last = text + ("▀" if pair[0] != pair[1] else " "), pair
    if last is not None:
        segments.append(_segment(text, last))
    return Strip(segments, upper.shape[0])


def _segment(text: str, pair: tuple[RGB, RGB]) -> Segment:
    upper, lower = pair
    return Segment(text, style(bg=lower) if upper == lower else style(upper, lower))
