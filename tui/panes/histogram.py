"""A layer's histogram over time, the course's coloured dimension: sizes up, time to the right, counts as colours."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from textual.strip import Strip

from miniai.run.packed import count_of
from tui.colors import Palette, style
from tui.panes import heat
from tui.panes.lines import Frame, Part, ends, length, line, pad
from tui.ramps import RGB, ramp
from tui.state.run import RunState
from tui.text import compact, count, fit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tui.layer_columns import Columns

__all__ = ["histogram"]

BINS, BIN, ABOVE = 40, 0.25, 40
HEIGHTS = (8, 20, 40)
"""Bins that the plot may hold: up to 2, 5 and 10."""
LABEL = 6
"""Cells left of the plot: sizes such as 3.75, and a gap."""


def histogram(state: RunState, frame: Frame, layer: int, step: int | None = None) -> list[Strip]:
    """A title, the plot, and a line with its steps and its colour scale; `step` marks a column, None none."""
    held, width, colors = state.spreads.held, frame.width, frame.colors
    title: Part = ("outputs by size, over time", style(colors.foreground))
    plot = frame.height - 2
    import numpy as np

    from tui.layer_columns import fit_columns

    if held is None or not held.used or layer >= held.layers or plot < 1 or width < LABEL + 8:
        none = "no histogram was measured yet" if held is None or not held.used else ""
        return pad([ends([title, (f"   {none}", style(colors.muted))], [], width, gap=0)], width, frame.height)
    columns = fit_columns(held.used, width - LABEL, state.over)
    picked = columns.ends - 1  # of several the newest: counts cannot be averaged
    steps = held.steps[picked]
    at = len(steps) - 1 if step is None else min(int((steps < step).sum()), len(steps) - 1)
    levels = held.levels[picked, layer]
    counts = _counts(levels)
    used = int(np.flatnonzero(levels[:, :BINS].any(0)).max(initial=0)) + 1
    bins = next(n for n in HEIGHTS if n >= used)
    groups = _grouped(counts[:, :bins], 2 * plot)
    top = float(groups.max(initial=0.0))
    rows = _plot(groups, columns, plot, bins * BIN, None if step is None else int(columns.edges[at]), colors)
    lines = [_title(title, counts[at], int(steps[at]), step, top, frame), *(line(r, width) for r in rows)]
    return pad([*lines, _axis(steps.tolist(), columns.cells, frame)], width, frame.height)


def _counts(levels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(times, slots) counts that the quantised ones stand for."""
    import numpy as np

    table = np.array([count_of(i) for i in range(256)])
    found: NDArray[np.float64] = table[np.minimum(levels, 255)]
    return found


def _grouped(counts: NDArray[np.float64], most: int) -> NDArray[np.float64]:
    """(times, groups): neighbouring bins together, at most so many groups; log(1 + count)."""
    import numpy as np

    n = counts.shape[1]
    size = -(-n // most)
    bins = np.pad(counts, ((0, 0), (0, -n % size)))
    found: NDArray[np.float64] = np.log1p(bins.reshape(len(bins), -1, size).sum(2))
    return found


def _plot(
    groups: NDArray[np.float64], columns: Columns, plot: int, top: float, mark: int | None, colors: Palette
) -> list[list[Part]]:
    """Two groups a line as half blocks, the largest sizes on top, with an axis up to `top`, in at most `plot` lines.

    The cell `mark` of each line is marked.
    """
    import numpy as np

    shades = ramp("sequential", colors.dark, colors.depth)
    scale = heat.Scale("sequential", max(float(groups.max(initial=0.0)), 1.0))
    places = heat.levels(groups.T[::-1], scale, colors)  # (groups, times), the largest first
    places = np.repeat(places, max(2 * plot // len(places), 1), 0)
    places = np.repeat(places, columns.widths, 1)
    if len(places) % 2:
        places = np.vstack([np.zeros_like(places[:1]), places])
    n = len(places) // 2
    ticks = {round(k / 4 * (n - 1)): f"{top * (1 - k / 4):g}" for k in ((0, 1, 2, 3, 4) if n >= 9 else (0, 4))}
    rows: list[list[Part]] = []
    for y in range(n):
        parts: list[Part] = [(f"{fit(ticks.get(y, ''), LABEL - 2, '>')} ", style(colors.muted)), (" ", style())]
        parts += _cells(places[2 * y].tolist(), places[2 * y + 1].tolist(), shades, mark, colors)
        rows.append(parts)
    return rows


def _cells(
    upper: list[int], lower: list[int], shades: tuple[RGB, ...], mark: int | None, colors: Palette
) -> list[Part]:
    """One line; equal neighbours joined, a space where both halves are equal."""
    parts: list[Part] = []
    start = 0
    for i in range(1, len(upper) + 1):
        same = i < len(upper) and (upper[i], lower[i]) == (upper[start], lower[start])
        if same and mark not in (i, i - 1):
            continue
        a, b = shades[upper[start]], shades[lower[start]]
        if start == mark:
            parts.append(("┊", style(colors.waiting, b, bold=True)))
        elif a == b:
            parts.append((" " * (i - start), style(bg=a)))
        else:
            parts.append(("▀" * (i - start), style(a, b)))
        start = i
    return parts


def _title(
    title: Part, counts: NDArray[np.float64], at: int, step: int | None, top: float, frame: Frame
) -> Strip:  # fmt: skip
    """What is drawn, what lies outside of it, and what the colours stand for."""
    muted, shades = style(frame.colors.muted), ramp("sequential", frame.colors.dark, frame.colors.depth)
    limit, total = BINS * BIN, float(counts.sum())
    share = 100 * float(counts[ABOVE]) / total if total else 0.0
    when = f"at step {count(at)}" if step is not None else "at the last"
    outside = f"about {_share(share)} % above {limit:g} {when}" if counts[ABOVE] else f"none above {limit:g} {when}"
    scale: list[Part] = [
        ("   0 ", muted),
        *((" ", style(bg=shades[round(i * (len(shades) - 1) / 11)])) for i in range(12)),
    ]
    scale.append((f" {compact(float(f'{math.expm1(top):.1g}'))} ", muted))
    text, room = title[0], frame.width - length(scale) - 2
    lefts = (f"{text}   {outside}", f"{text.split(',')[0]}   {outside}", text)
    left = next((t for t in lefts if len(t) <= room), text)
    words, _, rest = left.partition("   ")
    return ends([(words, title[1]), (f"   {rest}" if rest else "", muted)], scale, frame.width)


def _share(per_cent: float) -> str:
    return f"{per_cent:.2g}" if per_cent < 9.95 else f"{per_cent:.0f}"


def _axis(steps: list[int], cells: int, frame: Frame) -> Strip:
    """First and last step under the plot."""
    first, last = f"step {count(steps[0])}", count(steps[-1])
    gap = max(cells - len(first) - len(last), 1)
    text = " " * LABEL + first + (" " * gap + last if len(steps) > 1 else "")
    return line([(text, style(frame.colors.muted))], frame.width)
