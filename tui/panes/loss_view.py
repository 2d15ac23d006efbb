"""What of the run the loss chart shows: which curves, which window on them, in which unit. No drawing, no widgets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.panes.axes import fixed_axis, grown_axis, moving_axis
from tui.panes.chart import Axis
from tui.smoothing import SPANS
from tui.state.clock import Unit
from tui.state.run import RunState
from tui.text import count, cut

if TYPE_CHECKING:
    from tui.history import Series

__all__ = ["SPANS", "Choice", "View", "choices"]

WINDOWS = ("full", "recent", "follow")
UNITS: tuple[Unit, ...] = ("steps", "epochs", "time")
RAW = -1
"""Strength of smoothing that draws the values themselves."""
SMOOTHING = (200, 1_000, 5_000)
"""Steps in the window above which a longer average is chosen, so that it spans about the same share of it."""
RECENT = 0.2
"""Share of the run so far that "recent" shows."""
NARROWEST, WIDEST = 8.0, 1e12
"""Steps of a zoomed window."""


@dataclass(frozen=True)
class Choice:
    """Curves that are drawn together."""

    name: str
    train: Series | None
    valid: Series | None
    kind: str = "steps"
    """"steps": values of many steps; "epochs": one value for each epoch; "held": a value holds until the next."""

    @property
    def first(self) -> str:
        """What the first curve is called beside the second."""
        return {"loss": "train", "learning rate": "rate"}.get(self.name, "train" if self.kind == "epochs" else "value")


def choices(state: RunState) -> list[Choice]:
    """What can be drawn, the loss first."""
    series, curves = state.series, state.curves
    found = [Choice("loss", series.get("loss"), series.get("valid_loss"))]
    names = dict.fromkeys([*state.rows.names[1:], *curves.names])
    found += [Choice(n, curves.series.get((n, "train")), curves.series.get((n, "valid")), "epochs") for n in names]
    found.append(Choice("learning rate", series.get("lr"), None, "held"))
    if "grad_norm" in series:
        found.append(Choice("gradient norm", series["grad_norm"], None))
    more = [name for name in series if name not in ("loss", "valid_loss", "lr", "grad_norm")]
    return found + [Choice(name, series[name], None) for name in more]


@dataclass
class View:
    """All that keys and the mouse change."""

    name: str = "loss"
    log: bool = False
    window: str = "full"
    zoom: tuple[float, float] | None = None
    """First and last step of a window that stands still."""
    following: float = 500.0
    """Steps that "follow" shows."""
    smoothing: int | None = None
    """Which average is drawn, `RAW` for none; None: as fits the window."""
    trimmed: bool = False
    """Whether outliers are left out."""
    unit: Unit = "steps"
    cross: int | None = None
    """Step under the crosshair."""
    parts: int = 5
    """Parts that the ticks cut the axis into; as many as the drawing has room for."""

    # -- what is shown ---------------------------------------------------------------------------------------------

    def choice(self, state: RunState) -> Choice:
        """The curves that are drawn; the loss if what was chosen is not known in this run."""
        found = choices(state)
        return next((c for c in found if c.name == self.name), found[0])

    def told(self, state: RunState) -> Unit:
        """The unit of the axis: steps as long as the one asked for is not known."""
        return self.unit if state.clock.knows(self.unit) else "steps"

    def axis(self, state: RunState) -> Axis:
        """The axis of the window, in its unit."""
        unit, clock, parts, last = self.told(state), state.clock, self.parts, float(max(state.step, 1))
        if self.zoom is not None:
            low, high = (clock.one(unit, step) for step in self.zoom)
            return fixed_axis(unit, low, high, parts)
        if self.window == "full":
            epochs = state.progress.epochs
            total = {"steps": epochs * state.progress.halves["train"], "epochs": epochs, "time": 0}[unit]
            end = clock.one(unit, last)
            return grown_axis(unit, end, end if state.over else total, parts)
        low = last * (1 - RECENT) if self.window == "recent" else max(last - self.following, 0.0)
        return moving_axis(unit, clock.one(unit, low), clock.one(unit, last), parts)

    def strength(self, state: RunState) -> int:
        """Which average is drawn."""
        if self.smoothing is not None:
            return self.smoothing
        low, high = self.bounds(state)
        return sum(high - low > limit for limit in SMOOTHING)

    def bounds(self, state: RunState) -> tuple[float, float]:
        """First and last step of the window."""
        if self.zoom is not None:
            return self.zoom
        axis, unit = self.axis(state), self.told(state)
        if unit == "steps":
            return axis.low, axis.high
        return state.clock.step(unit, axis.low), state.clock.step(unit, axis.high)

    def title(self, state: RunState) -> str:
        """What is shown, in words."""
        parts = [self.name, "log y" if self.log else "linear y"]
        if self.zoom is not None:
            parts.append(f"steps {count(round(self.zoom[0]))} to {count(round(self.zoom[1]))}")
        elif self.window == "follow":
            parts.append(f"follow {count(round(self.following))} steps")
        else:
            parts.append(self.window if self.window == "full" else "recent fifth")
        if self.unit != "steps":
            parts.append("by epochs" if self.unit == "epochs" else "by time")
        if self.choice(state).kind == "steps":
            strength = self.strength(state)
            parts.append("not smoothed" if strength == RAW else f"smooth ~{SPANS[strength]}")
        return f"{cut(parts[0], 24)} ─ " + " · ".join(parts[1:])

    # -- what keys do ----------------------------------------------------------------------------------------------

    def next_choice(self, state: RunState) -> None:
        """The next curves."""
        names = [c.name for c in choices(state)]
        self.name = names[(names.index(self.name) + 1) % len(names)] if self.name in names else names[0]

    def next_window(self) -> None:
        """Full, recent, follow; out of a zoomed window to the full one."""
        if self.zoom is None:
            self.window = WINDOWS[(WINDOWS.index(self.window) + 1) % len(WINDOWS)]
        else:
            self.zoom, self.window = None, "full"

    def next_unit(self) -> None:
        """Steps, epochs, time."""
        self.unit = UNITS[(UNITS.index(self.unit) + 1) % len(UNITS)]

    def smooth_by(self, state: RunState, by: int) -> None:
        """Stronger or weaker."""
        self.smoothing = min(max(self.strength(state) + by, RAW), len(SPANS) - 1)

    def zoom_by(self, state: RunState, factor: float, center: float | None = None) -> None:
        """Show `factor` times as many steps, around `center`; "follow" goes on following."""
        if self.zoom is None and self.window == "follow" and center is None:
            self.following = min(max(self.following * factor, NARROWEST), WIDEST)
            return
        low, high = self.bounds(state)
        last = float(max(state.step, 1))
        if center is None:
            cross = self.cross if self.cross is not None and low <= self.cross <= high else None
            center = float(cross) if cross is not None else (low + min(high, max(last, low))) / 2
        width = min(max((high - low) * factor, NARROWEST), WIDEST)
        share = (center - low) / max(high - low, 1e-9)
        self._show(state, center - share * width, width)

    def pan_by(self, state: RunState, steps: float) -> None:
        """Move the window by so many steps; it stands still from then on."""
        low, high = self.bounds(state)
        self._show(state, low + steps, high - low)

    def _show(self, state: RunState, low: float, width: float) -> None:
        """A window that stands still, within the run; one that holds it all is the full one."""
        whole = View(unit=self.unit).bounds(state)[1]
        if width >= whole:
            self.zoom, self.window = None, "full"
            return
        low = min(max(low, 0.0), max(whole - width, 0.0))
        self.zoom = (low, low + width)

    def see(self, state: RunState, step: float) -> None:
        """Move the window if the step lies outside."""
        low, high = self.bounds(state)
        if not low <= step <= high:
            self._show(state, step - (high - low) / 2, high - low)
