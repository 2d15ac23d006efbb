"""One line with the newest numbers, for the layout that shows one pane at a time."""

from __future__ import annotations

from typing import ClassVar

from textual.strip import Strip

from tui.colors import Palette, style
from tui.panes.base import Pane
from tui.panes.lines import Frame, Part, length, line
from tui.state.run import RunState, Section
from tui.text import cut, fit, metric

__all__ = ["NewestPane", "newest"]


class NewestPane(Pane):
    """The newest training and validation numbers."""

    sections: ClassVar[tuple[Section, ...]] = ("metrics",)

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """One line."""
        return [newest(state, frame.width, frame.colors)]


def newest(state: RunState, width: int, colors: Palette) -> Strip:
    """`train  loss 0.5120  accuracy 0.8150     valid  loss 0.5610 ...`, as many as fit for both: no number is cut."""
    made = (_parts(state, names, colors) for names in (3, 2, 1))
    return line(next((parts for parts in made if length(parts) <= width), _parts(state, 1, colors)), width)


def _parts(state: RunState, names: int, colors: Palette) -> list[Part]:
    """Both halves, each with so many numbers."""
    parts: list[Part] = []
    for phase, color in (("train", colors.train), ("valid", colors.valid)):
        row = state.rows.latest("train" if phase == "train" else "valid")
        parts.append((f" {phase}  ", style(color)))
        if row is None:
            parts.append((fit("not yet", 20), style(colors.muted)))
            continue
        for name in state.rows.names[:names]:
            if name in row.metrics:
                parts.append((f"{cut(name, 14)} ", style(colors.muted)))
                parts.append((fit(metric(row.metrics[name]), 9), style(colors.foreground)))
    return parts
