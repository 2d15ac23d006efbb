"""A decoder of sixels for tests: small, slow, and written from the manual alone."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

__all__ = ["SIXEL", "Decoded"]

SIXEL = re.compile(r"\x1bP[0-9;]*q\"1;1;([0-9]+);([0-9]+)([^\x1b]*)\x1b\\")
_TOKEN = re.compile(r"#([0-9;]+)|!([0-9]+)([?-~])|([?-~])|([$-])|(.)", re.DOTALL)


class Decoded:
    """What a terminal would draw for one whole escape code; raises ValueError where it is wrong."""

    def __init__(self, code: str) -> None:
        found = SIXEL.fullmatch(code)
        if found is None:
            raise ValueError("no sixel")
        self.pixels = np.full((int(found.group(2)), int(found.group(1)), 3), -1, np.int16)
        """(height, width, 3) in percent; -1 where nothing is drawn."""
        self.colors: dict[int, list[int]] = {}
        self._x = self._y = self._color = 0
        for token in _TOKEN.finditer(found.group(3)):
            color, times, repeated, single, move, wrong = token.groups()
            if wrong:
                raise ValueError(f"unknown: {wrong!r}")
            if color:
                self._take(list(map(int, color.split(";"))))
            elif move:
                self._x, self._y = 0, self._y + 6 * (move == "-")
            else:
                self._paint(int(times or 1), ord(repeated or single) - 63)

    @property
    def whole(self) -> NDArray[np.int16]:
        """The pixels, of which none may be missing."""
        if (self.pixels < 0).any():
            raise ValueError("holes")
        return self.pixels

    def _take(self, values: list[int]) -> None:
        self._color = values[0]
        if len(values) > 1:
            if len(values) != 5 or values[1] != 2 or max(values[2:]) > 100 or self._color > 255:
                raise ValueError(f"no color: {values}")
            self.colors[self._color] = values[2:]

    def _paint(self, n: int, bits: int) -> None:
        height, width, _ = self.pixels.shape
        if self._x + n > width:
            raise ValueError("beyond the right edge")
        for row in range(6):
            if bits >> row & 1:
                if self._y + row >= height:
                    raise ValueError("below the last row")
                self.pixels[self._y + row, self._x : self._x + n] = self.colors[self._color]
        self._x += n
