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
from tui.panes.layer_words import names, shown, span, value_word
from tui.panes.lines import Frame, Part, ends, length, message, pad, placed
from tui.state.health import health, reading
from tui.state.run import RunState
from tui.text import clean, count, cut

if TYPE_CHECKING:
    from tui.layer_history import LayerHistory

__all__ = ["Cursor", "Layout", "column_of", "heatmap", "layout_of", "on_screen"]

VALUE, HEALTH = 8, 16
LEAST, MOST = 8, 16
"""Cells of the colour scale."""
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
    each: int
    """Cells for each column."""
    columns: int


def _layout(held: LayerHistory, label: int, frame: Frame, feet: int) -> Layout:
    """The division of a frame with so many lines below the layers."""
    words = frame.width >= label + 14 + VALUE + HEALTH
    room = max(frame.width - label - VALUE - (HEALTH if words else 0) - 1, 4)
    high = max(frame.height - feet, 1)
    tall = min(max(high // max(held.layers, 1), 1), TALLEST)
    columns = -(-held.used // max(-(-held.used // room), 1))
    return Layout(label, words, room, tall, high // tall, heat.stepped(room // max(columns, 1)), columns)


def column_of(last: list[int], step: int | None) -> int:
    """The column that holds a step."""
    if step is None:
        return len(last) - 1
    return next((i for i, end in enumerate(last) if end >= step), len(last) - 1)


def heatmap(
    state: RunState, frame: Frame, statistic: str = "mean", offset: int = 0, cursor: Cursor | None = None
) -> list[Strip]:
    """One to four lines for each layer from `offset` on, the colour scale below, and what the cursor reads."""
    held, width, colors = state.layers, frame.width, frame.colors
    if state.fit is None or not state.fit.layers or held is None:
        none = state.fit is not None
        text = "no layer is measured in this run" if none else "statistics of every layer, batch by batch"
        return message([text], frame)
    if not held.used:
        return message(["the first measurement comes with the first batches"], frame)
    feet = _feet(cursor, frame)
    place = _layout(held, _label(state, width), frame, feet)
    end = min(offset + place.visible, held.layers)
    values = held.columns(statistic, place.room, slice(offset, end))
    least, extreme = held.bounds(statistic)
    scale = heat.scale(statistic, extreme, least)
    places = heat.levels(values, scale, colors)
    bands = heat.rows(places, place.each, scale, colors)
    column = None if cursor is None else column_of(held.spans(place.room).last.tolist(), cursor.step)
    labels = names(state.fit.layers, _longest(width))
    right = _Right(held, statistic, place.words, colors)
    lines: list[Strip] = []
    if cursor is not None and offset <= cursor.layer < end:
        read = cursor.layer - offset
        bands[read] = heat.row(places[read].tolist(), place.each, scale, colors, column)
    for i, band in zip(range(offset, end), bands, strict=True):
        here = cursor is not None and cursor.layer == i
        name = Segment(labels[i], style(colors.foreground if here else colors.muted, bold=here))
        lines += _layer(name, band, right.of(i), place, width)
    below = [_foot(held, scale, held.layers - end, place.label, frame)] if feet != 1 or cursor is None else []
    if cursor is not None:
        below.append(_reading(state, held, statistic, cursor, frame, place.room))
    return [*pad(lines, width, frame.height - len(below)), *below]


def _layer(name: Segment, band: list[Segment], right: list[Segment], place: Layout, width: int) -> list[Strip]:
    """The lines of one layer, its words on the middle one.

    Lengths are known: measuring every segment would cost more than making it.
    """
    track = [*band, Segment(" " * (place.room - place.columns * place.each + 1), Style.null())]
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


def _feet(cursor: Cursor | None, frame: Frame) -> int:
    """Lines below the layers: the scale, and what the cursor reads; in a low pane only one of them."""
    return 1 if cursor is None or frame.height < 5 else 2


def _longest(width: int) -> int:
    """Cells of a layer's name at most."""
    return max(min(width // 3, 30), 10)


def _label(state: RunState, width: int) -> int:
    layers = state.fit.layers if state.fit is not None else []
    return cell_len(names(layers, _longest(width))[0]) if layers else 0


class _Right:
    """The newest value of each layer and, if there is room for words, its health."""

    def __init__(self, held: LayerHistory, statistic: str, words: bool, colors: Palette) -> None:
        self._held, self._statistic, self._words = held, statistic, words
        self._values = held.of(statistic).tolist()
        self._good, self._none = style(colors.foreground), style(colors.faint)
        self._wrong, self._calm = style(colors.wrong), style(colors.muted)

    def of(self, i: int) -> list[Segment]:
        """At the right of a layer's line: VALUE - 1 cells, and HEALTH more for words."""
        value = self._values[i]
        look = self._wrong if math.isnan(value) else self._none if math.isinf(value) else self._good
        parts = [Segment(shown(self._statistic, value).rjust(VALUE - 1), look)]  # of one-cell characters, and short
        if self._words:
            found = health(reading(self._held, i))
            sign, look = (" ! ", self._wrong) if found.bad else ("   ", self._calm)
            parts.append(Segment((sign + found.word).ljust(HEALTH), look))
        return parts


def _foot(held: LayerHistory, scale: heat.Scale, hidden: int, label: int, frame: Frame) -> Strip:
    """The scale, under the heatmap if it fits there, and what the pane's columns span if there is room for it."""
    more = f"{hidden} more below   " if hidden > 0 else ""
    numbers = length(heat.legend(scale, 0, frame.colors))
    right = next(
        (t for t in (f"{more}to step {count(held.end)} ", more) if frame.width - numbers - cell_len(t) - 2 >= LEAST), ""
    )
    room = frame.width - numbers - cell_len(right) - 2
    indent = min(label, max(room - LEAST, 0))
    parts = [(" " * indent, Style.null()), *heat.legend(scale, min(max(room - indent, 2), MOST), frame.colors)]
    return ends(parts, [(right, style(frame.colors.muted))], frame.width)


def _reading(
    state: RunState, held: LayerHistory, statistic: str, cursor: Cursor, frame: Frame, room: int
) -> Strip:  # fmt: skip
    """Layer, step, value, and the rule that gave the layer its word; as much as fits."""
    layer, colors = (state.fit.layers if state.fit is not None else [])[cursor.layer], frame.colors
    spans = held.spans(room)
    at = column_of(spans.last.tolist(), cursor.step)
    value = float(held.columns(statistic, room, slice(cursor.layer, cursor.layer + 1))[0, at])
    found = health(reading(held, cursor.layer))
    when = span(int(spans.first[at]), int(spans.last[at]), int(spans.counts[at]))
    who = cut(f"{clean(layer.name, 40)} {clean(layer.kind, 30)}", 30)
    look = style(colors.wrong) if found.bad else style(colors.muted)
    parts: list[Part] = [
        (f"{who}  ", style(colors.foreground, bold=True)),
        (f"{when}  ", style(colors.muted)),
        (f"{value_word(statistic, value)}  ", style(colors.wrong if math.isnan(value) else colors.foreground)),
        (f"{'! ' if found.bad else ''}{found.word}: {found.rule}", look),
    ]
    return ends(parts, [], frame.width, gap=0)


def layout_of(state: RunState, frame: Frame, cursor: Cursor | None) -> tuple[LayerHistory, Layout] | None:
    """What `heatmap` would draw, and how it would divide the frame; None if there is nothing to read."""
    if state.fit is None or not state.fit.layers or state.layers is None or not state.layers.used or frame.width <= 0:
        return None
    return state.layers, _layout(state.layers, _label(state, frame.width), frame, _feet(cursor, frame))


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
