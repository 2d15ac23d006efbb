"""One line with the newest numbers, for the layout that shows one pane at a time; and one line for alerts."""

from __future__ import annotations

from typing import ClassVar

from textual.strip import Strip

from tui.colors import Palette, style
from tui.panes.base import Pane
from tui.panes.lines import Frame, Part, ends, line
from tui.state.run import RunState, Section
from tui.text import count, cut, fit, metric

__all__ = ["AlertPane", "NewestPane", "newest"]


class NewestPane(Pane):
    """The newest training and validation numbers."""

    sections: ClassVar[tuple[Section, ...]] = ("metrics",)

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """One line."""
        return [newest(state, frame.width, frame.colors)]


def newest(state: RunState, width: int, colors: Palette) -> Strip:
    """`train  loss 0.5120  accuracy 0.8150     valid  loss 0.5610 ...`, as much as fits."""
    parts: list[Part] = []
    for phase, color in (("train", colors.train), ("valid", colors.valid)):
        row = state.rows.latest("train" if phase == "train" else "valid")
        parts.append((f" {phase}  ", style(color)))
        if row is None:
            parts.append((fit("not yet", 20), style(colors.muted)))
            continue
        for name in state.rows.names[:3]:
            if name in row.metrics:
                parts.append((f"{cut(name, 14)} ", style(colors.muted)))
                parts.append((fit(metric(row.metrics[name]), 9), style(colors.foreground)))
    return line(parts, width)


class AlertPane(Pane):
    """The newest alert; the line is there only if there is one."""

    sections: ClassVar[tuple[Section, ...]] = ("alerts",)
    every: ClassVar[float] = 0.25

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """One line."""
        if not state.alerts:
            return []
        last, more = state.alerts[-1], len(state.alerts) - 1
        where = f" (step {count(last.step)})" if last.step else ""
        wrong = style(frame.colors.wrong, bold=True)
        right: list[Part] = [(f"and {more} more ", style(frame.colors.muted))] if more else []
        return [ends([(f" ! {last.text}{where}", wrong)], right, frame.width)]
