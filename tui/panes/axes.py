"""Axes of the chart's windows: they move in steps, so that numbers under them can move without them."""

from __future__ import annotations

import math
from collections.abc import Callable

from tui.panes.chart import Axis, nice_step, step_axis
from tui.state.clock import Unit
from tui.text import compact, count, duration

__all__ = ["fixed_axis", "grown_axis", "moving_axis"]

TIMES = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400)
"""Seconds between two ticks of an axis of time; above, nice numbers of days."""


def grown_axis(unit: Unit, last: float, total: float, parts: int) -> Axis:
    """From 0 to a round number above `last`, and never past the planned `total` (0: unknown)."""
    if unit == "steps":
        return step_axis(max(round(last), 1), round(total), parts)
    limit = 10.0 if unit == "time" else 0.5
    while limit < last:
        limit = _tick(unit, limit * 1.01, 1)
    if total >= last > 0:
        limit = min(limit, total)
    return _axis(unit, 0.0, limit, parts)


def moving_axis(unit: Unit, low: float, high: float, parts: int) -> Axis:
    """From the tick at or below `low` to the tick at or above `high`."""
    step = _tick(unit, high - low, parts)
    low, high = max(math.floor(low / step + 1e-9), 0) * step, math.ceil(high / step - 1e-9) * step
    return _axis(unit, low, max(high, low + step), parts)


def fixed_axis(unit: Unit, low: float, high: float, parts: int) -> Axis:
    """From `low` to `high` exactly."""
    return _axis(unit, low, max(high, low + 1e-6), parts)


def _tick(unit: Unit, span: float, parts: int) -> float:
    raw = span / max(parts, 1)
    if unit == "time":
        fits = next((float(t) for t in TIMES if t >= raw * 0.999999), 0.0)
        return fits or 86_400 * nice_step(span / 86_400, parts)
    return max(nice_step(span, parts), 1.0 if unit == "steps" else 1e-3)


def _axis(unit: Unit, low: float, high: float, parts: int) -> Axis:
    step = _tick(unit, high - low, parts)
    words = _words(unit, step)
    first, last = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)
    ticks = [(i * step, words(i * step)) for i in range(first, min(last, first + 4 * parts + 8) + 1)]
    return Axis(low, high, tuple(ticks))


def _words(unit: Unit, step: float) -> Callable[[float], str]:
    """How values of the axis are written: with as many digits as tell neighbours apart."""
    if unit == "time":
        return duration
    if unit == "epochs":
        decimals = max(-math.floor(math.log10(step) + 1e-9), 0)
        return lambda value: f"{value:.{decimals}f}"
    return lambda value: compact(value) if value < 1e4 or step > value / 999 else count(round(value))
