"""Copies to the clipboard of the user's own terminal (OSC 52), and says so where the answers to keys stand."""

from __future__ import annotations

from tui.panes.base import Pane
from tui.panes.header import HeaderPane
from tui.text import count

__all__ = ["copy", "say", "tsv"]


def copy(pane: Pane, text: str, what: str) -> None:
    """Copy `text`; the header says that `what` was copied."""
    pane.app.copy_to_clipboard(text)
    if pane.state is not None:
        lines = text.count("\n") + 1
        size = f" ({count(lines)} lines)" if lines > 1 else ""
        say(pane, f"copied: {what}{size}")


def say(pane: Pane, words: str) -> None:
    """Say something at once, where the answers to keys stand."""
    if pane.state is not None:
        pane.state.say(words)
        for header in pane.screen.query(HeaderPane):
            header.redraw()


def tsv(rows: list[list[str]]) -> str:
    """Rows of cells as lines with tabs between, for a spreadsheet."""
    return "\n".join("\t".join(cell.replace("\t", " ") for cell in row) for row in rows)
