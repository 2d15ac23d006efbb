"""All keys, made from the bindings themselves: as they are in force, remapped ones marked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from textwrap import wrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.keys import GROUPS, key_name, key_names
from tui.settings import settings_file

__all__ = ["Help", "help_lines", "pane_keys"]

NAME = 10
"""Cells for the keys."""
WIDTH = 90
"""Cells for running text."""
IN_EVERY_PANE = [Binding("tab", "", "next pane; shift+tab: the one before"), Binding("ctrl+p", "", "command palette")]


class Help(ModalScreen[None]):
    """A list of keys; any of `esc`, `?` and `q` closes it, and the key that the user has given to help."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "dismiss", "close", show=False),
        Binding("f1", "dismiss", "close", id="help", show=False),
    ]

    def __init__(self, keymap: Mapping[str, str], panes: Mapping[str, Iterable[BindingType]]) -> None:
        super().__init__()
        self._lines = help_lines(keymap, panes)

    def compose(self) -> ComposeResult:
        """The box."""
        with VerticalScroll(id="help") as box:
            box.border_title = "keys"
            box.border_subtitle = "esc closes · ↑ ↓ scroll"
            yield Static("\n".join(self._lines))


def help_lines(keymap: Mapping[str, str], panes: Mapping[str, Iterable[BindingType]]) -> list[str]:
    """One line of markup for each key under the names of the groups; `keymap` has the user's keys by their ids.

    `panes` has the bindings that serve only while a pane of that name has the focus.
    """
    lines: list[str] = []
    for name, bindings in GROUPS:
        lines += ["", *_group(name, bindings, keymap)] if lines else _group(name, bindings, keymap)
    lines += ["", *_group("Anywhere", IN_EVERY_PANE, {})]
    for name, own in panes.items():
        if text := _in_pane(name, own):
            lines += ["", *text]
    return [*lines, "", *_names()]


def pane_keys(kind: type) -> list[BindingType]:
    """The bindings of a widget's class and of those that it is made from, as far as they are ours.

    A key that a class has taken for something else is not listed with what it meant before.
    """
    kinds = [k for k in kind.__mro__ if k.__module__.startswith("tui.")]
    found: dict[str, BindingType] = {}
    for binding in Binding.make_bindings(b for k in kinds for b in vars(k).get("BINDINGS", [])):
        found.setdefault(binding.key, binding)
    return list(found.values())


def _group(name: str, bindings: Iterable[Binding], keymap: Mapping[str, str]) -> list[str]:
    lines = [f"[$muted]{name}[/]"]
    for b in bindings:
        own = keymap.get(b.id or "", b.key)
        keys = f"{key_names(own):>{NAME}}".replace("[", r"\[")
        mark = f"  [$waiting]yours; it was {_escaped(key_names(b.key))}[/]" if own != b.key else ""
        tip = f" [$muted]{b.tooltip}[/]" if b.tooltip else ""
        lines.append(f"[$focus b]{keys}[/]  {b.description:<33}{mark or tip}".rstrip())
    return lines


def _names() -> list[str]:
    """What the bindings are called in the settings file."""
    ids = " ".join(b.id for _, bindings in GROUPS for b in bindings if b.id)
    where = f"Names for your own keys, under [keys] in {settings_file()}"
    lines = [_escaped(line) for line in wrap(where, WIDTH, break_on_hyphens=False)]
    return [*(f"[$muted]{line}[/]" for line in lines), *wrap(ids, WIDTH, break_on_hyphens=False)]


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")


def _in_pane(name: str, bindings: Iterable[BindingType]) -> list[str]:
    """The keys of a pane as running text."""
    by_words: dict[str, str] = {}
    for b in Binding.make_bindings(bindings):
        if b.description:
            by_words[b.description] = f"{by_words.get(b.description, '')} {key_name(b.key)}".strip()
    pieces = [f"{keys} {words}".replace(" ", "\N{NO-BREAK SPACE}") for words, keys in by_words.items()]
    lines = wrap("  ".join(pieces), WIDTH, break_on_hyphens=False) if pieces else []
    return [f"[$muted]While {name} has the focus[/]", *(f"  {_escaped(line)}" for line in lines)] if lines else []
