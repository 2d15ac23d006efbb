"""The heatmap of the layers: one statistic of every layer over time, its newest value, and a word on its health."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.colors import Palette, style
from tui.panes import heat
from tui.panes.heatmap_feet import HIGHEST, axis, cursor_lines, feet, scale_line
from tui.panes.layer_names import names
from tui.panes.layer_words import shown
from tui.panes.lines import Frame, message, pad, placed
from tui.state.health import health, reading, readings
from tui.state.run import RunState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from miniai.run.events import Layer
    from tui.layer_columns import Columns
    from tui.layer_history import LayerHistory

__all__ = ["Cursor", "Layout", "column_of", "heatmap", "layout_of", "on_screen"]

VALUE, HEALTH = 8, 16
TALLEST = 4
"""Lines for each layer where there is room."""


@dataclass(frozen=True)
class Cursor:
    """What is read: a layer, and the column that holds a step; None is the newest, whatever comes."""

    layer: int
    step: int | None = None


@dataclass(frozen=True)
class Layout:
    """How the heatmap divides a frame."""

    label: int
    """Cells of a layer's name."""
    words: bool
    """Whether there is room for health."""
    room: int
    """Cells of the heatmap at most."""
    tall: int
    """Lines for each layer."""
    visible: int
    """Layers that are seen at once."""
    columns: Columns
    """What stands in which cells."""


def layout_of(state: RunState, frame: Frame, cursor: Cursor | None) -> tuple[LayerHistory, Layout] | None:
    """What `heatmap` draws, and how it divides the frame; None if there is nothing to read."""
    held = state.layers
    if state.fit is None or not state.fit.layers or held is None or not held.used or frame.width <= 0:
        return None
    from tui.layer_columns import fit_columns  # numpy: not before there are numbers

    label = cell_len(names(state.fit.layers, _longest(frame.width))[0])
    words = frame.width >= label + 14 + VALUE + HEALTH
    room = max(frame.width - label - VALUE - (HEALTH if words else 0) - 1, 4)
    high = max(frame.height - feet(cursor is not None, frame), 1)
    lasting = max(frame.height - HIGHEST, 1)  # as if there were a cursor: it must not make the layers jump
    tall = min(max(lasting // max(held.layers, 1), 1), TALLEST)
    return held, Layout(label, words, room, tall, high // tall, fit_columns(held.used, room, state.over))


def _longest(width: int) -> int:
    """Cells of a layer's name at most: rather less than half of what words leave."""
    return min(max((width - VALUE - HEALTH + 2) * 9 // 20, 14), 30)


def column_of(last: list[int], step: int | None) -> int:
    """The column that holds a step."""
    if step is None:
        return len(last) - 1
    return next((i for i, end in enumerate(last) if end >= step), len(last) - 1)


def heatmap(
    state: RunState, frame: Frame, statistic: str = "mean", offset: int = 0, cursor: Cursor | None = None
) -> list[Strip]:
    """One to four lines for each layer from `offset` on, the colour scale below, and what the cursor reads."""
    width, height, colors = frame.width, frame.height, frame.colors
    found = layout_of(state, frame, cursor)
    if found is None or state.fit is None:
        return message([_none(state)], frame)
    held, place = found
    end = min(offset + place.visible, held.layers)
    scale = heat.scale(statistic, *held.bounds(statistic)[::-1])
    bands, column = _bands(held, place, (offset, end), statistic, scale, cursor, colors)
    labels = names(state.fit.layers, _longest(width))
    right = _right(held, offset, state.fit.layers[offset:end], statistic, place.words, colors)
    lines: list[Strip] = []
    for i, band, words in zip(range(offset, end), bands, right, strict=True):
        here = cursor is not None and cursor.layer == i
        name = Segment(labels[i], style(colors.foreground if here else colors.muted, bold=here))
        lines += _layer(name, band, words, place, width)
    below: list[Strip] = []
    spans = held.spans(place.columns)
    room = height - len(lines) - feet(cursor is not None, frame)
    if room > 0:
        lines.append(axis(spans, place.columns, place.label, frame))
    if feet(cursor is not None, frame) != 1 or cursor is None:
        below.append(scale_line(scale, (offset, held.layers - end), None if room > 0 else spans, place.label, frame))
    if cursor is not None:
        row = slice(cursor.layer, cursor.layer + 1)
        value = float(held.columns(statistic, place.columns, row)[0, column])
        read = (statistic, value, int(held.numbers(statistic, place.columns, row)[0, column]))
        said = health(reading(held, cursor.layer, state.fit.layers[cursor.layer].kind))
        below += cursor_lines(state.fit.layers[cursor.layer], spans, column, read, said, frame)
    return [*pad(lines, width, height - len(below)), *below]


def _none(state: RunState) -> str:
    """Why there is nothing, or what will come."""
    if state.fit is None:
        return "statistics of every layer, batch by batch"
    if not state.fit.layers or state.layers is None:
        return "no layer is measured in this run"
    return "the first measurement comes with the first batches"


def _bands(
    held: LayerHistory, place: Layout, rows: tuple[int, int], statistic: str, scale: heat.Scale, cursor: Cursor | None,
    colors: Palette,
) -> tuple[list[list[Segment]], int]:  # fmt: skip
    """The coloured cells of some layers, and the cursor's column (the last one without a cursor)."""
    import numpy as np

    start, end = rows
    levels = heat.levels(held.columns(statistic, place.columns, slice(start, end)), scale, colors)
    cells = np.repeat(levels, place.columns.widths, axis=1)
    bands = heat.rows(cells, scale, colors)
    column = column_of(held.spans(place.columns).last.tolist(), None if cursor is None else cursor.step)
    if cursor is not None and start <= cursor.layer < end:
        first, last = place.columns.edges[column : column + 2].tolist()
        bands[cursor.layer - start] = heat.row(cells[cursor.layer - start].tolist(), scale, colors, (first, last))
    return bands, column


def _layer(name: Segment, band: list[Segment], right: list[Segment], place: Layout, width: int) -> list[Strip]:
    """The lines of one layer, its words on the middle one.

    Lengths are known: measuring every segment would cost more than making it.
    """
    track = [*band, Segment(" " * (place.room - place.columns.cells + 1), Style.null())]
    used = place.label + place.room + 1
    named = _filled([name, *track, *right], used + VALUE - 1 + HEALTH * place.words, width)
    if place.tall == 1:
        return [named]
    bare = _filled([Segment(" " * place.label, Style.null()), *track], used, width)
    return [named if i == (place.tall - 1) // 2 else bare for i in range(place.tall)]


def _filled(segments: list[Segment], used: int, width: int) -> Strip:
    """A line of `width` cells of segments that take `used` ones."""
    if used < width:
        return Strip([*segments, Segment(" " * (width - used))], width)
    return Strip(segments, used).adjust_cell_length(width)


def _right(
    held: LayerHistory, start: int, layers: Sequence[Layer], statistic: str, words: bool, colors: Palette
) -> list[list[Segment]]:
    """The newest value of some layers and, if there is room for words, their health.

    At the right of a layer's line: VALUE - 1 cells, and HEALTH more for words.
    """
    good, none = style(colors.foreground), style(colors.faint)
    wrong, calm = style(colors.wrong), style(colors.muted)
    found: list[list[Segment]] = []
    for value in held.of(statistic)[start : start + len(layers)].tolist():
        look = wrong if math.isnan(value) else none if math.isinf(value) else good
        found.append([Segment(shown(statistic, value).rjust(VALUE - 1), look)])  # of one-cell characters, and short
    if words:
        for parts, read in zip(found, readings(held, start, [layer.kind for layer in layers]), strict=True):
            said = health(read)
            sign, look = (" ! ", wrong) if said.bad else ("   ", calm)
            parts.append(Segment((sign + said.word).ljust(HEALTH), look))
    return found


def on_screen(drawn: Strip, y: int, ground: Style) -> Strip:
    """A line as the terminal gets it: on the background, and with what tells Textual where its words are.

    Cells of the heatmap stay as they are: they have a background of their own and no text to be selected, and with a
    place for each of them a frame would cost several times as much.
    """
    segments, x = [], 0
    for segment in drawn:
        text, look, _ = segment
        if not text.isspace():
            segments.append(Segment(text, placed(ground, look, x, y)))
        elif look is None or look.bgcolor is None:
            segments.append(Segment(text, ground))
        else:
            segments.append(segment)
        x += len(text)
    return Strip(segments, drawn.cell_length)
