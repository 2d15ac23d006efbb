"""The layers: a heatmap of one statistic of every layer over time, its newest value, and a word on its health."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from textual.strip import Strip

from tui.colors import Palette, style
from tui.panes import heat
from tui.panes.base import ScrollPane
from tui.panes.lines import Frame, Part, ends, line, message, pad
from tui.state.run import RunState, Section
from tui.text import clean, count, cut, fit

if TYPE_CHECKING:
    from tui.layer_history import LayerHistory

__all__ = ["LayersPane", "health", "heatmap"]

STATISTICS = {
    "mean": "mean of activations",
    "std": "standard deviation of activations",
    "near_zero": "share of activations near zero",
}
VALUE, HEALTH = 8, 15
NEAR = 0.9
"""Share near zero from which a layer is called so."""
BIN = 0.25
"""What near zero means: the lowest of 40 bins over 0 to 10."""


class LayersPane(ScrollPane):
    """`m` goes to the next statistic."""

    sections: ClassVar[tuple[Section, ...]] = ("layers",)
    every: ClassVar[float] = 1.0
    key: ClassVar[str] = "3"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.statistic = "mean"

    def heading(self, state: RunState) -> str:  # noqa: ARG002
        """The title."""
        return f"layers ─ {STATISTICS[self.statistic]}"

    def next_statistic(self) -> None:
        """Show the next statistic."""
        names = list(STATISTICS)
        self.statistic = names[(names.index(self.statistic) + 1) % len(names)]
        self.redraw()

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """The heatmap, or what will come."""
        n = len(state.fit.layers) if state.fit is not None else 0
        self.offset_rows = min(max(self.offset_rows, 0), max(n - max(frame.height - 1, 1), 0))
        return heatmap(state, frame, self.statistic, self.offset_rows)


def health(mean: float, std: float, near_zero: float, nonfinite: int) -> tuple[str, bool]:
    """A word on a layer, and whether it is a bad one.

    Simple rules on what goes out of the layer. Nearly everything within 0.25 of zero is a sign of death only where
    the spread says that values could be elsewhere, or that there is no value at all: a small, even signal is not dead.
    """
    if nonfinite or not math.isfinite(mean) or not math.isfinite(std):
        return "NaN or inf", True
    share = f"{100 * near_zero:.0f} %"
    if near_zero >= NEAR and (std >= BIN or std < 1e-4):
        return f"{share} dead", True
    if std < 0.01:
        return "vanishing", True
    if std > 20 or abs(mean) > 20:
        return "exploding", True
    return (f"{share} near 0" if near_zero >= NEAR else "healthy"), False


def heatmap(state: RunState, frame: Frame, statistic: str = "mean", offset: int = 0) -> list[Strip]:
    """One to three lines for each layer from `offset` on, and the colour scale below."""
    held, width, colors = state.layers, frame.width, frame.colors
    if state.fit is None or not state.fit.layers or held is None:
        none = state.fit is not None
        text = "no layer is measured in this run" if none else "statistics of every layer, batch by batch"
        return message([text], frame)
    if not held.used:
        return message(["the first measurement comes with the first batches"], frame)
    names = _names(state, max(min(width // 3, 30), 10))
    label = max(len(n) for n in names) + 1
    words = width >= label + 14 + VALUE + HEALTH
    room = max(width - label - VALUE - (HEALTH if words else 0) - 1, 4)
    tall = min(max((frame.height - 1) // held.layers, 1), 3)
    shown = range(offset, min(offset + (frame.height - 1) // tall, held.layers))
    values = held.columns(statistic, room)
    each = _power(room // max(values.shape[1], 1))
    scale = heat.scale(statistic, _extreme(held, statistic))
    track: Part = (" " * (room - values.shape[1] * each + 1), Style.null())
    lines: list[Strip] = []
    for i in shown:
        band = [*heat.cells(values[i].tolist(), each, scale, colors), track]
        name: Part = (fit(names[i], label), style(colors.muted))
        rows = [line([(" " * label, Style.null()), *band], width)] * tall
        rows[(tall - 1) // 2] = line([name, *band, *_right(held, i, statistic, words, colors)], width)
        lines += rows
    foot = _foot(held, scale, held.layers - len(shown), label, frame)
    return [*pad(lines, width, frame.height - 1), foot]


def _names(state: RunState, limit: int) -> list[str]:
    """Path, kind and shape of every layer in columns."""
    layers = state.fit.layers if state.fit is not None else []
    rows = [(clean(x.name, 40), clean(x.kind, 30), clean(x.shape, 20)) for x in layers]
    first, second = (max(len(r[i]) for r in rows) for i in (0, 1))
    return [cut(f"{a:<{first}} {b:<{second}} {c}".rstrip(), limit) for a, b, c in rows]


def _power(number: int) -> int:
    """The largest power of two up to `number`: columns grow wider or narrower in big steps only."""
    return 1 << max(number.bit_length() - 1, 0)


def _extreme(held: LayerHistory, statistic: str) -> float:
    """Largest size of the statistic in all that is held."""
    sizes = [abs(v) for row in held.columns(statistic, held.size).tolist() for v in row if math.isfinite(v)]
    return max(sizes, default=0.0)


def _right(held: LayerHistory, i: int, statistic: str, words: bool, colors: Palette) -> list[Part]:
    mean, std, near_zero = held.latest[i].tolist()
    value = {"mean": mean, "std": std, "near_zero": near_zero}[statistic]
    shown = (
        f"{100 * value:.0f} %" if statistic == "near_zero" else f"{value:.2f}" if abs(value) < 1000 else f"{value:.0e}"
    )
    broken = not math.isfinite(value)
    look = style(colors.wrong if broken else colors.foreground)
    parts: list[Part] = [(fit("NaN" if broken else shown, VALUE - 1, ">"), look)]
    if words:
        word, bad = health(mean, std, near_zero, int(held.nonfinite[i]))
        sign = " ! " if bad else "   "
        parts.append((fit(sign + word, HEALTH), style(colors.wrong if bad else colors.muted)))
    return parts


def _foot(held: LayerHistory, scale: heat.Scale, hidden: int, label: int, frame: Frame) -> Strip:
    """The scale, and what the pane's columns span."""
    parts = [(" " * label, Style.null()), *heat.legend(scale, 16, frame.colors)]
    more = f"{hidden} more below   " if hidden > 0 else ""
    return ends(parts, [(f"{more}to step {count(held.end)} ", style(frame.colors.muted))], frame.width)
