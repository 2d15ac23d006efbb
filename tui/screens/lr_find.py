"""The screen of a search for a learning rate: the loss over the rates that were tried, and the one to begin with."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar

from textual.strip import Strip

from tui.colors import Palette, style
from tui.panes import chart
from tui.panes.base import Pane
from tui.panes.chart import Axis, Grid
from tui.panes.header import HeaderPane
from tui.panes.lines import Frame, Part, line, message
from tui.screens.small import Keys, SmallScreen
from tui.session import Session
from tui.state.found import Found
from tui.state.run import RunState, Section
from tui.text import count, cut, fit, metric

__all__ = ["AdvicePane", "CurvePane", "LRFindScreen", "RateHeader", "advice", "curve"]

LABEL = 8
"""Cells left of the plot."""
HUGE = 1e30
LOW = 20
"""Lines of the screen below which there is little room for words."""
WORST = 2.0
"""Losses are drawn up to so many times the span between the first one and the lowest: what diverges is cut off."""
FLAT = 0.02
"""Share of the first loss that the axis spans at least: losses that are all but the same shall look so."""


class RateHeader(HeaderPane):
    """What is tried, and how far the search is."""

    sections: ClassVar[tuple[Section, ...]] = ("status", "progress", "found")

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """Two lines."""
        lines = super().draw(state, frame)
        if state.found.rates and not (state.end is not None and state.end.error):
            lines[1] = _where(state.found, frame, state.over)
        return lines


def _where(found: Found, frame: Frame, over: bool) -> Strip:
    colors = frame.colors
    muted, strong = style(colors.muted), style(colors.foreground)
    doing = "the search ended at" if over else "looking for a learning rate  "
    parts: list[Part] = [
        (f" {doing} batch ", muted), (fit(count(len(found.rates)), 5, ">"), strong),
        ("   rate ", muted), (fit(f"{found.rates[-1]:.2e}", 9), strong),
        ("  loss ", muted), (fit(metric(found.losses[-1]), 9), strong),
    ]  # fmt: skip
    return line(parts, frame.width)


class CurvePane(Pane, can_focus=True):
    """The loss over the rate, on a log axis."""

    sections: ClassVar[tuple[Section, ...]] = ("found",)
    every: ClassVar[float] = 0.25
    ALLOW_SELECT: ClassVar[bool] = False

    def heading(self, state: RunState) -> str:
        """The title."""
        tried = len(state.found.rates)
        return "loss over learning rate ─ log axis" + (f" · {tried} batch{'es' * (tried != 1)}" if tried else "")

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """The chart, or what will come."""
        return curve(state.found, frame, state.over)


def curve(found: Found, frame: Frame, over: bool = False) -> list[Strip]:
    """The whole chart as lines: losses as points and a line, the suggestion as a mark, what is not finite as ×."""
    width, height, colors = frame.width, frame.height, frame.colors
    plot_width, plot_height = width - LABEL, height - 2
    if not found.rates or plot_width < 12 or plot_height < 3:
        if plot_height < 3 or plot_width < 12:
            return message(["too small"], frame)
        last = "no learning rate was tried" if over else "one point for each batch, from the first batch on"
        return message([last], frame)
    x = _rate_axis(found.rates, plot_width // 9)
    y, drawn = _loss_axis(found.losses, max(plot_height // 3, 4))
    grid = Grid(width, height)
    _draw_axes(grid, x, y, colors)
    steps = [math.log10(rate) for rate in found.rates]
    points = [(s, v) for s, v in zip(steps, found.losses, strict=True) if _usable(v)]
    _draw_suggestion(grid, found, x, y, colors)
    if drawn and len(points) > 1:
        chart.lines(
            grid, (LABEL, plot_width, plot_height), x, y,
            [([s for s, _ in points], [v for _, v in points], colors.train)],
        )  # fmt: skip
    elif drawn:
        step, value = points[0]
        grid.put(LABEL + x.cell(step, plot_width, 2), plot_height - 1 - y.cell(value, plot_height, 4), "●",
                 style(colors.train))  # fmt: skip
    for step, value in zip(steps, found.losses, strict=True):
        if not _usable(value):
            grid.put(LABEL + x.cell(step, plot_width, 2), plot_height - 1, "×", style(colors.wrong, bold=True))
    return grid.strips()


def _usable(value: float) -> bool:
    return math.isfinite(value) and abs(value) < HUGE


def _rate_axis(rates: Sequence[float], parts: int) -> Axis:
    """Whole decades, each with its label where there is room; the axis grows by decades."""
    low = math.floor(math.log10(min(rates)) + 1e-9)
    high = max(math.ceil(math.log10(max(rates)) - 1e-9), low + 1)
    every = max(-(-(high - low) // max(parts, 1)), 1)
    return Axis(float(low), float(high), tuple((float(e), _decade(e)) for e in range(low, high + 1, every)))


def _decade(exponent: int) -> str:
    """0.001, 0.1, 1, 100; beyond that 1e-05."""
    return f"{10.0**exponent:g}" if exponent >= -4 else f"1e{exponent}"


def _loss_axis(losses: Sequence[float], parts: int) -> tuple[Axis, bool]:
    """An axis on which the fall is seen whatever the divergence; False if there is nothing to draw."""
    values = [value for value in losses if _usable(value)]
    if not values:
        return Axis(0.0, 1.0, ()), False
    low, first = min(values), max(values[: max(len(values) // 4, 1)])
    high = min(max(values), first + WORST * max(first - low, 0.05 * abs(first), 1e-9))
    missing = max(FLAT * abs(first) - (high - low), 0.0)  # the first few losses are all but the same
    return chart.linear_axis(low - missing / 2, high + missing / 2, parts), True


def _draw_axes(grid: Grid, x: Axis, y: Axis, colors: Palette) -> None:
    width, height = grid.width - LABEL, grid.height - 2
    rule, text = style(colors.border), style(colors.muted)
    for row in range(height):
        grid.put(LABEL - 1, row, "│", rule)
    for value, label in y.ticks:
        row = height - 1 - y.cell(value, height, 4)
        grid.put(0, row, fit(cut(label, LABEL - 1), LABEL - 1, ">"), text)
        grid.put(LABEL - 1, row, "┤", rule)
    grid.put(LABEL - 1, height, "└" + "─" * width, rule)
    grid.put(0, height + 1, fit("rate", LABEL - 2, ">"), text)
    end = LABEL - 1
    for value, label in x.ticks:
        column = LABEL + x.cell(value, width, 2)
        start = min(max(column - len(label) // 2, end), grid.width - len(label))
        grid.put(column, height, "┬", rule)
        if start >= end:
            grid.put(start, height + 1, label, text)
            end = start + len(label) + 1


def _draw_suggestion(grid: Grid, found: Found, x: Axis, y: Axis, colors: Palette) -> None:
    """A dotted line with the rate in words, and a dot on the curve's nearest point."""
    rate = None if found.suggestion is None else found.suggestion.rate
    if rate is None or not x.low <= math.log10(rate) <= x.high:
        return
    width, height = grid.width - LABEL, grid.height - 2
    column = LABEL + x.cell(math.log10(rate), width, 2)
    look = style(colors.valid, bold=True)
    nearest = min(range(len(found.rates)), key=lambda i: abs(math.log(found.rates[i] / rate)))
    if _usable(found.losses[nearest]):
        grid.put(column, height - 1 - y.cell(found.losses[nearest], height, 4), "●", look)
    text = f"◂ {rate:g} suggested"
    start = column + 1 if column + 1 + len(text) <= grid.width else column - len(text)
    text = text if start > column else f"{rate:g} suggested ▸"
    grid.put(max(start, LABEL), 0, text, look)
    for row in range(height):
        grid.put(column, row, "┊", style(colors.valid), only_blank=True)


class AdvicePane(Pane):
    """The suggestion in words, with the command that uses it."""

    sections: ClassVar[tuple[Section, ...]] = ("found", "status")
    every: ClassVar[float] = 0.25

    def __init__(self, command: Callable[[float], str], *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.command = command

    def heading(self, state: RunState) -> str:  # noqa: ARG002
        """The title."""
        return "suggestion"

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """What is known, or what will come."""
        return advice(state, frame, self.command)


def advice(state: RunState, frame: Frame, command: Callable[[float], str]) -> list[Strip]:
    """The rate, the command, why this rate, and why the search ended; the important first."""
    colors, width = frame.colors, frame.width
    strong, muted = style(colors.foreground), style(colors.muted)
    suggested = state.found.suggestion
    if suggested is None:
        text = (
            "no suggestion: the search ended before one could be made"
            if state.over
            else (
                "the rate grows after every batch until the loss diverges; a suggestion comes then, or when you stop it"
            )
        )
        return message([text], frame)
    rows: list[list[Part]] = []
    if suggested.rate is not None:
        value: Part = (f"{suggested.rate:g}", style(colors.valid, bold=True))
        rows.append([("learning rate ", muted), value, ("  is a good one to begin with", muted)])
        told = _wrapped(command(suggested.rate), width - 2)  # whole, since it is what the search was for
        rows += [[("  " if i else "", strong), (row, strong)] for i, row in enumerate(told)]
    else:
        rows.append([("✗ no learning rate can be suggested", style(colors.wrong, bold=True))])
    for word, text in (("why", suggested.why), ("end", suggested.ended)):
        rows += [
            [(fit(word if not i else "", 5), muted), (row, strong if not i or word == "why" else muted)]
            for i, row in enumerate(_wrapped(text, width - 5))
        ]
    return [line(row, width) for row in rows]


def _wrapped(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, max(width, 8), break_on_hyphens=False)


class LRFindScreen(SmallScreen):
    """The curve over the advice."""

    def __init__(
        self, session: Session, state: RunState, clock: Callable[[], float], keys: Keys, command: Callable[[float], str]
    ) -> None:
        super().__init__(session, state, clock, keys)
        self.command = command

    def fit_size(self) -> None:
        """On a low screen the words give way to the curve."""
        super().fit_size()
        self.set_class(self.app.size.height < LOW, "-short")

    def header(self) -> Pane:
        """The two lines at the top."""
        return RateHeader(id="header")

    def content(self) -> Iterable[Pane]:
        """The curve and the advice."""
        yield CurvePane(id="curve", classes="pane")
        yield AdvicePane(self.command, id="advice", classes="pane")
