"""Sixel: a picture as text, six rows of pixels in a character (DEC's manual of the VT330 and VT340, chapter 14).

Colours are in percent, as the format has them: 101 steps of each of red, green and blue.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["BAND", "encode", "percent", "quantised"]

BAND = 6
"""Rows of pixels in a character."""
_STEPS, _CUT = 101, 64
Bytes: TypeAlias = NDArray[np.uint8]
Numbers: TypeAlias = NDArray[np.int64]


def encode(image: Bytes, colors: Bytes) -> str:
    """The escape code that draws `image` (height, width) of numbers of `colors` (n, 3), which are in percent.

    Every pixel is drawn. Where columns repeat, as they do in a picture that was enlarged, the cost is that of one.
    """
    height, width = image.shape
    starts = np.flatnonzero(np.r_[True, (image[:, 1:] != image[:, :-1]).any(0)])
    thin = image[:, starts]
    used = np.flatnonzero(np.bincount(thin.ravel(), minlength=256))
    number = np.zeros(256, np.int16)
    number[used] = np.arange(len(used))
    defined = "".join(f"#{i};2;{r};{g};{b}" for i, (r, g, b) in enumerate(colors[used].tolist()))
    lines, first, last, keys = _runs(_passes(number[thin]))
    edges = np.r_[starts, width]
    runs = zip(lines.tolist(), keys.tolist(), (edges[last] - edges[first]).tolist(), strict=True)
    return f'\x1bP0;1;0q"1;1;{width};{height}{defined}{"".join(_written(runs))}\x1b\\'


def _passes(image: NDArray[np.int16]) -> NDArray[np.int16]:
    """(bands, 6, columns): what to draw in each of a band's passes, color * 64 + bits; -1 is nothing.

    A column's first colour is drawn in the first pass, its second in the next: no pass ever steps back.
    """
    short = -len(image) % BAND
    bands = np.pad(image, ((0, short), (0, 0)), constant_values=-1).reshape(-1, BAND, image.shape[1])
    passes = np.full(bands.shape, -1, np.int16)
    depth = np.zeros((len(bands), image.shape[1]), np.int16)
    for row in range(BAND):
        same = bands == bands[:, row : row + 1]
        fresh = ~same[:, :row].any(1) & (bands[:, row] >= 0)
        bits = (same * (1 << np.arange(BAND, dtype=np.int16))[:, None]).sum(1, dtype=np.int16)
        at, column = np.nonzero(fresh)
        passes[at, depth[fresh], column] = (bands[:, row] * 64 + bits)[fresh]
        depth += fresh
    return passes


def _runs(passes: NDArray[np.int16]) -> tuple[Numbers, Numbers, Numbers, NDArray[np.int16]]:
    """Of each stretch of equal columns: its line (band * 6 + pass), first column, the one after its last, its key.

    Nothing at the end of a line is left out.
    """
    lines = passes.reshape(-1, passes.shape[2])
    starts = np.ones(lines.shape, bool)
    starts[:, 1:] = lines[:, 1:] != lines[:, :-1]
    at, first = np.nonzero(starts)
    keys = lines[at, first]
    last = np.r_[first[1:], 0]
    last[last == 0] = lines.shape[1]
    kept = (keys >= 0) | (last < lines.shape[1])
    return at[kept], first[kept], last[kept], keys[kept]


def _written(runs: Iterable[tuple[int, int, int]]) -> list[str]:
    """Runs (line, key, length) as text."""
    parts: list[str] = []
    line, color = 0, -1
    for at, key, length in runs:
        if at != line:
            parts.append("-" * (at // BAND - line // BAND) or "$")
            line = at
        bits = 0
        if key >= 0:
            bits = key & 63
            if key >> 6 != color:
                color = key >> 6
                parts.append(f"#{color}")
        sign = chr(63 + bits)
        parts.append(sign * length if length < 4 else f"!{length}{sign}")
    return parts


def percent(values: Numbers) -> Numbers:
    """0 to 255 as 0 to 100."""
    return (values * 100 + 127) // 255


def quantised(pictures: list[Bytes], most: int) -> tuple[list[Bytes], Bytes]:
    """Pictures (height, width, 3) as numbers (height, width) of at most `most` (<= 256) colours (n, 3) in percent.

    Exact where they have no more colours; else at most 64 of them, by median cut (P. Heckbert, "Color image
    quantization for frame buffer display", 1982).
    """
    flat = np.concatenate([picture.reshape(-1, 3) for picture in pictures]).astype(np.int64)
    red, green, blue = percent(flat).T
    codes = (red * _STEPS + green) * _STEPS + blue
    known, where, often = np.unique(codes, return_inverse=True, return_counts=True)
    colors = np.stack([known // _STEPS**2, known // _STEPS % _STEPS, known % _STEPS], 1)
    if len(known) > most:
        boxes = _boxes(colors, often, min(most, _CUT))
        sums = np.stack([np.bincount(boxes, often * colors[:, i]) for i in range(3)], 1)
        colors = np.rint(sums / np.bincount(boxes, often)[:, None]).astype(np.int64)
        where = boxes[where]
    edges = np.cumsum([picture.shape[0] * picture.shape[1] for picture in pictures])[:-1]
    parts = np.split(where.ravel().astype(np.uint8), edges)
    shaped = [part.reshape(picture.shape[:2]) for part, picture in zip(parts, pictures, strict=True)]
    return shaped, colors.astype(np.uint8)


def _boxes(colors: Numbers, often: Numbers, most: int) -> Numbers:
    """The box of each colour (n, 3), below `most`: all are cut in two, across their longest side, again and again.

    Half of a box's pixels, of which a colour has so `often`, are on each side.
    """
    box = np.zeros(len(colors), np.int64)
    for _ in range(most.bit_length() - 1):
        order = np.argsort(box, kind="stable")
        starts = np.flatnonzero(np.r_[True, np.diff(box[order]) > 0])
        sides = np.maximum.reduceat(colors[order], starts) - np.minimum.reduceat(colors[order], starts)
        along = colors[np.arange(len(colors)), sides.argmax(1)[box]]
        order = np.lexsort((along, box))
        weights, mine = often[order], box[order]
        totals = np.add.reduceat(weights, starts)
        middle = np.cumsum(weights) - weights / 2 - (np.cumsum(totals) - totals)[mine]
        _, box[order] = np.unique(mine * 2 + (middle > totals[mine] / 2), return_inverse=True)
    return box
