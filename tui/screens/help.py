"""All keys, made from the bindings themselves."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.keys import GROUPS, key_name

__all__ = ["Help"]


class Help(ModalScreen[None]):
    """A list of keys; any of `esc`, `?` and `q` closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "dismiss", "close", show=False),
    ]

    def compose(self) -> ComposeResult:
        """The box."""
        with VerticalScroll(id="help") as box:
            box.border_title = "keys"
            box.border_subtitle = "esc closes"
            yield Static("\n".join(help_lines()))


def help_lines() -> list[str]:
    """One line of markup for each key, under the names of the groups."""
    lines: list[str] = []
    for name, bindings in GROUPS:
        lines += ["", f"[$muted]{name}[/]"] if lines else [f"[$muted]{name}[/]"]
        for b in bindings:
            key = key_name(b.key).replace("[", r"\[")
            lines.append(f"[$focus b]{key:>7}[/]  {b.description:<33} [$muted]{b.tooltip}[/]")
    return [*lines, "", f"[$focus b]{'ctrl+p':>7}[/]  command palette"]
