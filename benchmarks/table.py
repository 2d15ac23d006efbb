"""One aligned table: what was measured, its value, its bound."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from pairs import median_interval

__all__ = ["quantile", "show", "spread"]


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def spread(values: Sequence[float], unit: str = "", decimals: int = 3) -> str:
    """Median with the interval that holds the true one, and how many values there were."""
    low, high = median_interval(list(values))
    form = f",.{decimals}f"
    return f"{statistics.median(values):{form}}{unit} [{low:{form}}, {high:{form}}] n={len(values)}"


def show(title: str, rows: Sequence[tuple[str, str, str]]) -> None:
    """Print rows of (what, measured, bound)."""
    lines = [("", "measured", "bound"), *rows]
    widths = [max(len(row[i]) for row in lines) for i in range(3)]
    print(f"\n{title}")
    for what, measured, bound in lines:
        print(f"  {what:<{widths[0]}}  {measured:<{widths[1]}}  {bound}".rstrip(), flush=True)
