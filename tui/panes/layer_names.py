"""Names of layers in few cells: what all have in common goes first, what tells them apart stays."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile

from rich.cells import cell_len

from miniai.run.events import Layer
from tui.text import clean, cut, fit

__all__ = ["full_name", "middle", "names"]

KINDS = {
    "AdaptiveAvgPool": "Pool", "AdaptiveMaxPool": "Pool", "AvgPool": "Pool", "MaxPool": "Pool", "BatchNorm": "BN",
    "ConvTranspose": "ConvT", "Embedding": "Emb", "GeneralRelu": "GReLU", "GroupNorm": "GN", "InstanceNorm": "IN",
    "LayerNorm": "LN", "LazyConv": "Conv", "LazyLinear": "Linear", "LeakyReLU": "LReLU", "MultiheadAttention": "Attn",
    "NonDynamicallyQuantizableLinear": "Linear", "Softmax": "Softm", "SyncBatchNorm": "BN", "Upsample": "Up",
}  # fmt: skip
"""Kinds with long names, without the number of their dimensions."""
LETTERS = (5, 4, 3, 2, 1)
"""Letters that are left of each part of a path, as many as fit."""
Row = tuple[str, str, str]
"""Path, kind, shape."""
KEPT = 4
"""Lists of names that are kept: a model may have hundreds, and every frame asks for them."""
_kept: dict[tuple[int, int], tuple[Sequence[Layer], list[str]]] = {}
"""By the identity of the layers, which nobody changes and which stay alive in here, and by the limit."""


def full_name(layer: Layer, width: int) -> str:
    """Path, kind and shape in at most `width` cells; the path is the last to be cut."""
    path, kind = clean(layer.name, 200), clean(layer.kind, 60)
    long = f"{path} {kind}".rstrip()
    for text in (f"{long} {clean(layer.shape, 20)}".rstrip(), long, f"{path} {_short(kind)}".rstrip(), path):
        if cell_len(text) <= width:
            return text
    return middle(path, width)


def _short(kind: str) -> str:
    """A kind without the number of its dimensions, and as people call it."""
    kind = re.sub(r"\dd$", "", kind)
    return KINDS.get(kind, kind)


def middle(text: str, width: int) -> str:
    """`text` in at most `width` cells; what is too much goes from before its end, where names differ least."""
    if cell_len(text) <= width or width < 3:
        return cut(text, width)
    head = cut_off(text, (width - 1) // 3)
    tail = text[-2 * width :]  # no more of it could fit, but for marks that take no cell of their own
    while tail and cell_len(f"{head}…{tail}") > width:
        tail = tail[1:]
    return f"{head}…{tail}" if tail else cut(text, width)


def cut_off(text: str, width: int) -> str:
    """The beginning in at most `width` cells, without a sign."""
    text = text[: 2 * width]
    while cell_len(text) > width:
        text = text[:-1]
    return text


def names(layers: Sequence[Layer], limit: int) -> list[str]:
    """Path, kind and shape of every layer in columns of at most `limit` cells; all as wide as the longest, plus 1.

    Where that is too much the kinds get shorter, then the shapes go, then the paths get shorter; those that differ go
    on to differ, as far as there is room.
    """
    key = id(layers), limit
    if key not in _kept:
        rows = [(clean(x.name, 200), clean(x.kind, 60), clean(x.shape, 20)) for x in layers]
        words = next((w for w in map(_words, _shorter(rows, limit)) if max(map(cell_len, w), default=0) <= limit), [])
        wide = max(map(cell_len, words), default=0) + 1
        while len(_kept) >= KEPT:
            del _kept[next(iter(_kept))]
        _kept[key] = layers, [fit(word, wide) for word in words]
    return _kept[key][1]


def _words(rows: Sequence[Row]) -> list[str]:
    """A line for each row, its parts in columns."""
    first, second = (max((cell_len(row[i]) for row in rows), default=0) for i in (0, 1))
    return [f"{fit(a, first)} {fit(b, second)} {c}".rstrip() for a, b, c in rows]


def _shorter(rows: list[Row], limit: int) -> Iterator[list[Row]]:
    """The rows, shorter and shorter; the last ones fit."""
    yield rows
    rows = [(path, re.sub(r"\dd$", "", kind), shape) for path, kind, shape in _without_prefix(rows)]
    yield rows
    rows = [(path, _short(kind), shape) for path, kind, shape in rows]
    yield rows
    rows = [(path, kind, "") for path, kind, _ in rows]
    yield rows
    distinct = len({path for path, _, _ in rows})
    for letters in LETTERS:
        short = [(_initials(path, letters), kind, "") for path, kind, _ in rows]
        if len({path for path, _, _ in short}) == distinct:
            rows = short
            yield rows
    kinds = max((cell_len(kind) for _, kind, _ in rows), default=0)
    room = max(limit - 1 - min(kinds, max(limit // 3, 4)), 1)
    rows = [(middle(path, room), kind, "") for path, kind, _ in rows]
    room = max(limit - 1 - max((cell_len(path) for path, _, _ in rows), default=0), 0)
    rows = [(path, cut(kind, room), "") for path, kind, _ in rows]
    yield rows
    yield [(cut(path, limit), "", "") for path, _, _ in rows]


def _without_prefix(rows: list[Row]) -> list[Row]:
    """Without the parts of the paths with which all of them begin."""
    parts = [path.split(".") for path, _, _ in rows]
    n = sum(1 for _ in takewhile(lambda same: len(set(same)) == 1, zip(*(p[:-1] for p in parts), strict=False)))
    if len(rows) < 2:
        n = 0
    return [(".".join(p[n:]), kind, shape) for p, (_, kind, shape) in zip(parts, rows, strict=True)]


def _initials(path: str, letters: int) -> str:
    """A path whose parts have at most so many letters; numbers stay."""
    long = re.compile(rf"^([^\W\d]{{{letters}}})[^\W\d]+")
    return ".".join(long.sub(lambda found: found.group(1).rstrip("_"), part) for part in path.split("."))
