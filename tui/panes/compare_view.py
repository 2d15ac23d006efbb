"""What a comparison shows: the runs, which of their curves, on which axes; no drawing, no widgets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.colors import Palette
from tui.compare_runs import Compared
from tui.panes.axes import grown_axis
from tui.panes.chart import Axis
from tui.panes.loss_view import RAW, SMOOTHING, SPANS, UNITS, Choice, choices
from tui.state.clock import Unit
from tui.state.run import RunState
from tui.text import cut

if TYPE_CHECKING:
    from tui.history import Series

__all__ = ["Comparison", "color_of", "curve_of"]

_DARK = ("#5fb4f7", "#f2a552", "#3fd0a0", "#f0e05a", "#e58ac0", "#ff7a5c", "#a99bff", "#d6dce6")
_LIGHT = ("#0b6bbf", "#b45f00", "#007a55", "#857400", "#b0307f", "#c8321e", "#5a3fc0", "#20262e")
_DARK_16 = ("#55ffff", "#ffff55", "#55ff55", "#ff55ff", "#ff5555", "#5555ff", "#ffffff", "#aaaaaa")
_LIGHT_16 = ("#0000aa", "#aa5500", "#00aa00", "#aa00aa", "#aa0000", "#00aaaa", "#000000", "#555555")
FIRST = "train loss"


def color_of(which: int, colors: Palette) -> str:
    """The colour of run number `which`; the run's letter always stands beside it."""
    few = colors.depth == "standard"
    shades = (_DARK_16 if few else _DARK) if colors.dark else (_LIGHT_16 if few else _LIGHT)
    return shades[which % len(shades)]


def curves_of(state: RunState) -> dict[str, Choice]:
    """What can be drawn of a run by name, each a single curve (`Choice.train`)."""
    found: dict[str, Choice] = {}
    for choice in choices(state):
        halves: tuple[tuple[str, Series | None, str], ...] = (
            ("train", choice.train, choice.kind),
            ("valid", choice.valid, "epochs"),
        )
        for half, series, kind in halves:
            if series is not None and series.used:
                both = choice.name == "loss" or choice.kind == "epochs"
                name = f"{half} {choice.name}" if both else choice.name
                found[name] = Choice(name, series, None, kind)
    return found


def curve_of(state: RunState, name: str) -> Choice | None:
    """One curve of a run; None if there is none yet."""
    return curves_of(state).get(name)


@dataclass
class Comparison:
    """The runs, and all that keys change."""

    runs: Sequence[Compared]
    revision: int = 0
    """Grows when something that is shown has changed."""
    name: str = FIRST
    log: bool = False
    unit: Unit = "steps"
    smoothing: int | None = None
    """Which average is drawn, `RAW` for none; None: as fits the longest run."""
    cross: float | None = None
    """Place of the crosshair on the axis."""
    every: bool = False
    """Whether settings that are the same are listed too."""
    corner: int = 0
    """Where the legend stands; it moves only where it would hide much."""

    @property
    def names(self) -> list[str]:
        """Curves of which at least one run has something, validation beside training."""
        found = dict.fromkeys(name for run in self.runs for name in curves_of(run.state))
        order = {"train loss": 0, "valid loss": 1, "learning rate": 3, "gradient norm": 4}
        return sorted(found, key=lambda name: order.get(name, 2 if name.startswith(("train ", "valid ")) else 5))

    def next_name(self, by: int) -> None:
        """Other curves."""
        names = self.names
        if names:
            self.name = names[(names.index(self.name) + by) % len(names)] if self.name in names else names[0]

    def next_unit(self) -> None:
        """Steps, epochs, time; the crosshair would mean another place."""
        self.unit, self.cross = UNITS[(UNITS.index(self.unit) + 1) % len(UNITS)], None

    def smooth_by(self, by: int) -> None:
        """Stronger or weaker."""
        self.smoothing = min(max(self.strength + by, RAW), len(SPANS) - 1)

    @property
    def strength(self) -> int:
        """Which average is drawn."""
        longest = max((run.state.step for run in self.runs), default=0)
        return self.smoothing if self.smoothing is not None else sum(longest > limit for limit in SMOOTHING)

    @property
    def kind(self) -> str:
        """What kind of curves is drawn (see `Choice`)."""
        found = (curve_of(run.state, self.name) for run in self.runs)
        return next((choice.kind for choice in found if choice is not None), "steps")

    def axis(self, parts: int) -> Axis:
        """From 0 to where the longest run is."""
        told = [run.state for run in self.runs if run.state.clock.knows(self.unit)]
        last = max((s.clock.one(self.unit, float(max(s.step, 1))) for s in told), default=1.0)
        plans = (
            {"steps": s.progress.epochs * s.progress.halves["train"], "epochs": s.progress.epochs, "time": 0}[self.unit]
            for s in told
        )
        return grown_axis(self.unit, last, max(plans, default=0), parts)

    @property
    def title(self) -> str:
        """What is shown, in words."""
        parts = ["log y" if self.log else "linear y"]
        if self.unit != "steps":
            parts.append("by epochs" if self.unit == "epochs" else "by time")
        if self.kind == "steps":
            strength = self.strength
            parts.append("not smoothed" if strength == RAW else f"smooth ~{SPANS[strength]}")
        return f"{cut(self.name, 30)} ─ " + " · ".join(parts)
