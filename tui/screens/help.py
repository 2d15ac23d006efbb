"""All keys, made from the bindings themselves: as they are in force, remapped ones marked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from textwrap import wrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Static

from tui.keys import GROUPS, key_name, key_names
from tui.settings import settings_file

__all__ = ["Help", "help_lines", "key_lines", "pane_keys", "room"]

NAME = 10
"""Cells for the keys."""
TITLE = 33
"""Cells for what a key does."""
WIDTH = 90
"""Cells for running text at most."""
BESIDE = 100
"""Cells from which a tooltip stands beside its key; below it has lines of its own."""
IN_EVERY_PANE = [Binding("tab", "", "next pane; shift+tab: the one before"), Binding("ctrl+p", "", "command palette")]


class Help(ModalScreen[None]):
    """A list of keys; any of `esc`, `?` and `q` closes it, and the key that the user has given to help."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q", "dismiss", "close", show=False),
        Binding("f1", "dismiss", "close", id="help", show=False),
    ]

    def __init__(self, keymap: Mapping[str, str], panes: Mapping[str, Iterable[BindingType]]) -> None:
        super().__init__()
        self._keymap, self._panes = keymap, {name: list(own) for name, own in panes.items()}

    def compose(self) -> ComposeResult:
        """The box."""
        with VerticalScroll(id="help") as box:
            box.border_title = "keys"
            box.border_subtitle = "esc closes · ↑ ↓ scroll"
            yield Static()

    def on_resize(self) -> None:
        """Lines for the width that there is."""
        width = room(self.query_one("#help"))
        self.query_one(Static).update("\n".join(help_lines(self._keymap, self._panes, width)))


def room(box: Widget) -> int:
    """Cells of a line in the box, beside the bar that comes when there are more lines than fit."""
    bar = 0 if box.show_vertical_scrollbar else box.styles.scrollbar_size_vertical
    return box.scrollable_content_region.width - bar


def help_lines(keymap: Mapping[str, str], panes: Mapping[str, Iterable[BindingType]], width: int = BESIDE) -> list[str]:
    """Lines of markup, `width` cells wide: each key under the name of its group; `keymap` has the user's keys by ids.

    `panes` has the bindings that serve only while a pane of that name has the focus.
    """
    lines: list[str] = []
    for name, bindings in GROUPS:
        lines += ["", *_group(name, bindings, keymap, width)] if lines else _group(name, bindings, keymap, width)
    lines += ["", *_group("Anywhere", IN_EVERY_PANE, {}, width)]
    text = max(min(WIDTH, width), 20)
    for name, own in panes.items():
        if mine := _in_pane(name, own, text):
            lines += ["", *mine]
    return [*lines, "", *_names(text)]


def pane_keys(kind: type) -> list[BindingType]:
    """The bindings of a widget's class and of those that it is made from, as far as they are ours.

    A key that a class has taken for something else is not listed with what it meant before.
    """
    kinds = [k for k in kind.__mro__ if k.__module__.startswith("tui.")]
    found: dict[str, BindingType] = {}
    for binding in Binding.make_bindings(b for k in kinds for b in vars(k).get("BINDINGS", [])):
        found.setdefault(binding.key, binding)
    return list(found.values())


def _group(name: str, bindings: Iterable[Binding], keymap: Mapping[str, str], width: int) -> list[str]:
    return [f"[$muted]{name}[/]", *key_lines(bindings, keymap, width)]


def key_lines(bindings: Iterable[Binding], keymap: Mapping[str, str], width: int) -> list[str]:
    """Keys and what they do; a tooltip stands beside, or below where there is no room for all of it."""
    lines: list[str] = []
    for b in bindings:
        own = keymap.get(b.id or "", b.key)
        keys = f"{key_names(own):>{NAME}}".replace("[", r"\[")
        mark = f"  [$waiting]yours; it was {_escaped(key_names(b.key))}[/]" if own != b.key else ""
        beside = width >= BESIDE and NAME + 3 + max(TITLE, len(b.description)) + len(b.tooltip) <= width
        tip = f" [$muted]{b.tooltip}[/]" if b.tooltip and beside else ""
        lines.append(f"[$focus b]{keys}[/]  {b.description:<{TITLE}}{mark or tip}".rstrip())
        if b.tooltip and not tip and not mark:
            told = wrap(b.tooltip, max(width - NAME - 2, 10), break_on_hyphens=False)
            lines += [f"{'':<{NAME + 2}}[$muted]{_escaped(line)}[/]" for line in told]
    return lines


def _names(width: int) -> list[str]:
    """What the bindings are called in the settings file."""
    ids = " ".join(b.id for _, bindings in GROUPS for b in bindings if b.id)
    where = f"Names for your own keys, under [keys] in {settings_file()}"
    lines = [_escaped(line) for line in wrap(where, width, break_on_hyphens=False)]
    return [*(f"[$muted]{line}[/]" for line in lines), *wrap(ids, width, break_on_hyphens=False)]


def _escaped(text: str) -> str:
    return text.replace("[", r"\[")


def _in_pane(name: str, bindings: Iterable[BindingType], width: int) -> list[str]:
    """The keys of a pane as running text."""
    by_words: dict[str, str] = {}
    for b in Binding.make_bindings(bindings):
        if b.description:
            by_words[b.description] = f"{by_words.get(b.description, '')} {key_name(b.key)}".strip()
    pieces = [f"{keys} {words}".replace(" ", "\N{NO-BREAK SPACE}") for words, keys in by_words.items()]
    lines = wrap("  ".join(pieces), width - 2, break_on_hyphens=False) if pieces else []
    return [f"[$muted]While {name} has the focus[/]", *(f"  {_escaped(line)}" for line in lines)] if lines else []
