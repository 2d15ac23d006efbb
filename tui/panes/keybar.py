"""The footer: keys that do something now, made from the bindings themselves; each can be clicked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from textual.binding import Binding
from textual.strip import Strip

from tui.colors import Palette, style
from tui.keys import FOOTER, key_name
from tui.panes.base import Pane
from tui.panes.lines import Frame, Part, ends, length
from tui.state.run import RunState, Section

__all__ = ["KeyBar", "keybar"]

GAP = 2
"""Cells between two entries."""


class KeyBar(Pane):
    """One line of keys."""

    sections: ClassVar[tuple[Section, ...]] = ("status",)
    every: ClassVar[float] = 0.25

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """One line."""
        bindings = [b.binding for b in self.screen.active_bindings.values() if b.enabled]
        return [keybar(state, bindings, frame)]


def keybar(state: RunState, bindings: Sequence[Binding], frame: Frame) -> Strip:
    """The keys of `FOOTER` that fit, the important first; `q` stands at the right end."""
    width, colors = frame.width, frame.colors
    known = {b.id: b for b in bindings if b.id}
    last = _entry([known["quit"]], "quit", colors)[:-1] if "quit" in known else []
    free = width - 2 - length(last)
    shown: dict[str, list[Part]] = {}
    for ids, words, while_running, _rank in sorted(FOOTER, key=lambda entry: entry[3]):
        keys = [known[id_] for id_ in ids.split() if id_ in known]
        if not keys or (while_running and state.over):
            continue
        entry = _entry(keys, words[-1] if state.paused else words[0], colors)
        if length(entry) > free:
            break
        shown[ids] = entry
        free -= length(entry)
    left = [part for ids, *_ in FOOTER for part in shown.get(ids, [])]
    return ends([(" ", Style.null()), *left], [*last, (" ", Style.null())], width, gap=0)


def _entry(bindings: Sequence[Binding], text: str, colors: Palette) -> list[Part]:
    """Keys, each of which can be clicked, the words that they share, and a gap."""
    parts: list[Part] = []
    for i, binding in enumerate(bindings):
        click = Style(meta={"@click": f"app.{binding.action.removeprefix('app.')}"})
        parts.append((" " * (i > 0) + key_name(binding.key), style(colors.focus, bold=True) + click))
    words = (f" {text}", style(colors.muted) + click if len(bindings) == 1 else style(colors.muted))
    return [*parts, words, (" " * GAP, Style.null())]
