"""What stands below the heatmap: its axis of steps, its colour scale, and what the cursor reads."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip

from tui.colors import style
from tui.panes import heat
from tui.panes.chart import Grid
from tui.panes.layer_names import full_name
from tui.panes.layer_words import span, value_word
from tui.panes.lines import Frame, Part, ends, length
from tui.text import clean, count

if TYPE_CHECKING:
    from miniai.run.events import Layer
    from tui.layer_columns import Columns
    from tui.layer_history import Spans
    from tui.state.health import Health

__all__ = ["HIGHEST", "axis", "cursor_lines", "feet", "scale_line"]

LEAST, MOST = 8, 16
"""Cells of the colour scale."""
HIGHEST = 3
"""Lines below the layers at most."""
WHERE = ("above", "below")
TICKS = 14
"""Cells from one number of the axis to the next, about."""


def feet(cursor: bool, frame: Frame) -> int:
    """Lines below the layers: the scale, and two for what the cursor reads; in a low pane only one of these."""
    if not cursor or frame.height < 5:
        return 1
    return 2 if frame.height < 9 else HIGHEST


def axis(spans: Spans, columns: Columns, label: int, frame: Frame) -> Strip:
    """Steps under the columns: where the first begins, some on the way each under its column, where the last ends."""
    grid, look = Grid(frame.width, 1), style(frame.colors.muted)
    last = count(int(spans.last[-1]))
    end = label + max(columns.cells - len(last), 0)
    if label > 5:
        grid.put(label - 5, 0, "step", look)
    n = max((columns.cells - len(last)) // TICKS, 1)
    free = label
    for tick in range(n):
        column = columns.at(tick * columns.cells // (n + (end > label)))
        text, at = count(int(spans.first[column])), label + int(columns.edges[column])
        if at >= free and at + len(text) < end:
            grid.put(at, 0, text, look)
            free = at + len(text) + 1
    grid.put(end, 0, last, look)
    return grid.strips()[0]


def scale_line(
    scale: heat.Scale, hidden: tuple[int, int], spans: Spans | None, label: int, frame: Frame
) -> Strip:  # fmt: skip
    """The scale, under the heatmap if it fits there; how many layers are above and below; which steps are spanned."""
    above, below = (f"{n} {'more ' * (0 in hidden)}{word}" if n else "" for n, word in zip(hidden, WHERE, strict=True))
    more = ", ".join(filter(None, (above, below)))
    more += "   " if more else ""
    texts = [more]
    if spans is not None:
        first, last = count(int(spans.first[0])), count(int(spans.last[-1]))
        texts = [f"{more}steps {first} to {last} ", f"{more}to step {last} ", more]
    numbers = length(heat.legend(scale, 0, frame.colors))
    right = next((t for t in texts if frame.width - numbers - cell_len(t) - 2 >= LEAST), "")
    room = frame.width - numbers - cell_len(right) - 2
    indent = min(label, max(room - LEAST, 0))
    parts = [(" " * indent, Style.null()), *heat.legend(scale, min(max(room - indent, 2), MOST), frame.colors)]
    return ends(parts, [(right, style(frame.colors.muted))], frame.width)


def cursor_lines(
    layer: Layer, spans: Spans, column: int, read: tuple[str, float, int], found: Health, frame: Frame
) -> list[Strip]:  # fmt: skip
    """Layer, step and value; then the rule that gave the layer its word, if it fits.

    `read`: the statistic, its value, and how many numbers that is the mean of.
    """
    colors, (statistic, value, n) = frame.colors, read
    when, what = span(int(spans.first[column]), int(spans.last[column])), value_word(statistic, value)
    room = max(frame.width - len(when) - len(what) - 4, 10)
    if n > 1 and math.isfinite(value):
        least = cell_len(clean(layer.name, 200))
        more = next((t for t in (f", average of {count(n)}", f" of {count(n)}") if len(t) + least <= room), "")
        what, room = what + more, room - len(more)
    parts: list[Part] = [
        (f"{full_name(layer, room)}  ", style(colors.foreground, bold=True)),
        (f"{when}  ", style(colors.muted)),
        (what, style(colors.wrong if math.isnan(value) else colors.foreground)),
    ]
    now = "" if column == len(spans.last) - 1 else "now "
    why: Part = (
        f"{now}{'! ' if found.bad else ''}{found.word}: {found.rule}",
        style(colors.wrong if found.bad else colors.muted),
    )
    if feet(True, frame) == HIGHEST:
        return [ends(parts, [], frame.width, gap=0), ends([why], [], frame.width, gap=0)]
    return [ends([*parts, ("  ", Style.null()), why], [], frame.width, gap=0)]
