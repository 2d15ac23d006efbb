"""The command palette of Textual, which a page key ended where its list has no lines: at once, or in one cell."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.command import CommandList, CommandPalette

__all__ = ["Palette"]


class Palette(CommandPalette):
    """Page keys do nothing before there is a list to be seen."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("pagedown", "page('page_down')", "Next page", show=False),
        Binding("pageup", "page('page_up')", "Previous page", show=False),
    ]

    def action_page(self, action: str) -> None:
        """A page of the list up or down."""
        for shown in self.query(CommandList):
            if shown.virtual_size.height and shown.scrollable_content_region.area:
                getattr(shown, f"action_{action}")()
