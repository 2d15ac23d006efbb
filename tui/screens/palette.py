"""The command palette: every key's action by name, with the key itself as it is in force and what it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar, NamedTuple

from textual.app import App
from textual.binding import Binding, BindingType
from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.events import Key, Paste

from tui.screens.line import take_for_line

__all__ = ["Entry", "Palette"]

NAME = 10
"""Cells for the keys."""
_BEST = 1e6
"""Above what any name that matches scores."""


class Entry(NamedTuple):
    """One line of the palette, and a second one that says more."""

    keys: str
    """As people write them."""
    title: str
    tooltip: str
    run: Callable[[], object]


class _Commands(Provider):
    """The keys' actions: in the order of the help until something is typed, then the best match first."""

    entries: ClassVar[tuple[Entry, ...]] = ()

    async def discover(self) -> Hits:
        """All of them."""
        for entry in self.entries:
            yield DiscoveryHit(_shown(entry, Content(entry.title)), entry.run, entry.title, _told(entry))

    async def search(self, query: str) -> Hits:
        """Those whose title matches, and the one whose key was typed."""
        matcher = self.matcher(query)
        for entry in self.entries:
            score = _BEST if query in entry.keys.split() else matcher.match(entry.title)
            if score > 0:
                title = matcher.highlight(entry.title)
                yield Hit(score, _shown(entry, title), entry.run, entry.title, _told(entry))


class Palette(CommandPalette):
    """Textual's, which page keys ended where its list has no lines: at once, or in one cell."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pagedown", "page('page_down')", "Next page", show=False),
        Binding("pageup", "page('page_up')", "Previous page", show=False),
    ]

    def __init__(self, entries: Iterable[Entry]) -> None:
        own = type("Commands", (_Commands,), {"entries": tuple(entries)})
        super().__init__([own], placeholder="an action, or its key", id="--command-palette")

    @classmethod
    def open_on(cls, app: App[None], entries: Iterable[Entry]) -> None:
        """Push a palette, unless there is one."""
        if not cls.is_open(app):  # type: ignore[arg-type]  # any app will do
            app.push_screen(cls(entries))

    def action_page(self, action: str) -> None:
        """A page of the list up or down."""
        for shown in self.query(CommandList):
            if shown.virtual_size.height and shown.scrollable_content_region.area:
                getattr(shown, f"action_{action}")()

    def on_key(self, event: Key) -> None:
        """A letter that came while there was no line yet."""
        take_for_line(self, event)

    def on_paste(self, event: Paste) -> None:
        """The same for what is pasted."""
        take_for_line(self, event)


def _shown(entry: Entry, title: Content) -> Content:
    keys = Content.from_markup("[$focus b]$keys[/]", keys=f"{entry.keys:>{NAME}}")
    return Content.assemble(keys, "  ", title)


def _told(entry: Entry) -> str:
    """The tooltip below the title; markup, as Textual takes it."""
    return " " * (NAME + 2) + entry.tooltip.replace("[", r"\[") if entry.tooltip else ""
