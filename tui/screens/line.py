"""A line to type into, on a screen that may be asked for letters before the line is there."""

from __future__ import annotations

from typing import Any

from textual.events import Key, Paste
from textual.screen import Screen
from textual.widgets import Input

__all__ = ["take_for_line"]


def take_for_line(screen: Screen[Any], typed: Key | Paste) -> None:
    """Put into the screen's line what came to the screen itself; what is typed into the line never gets there."""
    if isinstance(typed, Paste):
        text = typed.text.strip().partition("\n")[0]
    elif typed.is_printable and typed.character:
        text = typed.character
    else:
        return
    typed.stop()
    screen.query_one(Input).insert_text_at_cursor(text)
