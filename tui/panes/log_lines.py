"""Lines of the log pane: one of the log with what was looked for, and the one in which a filter is typed."""

from __future__ import annotations

import os
from pathlib import Path

from rich.cells import cell_len
from rich.style import Style
from textual.strip import Strip

from tui.colors import Palette, style
from tui.panes.lines import Frame, Part, line
from tui.panes.logfile import Level, LogLine
from tui.text import clean, count, cut

__all__ = ["filter_line", "log_line", "near", "shortened"]

SIGNS: dict[Level, str] = {"error": "✗ ", "warning": "! ", "info": "· ", "debug": "· ", "": "  "}


def log_line(shown: LogLine, frame: Frame, words: str = "", shifted: int = 0) -> Strip:
    """A line after its sign; the first place where `words` stand is marked, `shifted` characters are left of it."""
    width = frame.width
    look = _look(shown.level, frame.colors)
    text = cut(shown.text[shifted:], max(width - 2, 0))
    sign: Part = (SIGNS[shown.level], look)
    at = text.lower().find(words.lower()) if words else -1
    if at < 0 or len(text.lower()) != len(text):
        return line([sign, (text, look)], width)
    end = at + len(words)
    parts: list[Part] = [(text[:at], look), (text[at:end], look + Style(reverse=True)), (text[end:], look)]
    return line([sign, *parts], width)


def filter_line(words: str, typing: bool, found: tuple[int, int], frame: Frame) -> Strip:
    """The filter, a cursor while it is typed, how many of how many lines it leaves, and its keys."""
    colors, room = frame.colors, max(frame.width // 2, 1)
    shown = clean(words)
    while cell_len(shown) > room:
        shown = shown[1:]  # the end is where one types
    cursor: list[Part] = [("▏", style(colors.focus, bold=True))] if typing else []
    hint = " · enter keeps it, esc clears it" if typing else " · esc clears it"
    typed: list[Part] = [("/", style(colors.focus, bold=True)), (shown, style(colors.foreground))]
    return line(
        [*typed, *cursor, (f"   {count(found[0])} of {count(found[1])}{hint}", style(colors.muted))], frame.width
    )


def shortened(words: str, key: str) -> str:
    """Without the last character, the last word (ctrl+w), or anything (ctrl+u)."""
    if key == "ctrl+w":
        return words.rstrip()[: words.rstrip().rfind(" ") + 1]
    return "" if key == "ctrl+u" else words[:-1]


def near(path: Path) -> str:
    """A path relative to the current folder where that is shorter."""
    try:
        relative = os.path.relpath(path)
    except (ValueError, OSError):
        relative = str(path)
    return clean(relative if len(relative) < len(str(path)) else str(path), 200)


def _look(level: Level, colors: Palette) -> Style:
    named = {"error": colors.wrong, "warning": colors.waiting, "debug": colors.muted}
    return style(named.get(level, colors.foreground), bold=level == "error")
