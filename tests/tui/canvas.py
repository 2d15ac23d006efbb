"""A screen of cells with sixels on it, as xterm has it: what is written over them erases them, cell by cell."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyte
from numpy.typing import NDArray
from rich.cells import cell_len

from tests.tui.sixel_decoder import Decoded

__all__ = ["Canvas", "shown", "squares"]

Picture = NDArray[np.uint8]


class Canvas(pyte.Screen):
    """`cell` is height and width of a cell in pixels."""

    def __init__(self, columns: int, lines: int, cell: tuple[int, int]) -> None:
        self.cell = cell
        self.pixels = np.full((lines * cell[0], columns * cell[1], 3), -1, np.int16)
        """In percent; -1 where there is no sixel."""
        self.sixels: list[tuple[int, int]] = []
        """Height and width of each that was drawn."""
        self.wrong: list[str] = []
        """What would have left rubbish."""
        super().__init__(columns, lines)

    @property
    def drawn(self) -> int:
        """Pixels of sixels."""
        return int((self.pixels[..., 0] >= 0).sum())

    def draw(self, data: str) -> None:
        """Text, over whatever is there."""
        y, x = self.cursor.y, self.cursor.x
        self.wipe(y, x, cell_len(data))
        super().draw(data)

    def wipe(self, y: int, x: int, width: int, height: int = 1) -> None:
        """Erase the pixels of some cells."""
        tall, wide = self.cell
        self.pixels[y * tall : (y + height) * tall, x * wide : (x + width) * wide] = -1

    def erase_in_display(self, how: int = 0, *args: Any, **kwargs: Any) -> None:
        """All of it, if it is 2."""
        super().erase_in_display(how, *args, **kwargs)
        if how == 2:
            self.pixels[:] = -1

    def resize(self, lines: int | None = None, columns: int | None = None) -> None:
        """What was drawn stays where it was."""
        super().resize(lines, columns)
        self.zoom(self.cell)

    def zoom(self, cell: tuple[int, int]) -> None:
        """Another font: pixels that were drawn stay, and are anything but in their place."""
        self.cell, before = cell, self.pixels
        self.pixels = np.full((self.lines * cell[0], self.columns * cell[1], 3), -1, np.int16)
        height, width = np.minimum(before.shape, self.pixels.shape)[:2]
        self.pixels[:height, :width] = before[:height, :width]

    def paint(self, code: str) -> None:
        """A sixel where the cursor is."""
        try:
            pixels = Decoded(code).whole
        except (ValueError, KeyError) as error:
            self.wrong.append(f"{error}: {code[:80]!r}")
            return
        top, left = self.cursor.y * self.cell[0], self.cursor.x * self.cell[1]
        bottom, right = top + pixels.shape[0], left + pixels.shape[1]
        if bottom > (self.lines - 1) * self.cell[0] or right > self.columns * self.cell[1]:
            self.wrong.append(f"would scroll, or is cut: {bottom} x {right}")
            return
        self.sixels.append(pixels.shape[:2])
        self.pixels[top:bottom, left:right] = pixels


def shown(picture: Picture, height: int, width: int) -> NDArray[np.int16]:
    """A picture (channels, h, w) enlarged to so many pixels, in percent."""
    _, h, w = picture.shape
    rgb = (picture if len(picture) >= 3 else picture.repeat(3, 0))[:3].astype(np.int64)
    percent = (rgb * 100 + 127) // 255
    rows, columns = [y * h // height for y in range(height)], [x * w // width for x in range(width)]
    enlarged: NDArray[np.int16] = percent[:, rows][:, :, columns].transpose(1, 2, 0).astype(np.int16)
    return enlarged


def squares(canvas: Canvas, pictures: Iterable[Picture], side: int) -> list[tuple[int, int]]:
    """Where, in pixels, pictures of so many pixels a side stand; all else that is drawn must be of one colour."""
    known = {shown(picture, side, side).tobytes() for picture in pictures}
    rest, found = canvas.pixels.copy(), []
    tall, wide = canvas.cell
    rows = -(-side // tall)
    down, across = (rows * tall - side) // 2, (2 * rows * wide - side) // 2  # in the middle of its cells
    for top in range(down, rest.shape[0] - side + 1, tall):
        for left in range(across, rest.shape[1] - side + 1, wide):
            part = rest[top : top + side, left : left + side]
            if (part[[0, -1], [0, -1], 0] >= 0).all() and part.tobytes() in known:
                found.append((top, left))
                part[:] = -1
    left_over = rest[rest[..., 0] >= 0]
    assert len(np.unique(left_over, axis=0)) <= 1, "pixels that are of no picture"
    return found
