"""The footer: keys that do something now, made from the bindings themselves; each can be clicked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.style import Style
from textual.binding import Binding
from textual.strip import Strip

from tui.colors import Palette, style
from tui.footer import FOOTER, Entry, Form
from tui.key_order import KeysInOrder
from tui.keys import key_name
from tui.panes.base import Pane
from tui.panes.lines import Frame, Part, ends, length
from tui.state.run import RunState, Section

__all__ = ["KeyBar", "keybar", "typing_bar"]

GAP = 2
"""Cells between two entries."""


class KeyBar(Pane):
    """One line of keys: those of the run and the screen, then those of the pane with the focus."""

    sections: ClassVar[tuple[Section, ...]] = ("status",)
    every: ClassVar[float] = 0.25

    def seen(self, state: RunState) -> int:
        """The keys change with a pause, with the end and with a replay; each epoch changes the status."""
        return 4 * state.replaying + 2 * _stands(state) + state.over

    def draw(self, state: RunState, frame: Frame) -> list[Strip]:
        """One line."""
        app = self.app
        if isinstance(app, KeysInOrder) and app.typed_into is not None:
            return [typing_bar(frame)]
        bindings = [b.binding for b in self.screen.active_bindings.values() if b.enabled]
        focused = self.screen.focused
        return [keybar(state, bindings, frame, (focused.id if focused is not None else "") or "")]


def keybar(state: RunState, bindings: Sequence[Binding], frame: Frame, focused: str = "") -> Strip:
    """The keys of `FOOTER` that fit, the important first; `q` stands at the right end.

    By their ranks entries come in with few words, and then are given their longer words. `focused` is a pane's id.
    """
    width, colors = frame.width, frame.colors
    known = {b.id: b for b in bindings if b.id}
    last = _entry([known["quit"]], "quit", colors)[:-1] if "quit" in known else []
    free = width - 2 - length(last)
    shown: dict[Entry, list[Part]] = {}
    for _, entry, forms in sorted(_steps(state, focused), key=lambda step: step[0]):
        parts = [part for form in forms for part in _form(form, known, state, colors)]
        more = length(parts) - length(shown.get(entry, []))
        if more <= free and (entry in shown or forms[0] is entry.short):
            shown[entry] = parts
            free -= more
    left = [part for entry in FOOTER for part in shown.get(entry, [])]
    return ends([(" ", Style.null()), *left], [*last, (" ", Style.null())], width, gap=0)


def typing_bar(frame: Frame) -> Strip:
    """The keys that are none of a text that is typed."""
    key, muted = style(frame.colors.focus, bold=True), style(frame.colors.muted)
    entries = [("enter", "keep"), ("esc", "clear"), ("ctrl+u", "empty"), ("↑ ↓", "scroll")]
    parts: list[Part] = [part for name, word in entries for part in ((name, key), (f" {word}{' ' * GAP}", muted))]
    return ends([(" ", Style.null()), *parts], [], frame.width, gap=0)


def _steps(state: RunState, focused: str) -> list[tuple[int, Entry, tuple[Form, ...]]]:
    """What would be shown, by rank."""
    replay = state.replaying
    now = [
        e for e in FOOTER
        if not (e.going and (state.over or (replay and not e.short.replay))) and e.pane in ("", focused)
    ]  # fmt: skip
    return [(e.rank, e, (e.short,)) for e in now] + [(e.long_rank, e, e.long) for e in now if e.long]


def _form(form: Form, known: Mapping[str, Binding], state: RunState, colors: Palette) -> list[Part]:
    keys = [known[id_] for id_ in form.ids if id_ in known]
    if not keys:
        return []
    word = form.replay or form.word if state.replaying else form.word
    return _entry(keys, form.paused if _stands(state) and form.paused else word, colors, form.span)


def _stands(state: RunState) -> bool:
    """Whether the run, or the replay of one, stands still."""
    return state.stands if state.replaying else state.paused


def _entry(bindings: Sequence[Binding], text: str, colors: Palette, span: bool = False) -> list[Part]:
    """Keys, each of which can be clicked, the words that they share, and a gap."""
    parts: list[Part] = []
    between = " "
    if span and len(bindings) > 2:
        bindings, between = (bindings[0], bindings[-1]), "-"
    for i, binding in enumerate(bindings):
        click = Style(meta={"@click": f"app.{binding.action.removeprefix('app.')}"})
        if i:
            parts.append((between, style(colors.muted)))
        parts.append((key_name(binding.key), style(colors.focus, bold=True) + click))
    words = (f" {text}", style(colors.muted) + click if len(bindings) == 1 else style(colors.muted))
    return [*parts, words, (" " * GAP, Style.null())]
