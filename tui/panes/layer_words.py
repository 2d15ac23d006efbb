"""Words and numbers for the layers: what the statistics are called, and their values in few cells."""

from __future__ import annotations

import math

from tui.text import count

__all__ = ["SHORT", "TITLES", "shown", "span", "value_word"]

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
        if 0 < size < 0.001 or size >= 999.9995:
            return f"{value:.{int(1e-99 < size < 1e99)}e}"  # an exponent of three digits takes the room of a decimal
        return f"{value:.2g}" if size < 0.01 else f"{value:.3f}"
    return f"{value if size >= 0.005 else 0.0:.2f}" if size < 999.995 else f"{value:.0e}"


def value_word(statistic: str, value: float) -> str:
    """Name and value, to be read in a line."""
    if math.isinf(value):
        return f"no {SHORT[statistic]} here"
    long = f"{value:.4g}" if math.isfinite(value) and statistic != "near_zero" else shown(statistic, value)
    return f"{SHORT[statistic]} {long}"


def span(first: int, last: int) -> str:
    """From which step to which a column reaches."""
    return f"step {count(last)}" if first == last else f"steps {count(first)} to {count(last)}"
