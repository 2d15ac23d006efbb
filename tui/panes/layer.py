"""One layer opened: its health and the rule behind it, its histogram over time, and its curves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from textual.strip import Strip

from tui.colors import Palette, style
from tui.panes.chart import Axis, Grid
from tui.panes.histogram import histogram
from tui.panes.layer_names import middle
from tui.panes.layer_words import SHORT, shown
from tui.panes.lines import Frame, Part, ends, length, message, pad
from tui.state.health import health, reading
from tui.state.run import RunState
from tui.text import clean, count, cut, fit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tui.layer_history import LayerHistory

__all__ = ["layer_view"]

CURVES = len(SHORT)
AXIS, LEAST = 8, 13
"""Cells left of a curve for its smallest and largest value, and of the curve beside them at least."""
NARROW, WIDE = 60, 100
"""Widths from which three and five curves stand side by side; below two."""
LOW, ROOMY = 9, 52
"""Lines from which there is a histogram, and the width from which three numbers stand side by side without curves."""


def layer_view(
    state: RunState, frame: Frame, layer: int, step: int | None = None, statistic: str = "mean"
) -> list[Strip]:
    """The whole view as lines; `step` is where the cursor stands, None the newest; `statistic` is the chosen one."""
    held = state.layers
    if state.fit is None or held is None or not held.used or layer >= held.layers:
        return message(["the first measurement comes with the first batches"], frame)
    width, height = frame.width, frame.height
    across = 5 if width >= WIDE else 3 if width >= NARROW else 2
    rows = -(-CURVES // across)
    room = height - 2 - 2  # below the head, without the histogram's title and axis
    high = min(max((room - rows) // 2 // rows, 0), 3) if room < 30 else 6
    tall = _histogram_lines(room - rows * (1 + high))
    if not tall and height >= LOW:  # the histogram is what a layer is opened for: the numbers have one line
        tall, high, across = _histogram_lines(height - 5), 0, across if width < ROOMY else 3
    elif tall:
        high = min((room - tall - rows) // rows, 12)
    head = _head(state, held, layer, step, frame)
    upper = histogram(state, Frame(width, tall + 2, frame.colors), layer, step) if tall else []
    below = _curves(held, layer, step, statistic, Frame(width, height - 2 - len(upper), frame.colors), across, high)
    return pad([*head, *upper, *below], width, height)


def _histogram_lines(room: int) -> int:
    """Lines of the plot: a line shows two groups of bins, and all groups are equally large; 0 if there is no room."""
    return next((lines for lines in (40, 20, 10, 7, 5, 4) if lines <= room), 0)


def _head(state: RunState, held: LayerHistory, layer: int, step: int | None, frame: Frame) -> list[Strip]:
    """What the layer is; its health and why."""
    colors = frame.colors
    assert state.fit is not None
    what = state.fit.layers[layer]
    found = health(reading(held, layer, what.kind))
    kind = f"{clean(what.kind, 60)} {clean(what.shape, 20)}".strip()
    numbers = f"{count(what.parameters)} parameters" if what.parameters else "no parameters"
    left: list[Part] = [
        (f"{middle(clean(what.name, 200), max(frame.width // 3, 10))}  ", style(colors.foreground, bold=True)),
        (kind, style(colors.foreground)),
        (f"   {numbers}", style(colors.muted)),
    ]
    at = count(held.end) if step is None else count(step)
    number = f"layer {layer + 1} of {held.layers} "
    places = (f"{'to ' if step is None else 'at '}step {at}   {number}", number, "")
    place = next((text for text in places if length(left) + 2 + len(text) <= frame.width), "")
    word = f"{'now ' if step is not None else ''}{'! ' if found.bad else ''}{found.word}: "
    look = style(colors.wrong if found.bad else colors.foreground)
    why: list[Part] = [(word, look), (found.rule, style(colors.muted))]
    return [ends(left, [(place, style(colors.muted))], frame.width), ends(why, [], frame.width, gap=0)]


def _curves(
    held: LayerHistory, layer: int, step: int | None, statistic: str, frame: Frame, across: int, high: int
) -> list[Strip]:
    """The statistics over time, so many side by side, each under its name and value."""
    from tui.layer_columns import fit_columns

    wide = frame.width // across
    grid = Grid(frame.width, max(frame.height, 0))
    spans = held.spans(fit_columns(held.used, held.used, whole=True))
    at = len(spans.last) - 1
    if step is not None:
        at = next((i for i, end in enumerate(spans.last.tolist()) if end >= step), at)
    for i, name in enumerate(SHORT):
        left, top = (i % across) * wide, (i // across) * (1 + high)
        values = held.columns(name, rows=slice(layer, layer + 1))[0]
        _curve_title(grid, (left, top, wide - 2), name, values, at, frame.colors, name == statistic)
        if high > 0 and wide >= 6:
            _curve(grid, (left, top + 1, wide - 2, high), name, values, spans.last, step, frame.colors)
    return grid.strips()


def _curve_title(
    grid: Grid, place: tuple[int, int, int], name: str, values: NDArray[np.float64], at: int, colors: Palette,
    chosen: bool,
) -> None:  # fmt: skip
    left, top, width = place
    value = float(values[at])
    grid.put(left, top, cut(SHORT[name], width), style(colors.focus if chosen else colors.muted, bold=chosen))
    text = f" {'none' if math.isinf(value) else shown(name, value)}"
    start = left + len(SHORT[name])
    look = style(colors.wrong if math.isnan(value) else colors.foreground)
    grid.put(start, top, text if start + len(text) <= left + width else "", look)


def _curve(
    grid: Grid, place: tuple[int, int, int, int], name: str, values: NDArray[np.float64], steps: NDArray[np.int64],
    step: int | None, colors: Palette,
) -> None:  # fmt: skip
    """The values as braille dots over the steps; gradients and ratios on a log scale; a red × below a NaN."""
    import numpy as np

    from tui.panes.band import band

    left, top, width, height = place
    x = Axis(float(steps[0]) - 0.5, float(steps[-1]) + 0.5, ())
    log = name in ("grad", "ratio")
    usable = np.isfinite(values) & ((values > 0) | (not log))
    broken = np.isnan(values)
    drawn = np.where(usable, np.log10(np.where(usable, values, 1.0)) if log else values, np.nan)
    if width >= AXIS + LEAST and height > 1:
        left, width = left + AXIS, width - AXIS
    if usable.any():
        low, high = float(drawn[usable].min()), float(drawn[usable].max())
        low, high = (0.0, 1.0) if name == "near_zero" else (low, high)
        _limits(
            grid,
            (left, top, height if width < place[2] else 0),
            name,
            (10**low, 10**high) if log else (low, high),
            colors,
        )
        room = max(0.02 * (high - low), 1e-9 * max(abs(high), 1.0))
        sub = Grid(width, height)
        axes = (x, Axis(low - room, high + room, ()))
        band(sub, (0, width, height), axes, steps.astype(np.float64), drawn, drawn, style(colors.train))
        for row in range(height):
            for column, char in enumerate(sub.chars[row]):
                if char != " ":
                    grid.put(left + column, top + row, char, sub.styles[row][column])
    for at in steps[broken].tolist():
        grid.put(left + x.cell(at, width, 2), top + height - 1, "×", style(colors.wrong, bold=True))
    if step is not None:
        for row in range(height):
            grid.put(left + x.cell(step, width, 2), top + row, "┊", style(colors.waiting), only_blank=True)


def _limits(
    grid: Grid, place: tuple[int, int, int], name: str, limits: tuple[float, float], colors: Palette
) -> None:  # fmt: skip
    """The largest value beside the top of a curve, the smallest beside its end."""
    left, top, height = place
    if left >= AXIS and height > 1:
        for row, value in ((top, limits[1]), (top + height - 1, limits[0])):
            grid.put(left - AXIS, row, fit(shown(name, value), AXIS - 1, ">"), style(colors.muted))
