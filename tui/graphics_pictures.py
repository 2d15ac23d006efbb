"""The pictures that the terminal draws itself, in the way that it knows; none before it has said that it knows one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.strip import Strip

from tui.graphics import CELL_QUESTION, Sixels, Ways, cell_of_window
from tui.graphics_kitty import KittyPictures
from tui.graphics_sixel import SixelPictures

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["TerminalPictures"]

_CLEAR = "\x1b[2J"
"""Takes sixels away too, in every terminal."""


class TerminalPictures:
    """kitty's, or sixels where the terminal knows only these; both on the same cells."""

    def __init__(self, rows: Callable[[], int]) -> None:
        self.kitty = KittyPictures()
        self.sixel = SixelPictures(rows)
        self._sizes: Sixels | None = None
        """What sixels must be like, if they are drawn; their cells' size may be an old one."""
        self._cell: tuple[int, int] | None = None
        """Size of the cells of the sixels that may be on the terminal."""
        self._asks = False
        """Whether the terminal tells the size of its cells when it is asked."""

    @property
    def write(self) -> Callable[[str], object] | None:
        """Sends raw characters to the terminal, in order with what is drawn after them."""
        return self.kitty.write

    @write.setter
    def write(self, write: Callable[[str], object] | None) -> None:
        self.kitty.write = self.sixel.write = write

    @property
    def slowed(self) -> float:
        """How many times rarer than half blocks they should change by themselves."""
        return self.sixel.slowed

    def learn(self, ways: Ways, wanted: str, calm: bool = False) -> bool:
        """The terminal has said what it knows; whether all must be drawn anew, because its cells have another size."""
        able = ways.graphics and ways.placeholders
        self.kitty.on = (able and wanted == "auto") or (ways.graphics and wanted == "kitty")
        on = not self.kitty.on and ((ways.sixel and wanted == "auto" and not calm) or wanted == "sixel")
        self._asks, self._sizes = ways.told, ways.sizes if on else None
        return self._take(self._sizes)

    def resized(self) -> bool:
        """The window has another size, and perhaps its cells: as `learn`, if it is known at once.

        Else the terminal is asked; until it has answered there are half blocks.
        """
        if self._sizes is None or self.sixel.write is None:
            return False
        if self._asks:
            self.sixel.sizes = None
            self.sixel.write(CELL_QUESTION)
            return False
        cell = cell_of_window()
        return self._take(None if cell is None else replace(self._sizes, cell=cell))

    def _take(self, sizes: Sixels | None) -> bool:
        self.sixel.sizes = sizes
        if sizes is None or sizes.cell == self._cell:
            return False
        before, self._cell = self._cell, sizes.cell
        self.sixel.forget()
        return before is not None

    def page(self, pictures: Sequence[NDArray[np.uint8]], rows: int, columns: int) -> list[list[Strip]] | None:
        """The cells, `rows` strips of `columns`, of each picture (channels, height, width); None if it cannot be."""
        return (self.kitty if self.kitty.on else self.sixel).page(pictures, rows, columns)

    def translated(self, frame: str) -> str:
        """What is written to the terminal instead of `frame`."""
        return self.sixel.translated(frame)

    def take_away(self) -> str:
        """What takes all pictures away; they are sent again when they are drawn the next time."""
        return self.kitty.take_away() + (_CLEAR if self._cell else "")

    def farewell(self) -> str:
        """As `take_away`, and once more what it said last: a terminal that stalls may not have got it."""
        return self.kitty.farewell() + (_CLEAR if self._cell else "")

    def send_again(self) -> None:
        """Take the terminal's pictures away: it may have lost some. What is on the screen is drawn anew after this."""
        said = self.take_away()
        if said and self.write is not None:
            self.write(said)
