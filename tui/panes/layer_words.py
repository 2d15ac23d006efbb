"""Words and numbers for the layers: what the statistics are called, and their values in few cells."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from miniai.run.events import Layer
from tui.text import clean, count, cut

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


def names(layers: Sequence[Layer], limit: int) -> list[str]:
    """Path, kind and shape of every layer in columns, each cut to `limit` cells."""
    return _names(tuple((x.name, x.kind, x.shape) for x in layers), limit)


@lru_cache(maxsize=8)
def _names(layers: tuple[tuple[str, str, str], ...], limit: int) -> list[str]:
    rows = [(clean(name, 40), clean(kind, 30), clean(shape, 20)) for name, kind, shape in layers]
    first, second = (max(len(r[i]) for r in rows) for i in (0, 1))
    return [cut(f"{a:<{first}} {b:<{second}} {c}".rstrip(), limit) for a, b, c in rows]
