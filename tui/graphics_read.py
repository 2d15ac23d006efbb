"""Cells that ask for a part of a picture, read back from what is to be written to the terminal."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from rich.cells import cell_len

from tui.graphics_cells import MARKS, PLACEHOLDER

__all__ = ["Asked", "Part", "blanked"]

_NUMBERS = {mark: i for i, mark in enumerate(MARKS)}
_MOVE = re.compile(r"\x1b\[(\d+);(\d+)H")
_PIECE = re.compile(r"\x1b\[([0-9;:]*)m|\x1b[^\x1b]*?[@-Z\\^-~]|([^\x1b]+)")
_MARK = f"[{''.join(MARKS)}]"
_ONE = re.compile(f"{PLACEHOLDER}({_MARK})({_MARK})|{PLACEHOLDER}")
_MANY = re.compile(f"(?:{PLACEHOLDER}{_MARK}{{0,2}})+")
_FRONT = re.compile(r"(?:^|;)38;2;(\d+);(\d+);(\d+)")
_BACK = re.compile(r"(?:^|;)48;2;(\d+);(\d+);(\d+)")


class Part(NamedTuple):
    """Cells side by side that ask for `width` columns of one row of a picture."""

    at: int
    """Where they begin, in cells."""
    number: int
    row: int
    column: int
    width: int


@dataclass(frozen=True)
class Asked:
    """Cells side by side on the screen that ask for pictures, perhaps with blank ones between them."""

    y: int
    x: int
    parts: tuple[Part, ...]
    """From left to right, counted from `x`."""
    ground: tuple[int, ...]
    """The colour behind them: red, green, blue."""

    @property
    def width(self) -> int:
        """Cells of all."""
        return self.parts[-1].at + self.parts[-1].width


def blanked(frame: str) -> tuple[str, list[Asked]]:
    """A frame as it is written to the terminal with blanks for such cells, and where which stood.

    A frame moves the cursor before each stretch of cells; rows and columns count from 0.
    """
    asked: list[Asked] = []
    moves = list(_MOVE.finditer(frame))
    for move, after in zip(moves, [*moves[1:], None], strict=True):
        end = after.start() if after is not None else len(frame)
        if frame.find(PLACEHOLDER, move.end(), end) >= 0:
            asked += _line(frame[move.end() : end], int(move.group(1)) - 1, int(move.group(2)) - 1)
    return _ONE.sub(" ", frame), asked


def _line(text: str, y: int, x: int) -> list[Asked]:
    """Those of one stretch of cells."""
    found: list[Asked] = []
    parts: list[Part] = []
    ground: tuple[int, ...] = ()
    look = ""

    def end() -> None:
        if parts:
            start = parts[0].at
            moved = tuple(part._replace(at=part.at - start) for part in parts)
            found.append(Asked(y, start, moved, ground))
            parts.clear()

    for piece in _PIECE.finditer(text):
        words = piece.group(2)
        if words is None:
            look = piece.group(1) or ""
            continue
        at = 0
        for run in [*_MANY.finditer(words), None]:
            between = words[at : run.start() if run is not None else None]
            if between.strip(" "):  # a caption, a border: what stands on both sides are not one
                end()
            x += cell_len(between)
            if run is None:
                continue
            at, number, behind = run.end(), _color(_FRONT, look), _color(_BACK, look)
            if parts and behind != ground:
                end()
            ground = behind
            places, width = _read(run.group())
            parts += [Part(x + left, int.from_bytes(number, "big"), *place) for left, *place in places]
            x += width
    end()
    return found


def _color(pattern: re.Pattern[str], look: str) -> tuple[int, ...]:
    found = pattern.search(look)
    return tuple(map(int, found.groups())) if found is not None else (0, 0, 0)


@lru_cache(maxsize=1024)
def _read(cells: str) -> tuple[list[tuple[int, int, int, int]], int]:
    """What they say: from which cell on, row, column, and for how many cells; and how many cells they are."""
    found: list[tuple[int, int, int, int]] = []
    width = 0
    for cell in _ONE.finditer(cells):
        if cell.group(1) is not None:
            row, column = _NUMBERS[cell.group(1)], _NUMBERS[cell.group(2)]
            left, row_before, first, n = found[-1] if found else (0, -1, 0, 0)
            if (row, column, width) == (row_before, first + n, left + n):
                found[-1] = left, row, first, n + 1
            else:
                found.append((width, row, column, 1))
        width += 1
    return found, width
