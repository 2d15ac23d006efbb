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
from tui.panes.lines import Frame, Part, ends, length, message, pad
from tui.state.health import health, reading
from tui.state.run import RunState
from tui.text import clean, count, cut, fit

if TYPE_CHECKING:
    from tui.layer_history import LayerHistory

__all__ = ["Cursor", "Layout", "column_of", "heatmap", "layout_of"]

VALUE, HEALTH = 8, 16
TALLEST = 3
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
    return Layout(label, words, room, tall, high // tall, _power(room // max(columns, 1)), columns)


def column_of(last: list[int], step: int | None) -> int:
    """The column that holds a step."""
    if step is None:
        return len(last) - 1
    return next((i for i, end in enumerate(last) if end >= step), len(last) - 1)


def heatmap(
    state: RunState, frame: Frame, statistic: str = "mean", offset: int = 0, cursor: Cursor | None = None
) -> list[Strip]:
    """One to three lines for each layer from `offset` on, the colour scale below, and what the cursor reads."""
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
    places = heat.levels(values, scale, colors).tolist()
    column = None if cursor is None else column_of(held.spans(place.room).last.tolist(), cursor.step)
    labels = names(state.fit.layers, max(min(width // 3, 30), 10))
    lines: list[Strip] = []
    for i, row in zip(range(offset, end), places, strict=True):
        here = cursor is not None and cursor.layer == i
        band = heat.row(row, place.each, scale, colors, column if here else None)
        look = style(colors.foreground if here else colors.muted, bold=here)
        lines += _layer(held, i, (fit(labels[i], place.label), look), band, statistic, place, frame)
    below = [_foot(held, scale, held.layers - end, place.label, frame)] if feet != 1 or cursor is None else []
    if cursor is not None:
        below.append(_reading(state, held, statistic, cursor, frame, place.room))
    return [*pad(lines, width, frame.height - len(below)), *below]


def _layer(
    held: LayerHistory, i: int, name: Part, band: list[Segment], statistic: str, place: Layout, frame: Frame
) -> list[Strip]:  # fmt: skip
    """The lines of one layer, its words on the middle one."""
    track = [*band, Segment(" " * (place.room - place.columns * place.each + 1), Style.null())]
    right = _right(held, i, statistic, place.words, frame.colors)
    used = place.label + place.room + 1  # lengths are known: measuring every segment would cost more than making it
    bare = Strip([Segment(" " * place.label, Style.null()), *track], used).adjust_cell_length(frame.width)
    rows = [bare] * place.tall
    named = Strip([Segment(*name), *track, *(Segment(*part) for part in right)], used + length(right))
    rows[(place.tall - 1) // 2] = named.adjust_cell_length(frame.width)
    return rows


def _feet(cursor: Cursor | None, frame: Frame) -> int:
    """Lines below the layers: the scale, and what the cursor reads; in a low pane only one of them."""
    return 1 if cursor is None or frame.height < 5 else 2


def _label(state: RunState, width: int) -> int:
    layers = state.fit.layers if state.fit is not None else []
    return max(map(cell_len, names(layers, max(min(width // 3, 30), 10))), default=0) + 1


def _power(number: int) -> int:
    """The largest power of two up to `number`: columns grow wider or narrower in big steps only."""
    return 1 << max(number.bit_length() - 1, 0)


def _right(held: LayerHistory, i: int, statistic: str, words: bool, colors: Palette) -> list[Part]:
    value = float(held.of(statistic)[i])
    look = style(colors.wrong if math.isnan(value) else colors.faint if math.isinf(value) else colors.foreground)
    parts: list[Part] = [(fit(shown(statistic, value), VALUE - 1, ">"), look)]
    if words:
        found = health(reading(held, i))
        sign = " ! " if found.bad else "   "
        parts.append((fit(sign + found.word, HEALTH), style(colors.wrong if found.bad else colors.muted)))
    return parts


def _foot(held: LayerHistory, scale: heat.Scale, hidden: int, label: int, frame: Frame) -> Strip:
    """The scale, and what the pane's columns span."""
    parts = [(" " * label, Style.null()), *heat.legend(scale, 16, frame.colors)]
    more = f"{hidden} more below   " if hidden > 0 else ""
    return ends(parts, [(f"{more}to step {count(held.end)} ", style(frame.colors.muted))], frame.width)


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
