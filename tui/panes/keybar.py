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
from tui.panes.lines import Part, ends
from tui.state.run import RunState, Section

__all__ = ["KeyBar", "keybar"]


class KeyBar(Pane):
    """One line of keys."""

    sections: ClassVar[tuple[Section, ...]] = ("status",)
    every: ClassVar[float] = 0.2

    def draw(self, state: RunState, width: int, height: int) -> list[Strip]:  # noqa: ARG002
        """One line."""
        bindings = [b.binding for b in self.screen.active_bindings.values() if b.enabled]
        return [keybar(state, bindings, width, self.look)]


def keybar(state: RunState, bindings: Sequence[Binding], width: int, colors: Palette) -> Strip:
    """The keys of `FOOTER` that fit, the important first; `q` stands at the right end."""
    known = {b.id: b for b in bindings if b.id}
    left: list[Part] = [(" ", Style.null())]
    last = _entry(known["quit"], "quit", colors) if "quit" in known else []
    free = width - 3 - sum(len(t) for t, _ in last)
    for id_, words, while_running in FOOTER:
        binding = known.get(id_)
        if binding is None or (while_running and state.over):
            continue
        text = words[1] if len(words) > 1 and id_ == "pause" and state.paused else words[0]
        entry = _entry(binding, text, colors)
        size = sum(len(t) for t, _ in entry)
        if size <= free:
            left += entry
            free -= size
    return ends(left, last, width, gap=0)


def _entry(binding: Binding, text: str, colors: Palette) -> list[Part]:
    click = Style(meta={"@click": f"app.{binding.action}"})
    key = key_name(binding.key)
    return [
        (key, style(colors.focus, bold=True) + click), (f" {text}", style(colors.muted) + click), ("   ", Style.null()),
    ]  # fmt: skip
