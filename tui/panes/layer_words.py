"""Words and numbers for the layers: what the statistics are called, and their values in few cells."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.cells import cell_len

from miniai.run.events import Layer
from tui.text import clean, count, cut, fit

__all__ = ["SHORT", "TITLES", "names", "shown", "span", "value_word"]

TITLES = {
    "mean": "mean of activations",
    "std": "standard deviation of activations",
    "near_zero": "share of activations near zero",
    "grad": "gradient norm",
    "ratio": "update-to-weight ratio",
}
"""What a pane's title says of each statistic, in the order of `m`."""
SHORT = {"mean": "mean", "std": "deviation", "near_zero": "near zero", "grad": "gradient", "ratio": "update/weight"}


def shown(statistic: str, value: float) -> str:
    """A value in at most 7 cells; a dash where there is none (infinity)."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "-"
    if statistic == "near_zero":
        return f"{100 * value:.0f} %"
    size = abs(value)
    if statistic in ("grad", "ratio"):
        return f"{value:.1e}" if size >= 1000 or 0 < size < 0.001 else f"{value:.2g}" if size < 0.01 else f"{value:.3f}"
    return f"{value:.2f}" if size < 1000 else f"{value:.0e}"


def value_word(statistic: str, value: float) -> str:
    """Name and value, to be read in a line."""
    if math.isinf(value):
        return f"no {SHORT[statistic]} here"
    long = f"{value:.4g}" if math.isfinite(value) and statistic != "near_zero" else shown(statistic, value)
    return f"{SHORT[statistic]} {long}"


def span(first: int, last: int, n: int) -> str:
    """Which measurements a column holds."""
    return f"step {count(last)}" if n <= 1 else f"steps {count(first)} to {count(last)}, mean of {count(n)}"


KEPT = 4
"""Lists of names that are kept: a model may have hundreds, and every frame asks for them."""
_kept: dict[tuple[int, int], tuple[Sequence[Layer], list[str]]] = {}
"""By the identity of the layers, which nobody changes and which stay alive in here, and by the limit."""


def names(layers: Sequence[Layer], limit: int) -> list[str]:
    """Path, kind and shape of every layer in columns, each cut to `limit` cells; all as wide as the longest, plus 1."""
    key = id(layers), limit
    if key not in _kept:
        rows = [(clean(x.name, 40), clean(x.kind, 30), clean(x.shape, 20)) for x in layers]
        first, second = (max((len(r[i]) for r in rows), default=0) for i in (0, 1))
        words = [cut(f"{a:<{first}} {b:<{second}} {c}".rstrip(), limit) for a, b, c in rows]
        wide = max(map(cell_len, words), default=0) + 1
        while len(_kept) >= KEPT:
            del _kept[next(iter(_kept))]
        _kept[key] = layers, [fit(word, wide) for word in words]
    return _kept[key][1]
