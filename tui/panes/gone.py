"""What is shown, large, when the trainer died or never started: why, and the end of its log."""

from __future__ import annotations

from typing import ClassVar

from textual.strip import Strip

from tui.colors import style
from tui.panes.base import Pane
from tui.panes.lines import Frame, Part, line
from tui.state.run import RunState, Section
from tui.text import cut

__all__ = ["GonePane", "gone"]


class GonePane(Pane):
    """Lies over the panes until `esc`."""

    sections: ClassVar[tuple[Section, ...]] = ("alerts",)
    every: ClassVar[float] = 0.0

    def heading(self, state: RunState) -> str:  # noqa: ARG002
        """The title."""
        return "the trainer is gone"

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """Why, and the log's end."""
        return gone(state, frame)


def gone(state: RunState, frame: Frame) -> list[Strip]:
    """The reason, then as many of the log's last lines as fit."""
    if state.gone is None:
        return []
    text, tail = state.gone
    width, colors = frame.width, frame.colors
    muted = style(colors.muted)
    head: list[list[Part]] = [
        [], [("  ✗ " + cut(text, width - 5), style(colors.wrong, bold=True))], [],
        [("  the end of its log" if tail else "  its log is empty", muted)], [],
    ]  # fmt: skip
    room = max(frame.height - len(head) - 2, 0)
    body: list[list[Part]] = [[("    " + cut(x, width - 5), style(colors.foreground))] for x in tail[-room:] if room]
    return [line(parts, width) for parts in [*head, *body, [], [("  esc shows the panes   q quits", muted)]]]
