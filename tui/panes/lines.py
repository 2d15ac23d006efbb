"""Lines of a pane: made of styled parts, exactly as wide as the pane, compared to find what changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tui.colors import Palette, style
from tui.text import cut

__all__ = [
    "Frame",
    "Part",
    "blank",
    "center",
    "changed",
    "ends",
    "length",
    "line",
    "located",
    "message",
    "pad",
    "placed",
]

Part: TypeAlias = tuple[str, Style]
"""Text and its style."""


@dataclass(frozen=True)
class Frame:
    """What a pane draws into."""

    width: int
    height: int
    colors: Palette


def line(parts: Iterable[Part], width: int) -> Strip:
    """The parts side by side, cut or filled to `width` cells."""
    segments = [Segment(text, style_) for text, style_ in parts if text]
    return Strip(segments).adjust_cell_length(max(width, 0))


def length(parts: Iterable[Part]) -> int:
    """Cells that the parts take."""
    return sum(cell_len(text) for text, _ in parts)


def ends(left: Sequence[Part], right: Sequence[Part], width: int, gap: int = 2) -> Strip:
    """`left` and `right` at the two ends; the left one gives way: nothing follows on a part that was cut."""
    room = width - length(right)
    kept: list[Part] = []
    for text, style_ in left:
        free = room - gap - length(kept)
        if free <= 0:
            break
        kept.append((cut(text, free), style_))
        if kept[-1][0] != text:
            break
    fill = max(room - length(kept), 0)
    return line([*kept, (" " * fill, Style.null()), *right], width)


def blank(width: int) -> Strip:
    """An empty line."""
    return Strip.blank(max(width, 0))


def center(parts: Sequence[Part], width: int) -> Strip:
    """The parts in the middle of the line."""
    left = max((width - length(parts)) // 2, 0)
    return line([(" " * left, Style.null()), *parts], width)


def message(texts: Sequence[str], frame: Frame) -> list[Strip]:
    """What an empty pane says, wrapped at words and in the middle."""
    width, height, quiet = frame.width, frame.height, style(frame.colors.muted)
    rows: list[str] = []
    for text in texts:
        row = ""
        for word in text.split():
            if row and cell_len(row) + 1 + cell_len(word) > width - 4:
                rows.append(row)
                row = word
            else:
                row = f"{row} {word}".strip()
        rows.append(row)
    shown = [center([(cut(row, width), quiet)], width) for row in rows]
    above = max((height - len(shown)) // 2, 0)
    return pad([*[blank(width)] * above, *shown], width, height)


def pad(lines: list[Strip], width: int, height: int) -> list[Strip]:
    """Exactly `height` lines."""
    return [*lines[: max(height, 0)], *[blank(width)] * (height - len(lines))]


def located(drawn: Strip, y: int, ground: Style) -> Strip:
    """Line `y` of a pane as the terminal gets it: on the background, and with what tells Textual what is selected."""
    segments, x = [], 0
    for text, look, _ in drawn:
        segments.append(Segment(text, placed(ground, look, x, y)))
        x += len(text)
    return Strip(segments, drawn.cell_length)


@lru_cache(maxsize=8_192)
def placed(ground: Style, look: Style | None, x: int, y: int) -> Style:
    """The style of text at (x, y) of a pane; Textual reads the place from it. Each is pickled, so they are kept."""
    return (ground + look if look is not None else ground) + Style.from_meta({"offset": (x, y)})


def changed(old: Strip, new: Strip) -> tuple[int, int] | None:
    """First and one past the last cell that differ between two lines of one width; None if none does."""
    if old == new:
        return None
    before, after = list(old), list(new)
    width = new.cell_length
    if old.cell_length != width:
        return 0, width
    start = end = first = 0
    for a, b in zip(before, after, strict=False):
        if a != b:
            break
        start, first = start + a.cell_length, first + 1
    for a, b in zip(reversed(before[first:]), reversed(after[first:]), strict=False):
        if a != b:
            break
        end += a.cell_length
    return start, max(width - end, start)
