"""Cells that ask for a part of a picture: a private character with two combining ones that say the row and the column.

They are kitty's "Unicode placeholders" (https://sw.kovidgoyal.net/kitty/graphics-protocol/); the number of the
picture is their colour. kitty draws them itself; for sixels they are read back from what is to be written.
"""

from __future__ import annotations

from rich.segment import Segment
from textual.strip import Strip

from tui.colors import style

__all__ = ["MARKS", "PLACEHOLDER", "cells"]

PLACEHOLDER = "\U0010eeee"
_RANGES = (
    "305 30D-30E 310 312 33D-33F 346 34A-34C 350-352 357 35B 363-36F 483-487 592-595 597-599 59C-5A1 5A8-5A9 5AB-5AC "
    "5AF 5C4 610-617 657-65B 65D-65E 6D6-6DC 6DF-6E2 6E4 6E7-6E8 6EB-6EC 730 732-733 735-736 73A 73D 73F-741 743 745 "
    "747 749-74A 7EB-7F1 7F3 816-819 81B-823 825-827 829-82D 951 953-954"
)


def _marks() -> list[str]:
    spans = [[int(end, 16) for end in span.split("-")] for span in _RANGES.split()]
    return [chr(code) for span in spans for code in range(span[0], span[-1] + 1)]


MARKS = _marks()
"""The combining character of each number, in the protocol's order: the first of those that it lists."""


def cells(number: int, rows: int, columns: int) -> list[Strip]:
    """The cells of a picture. Each says its row and column: a popup may hide those to its left."""
    look = style((number >> 16, number >> 8 & 255, number & 255))
    lines = ("".join(PLACEHOLDER + MARKS[row] + MARKS[column] for column in range(columns)) for row in range(rows))
    return [Strip([Segment(text, look)], columns) for text in lines]
