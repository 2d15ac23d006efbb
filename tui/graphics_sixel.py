"""Pictures for a terminal with sixels, which are no cells: text that is written over them erases them.

The screen holds cells that ask for a picture, as for kitty. Whatever writes some of them to the terminal (a new
picture, a popup that closed, another size) is changed on its way: blanks are written, and in the same update the
pixels of exactly those cells. So a picture is never sent where it is not seen, and never again without need.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.strip import Strip

from tui.graphics import Sixels
from tui.graphics_cells import MARKS, PLACEHOLDER, cells

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tui.graphics_read import Asked

__all__ = ["BUDGET", "TURN", "SixelPictures"]

KEPT = 192
"""Pictures that are known at once; those not seen for longest are forgotten."""
BUDGET = 192 * 1024
"""About the bytes of a page's pictures; where they would be more they are sent in less detail."""
BAND = 6
"""Rows of pixels in a character."""
TURN = 32 * 1024
"""Bytes for each turn of a pane while a model trains; new pictures are rarer where they are more."""
HOPED = 1.2
"""How many times fewer bytes pictures take than noise does."""
CODED = 16
"""Updates of the terminal that are kept, for a popup that closes."""


@dataclass
class _Held:
    """A picture that cells may ask for."""

    strips: list[Strip]
    image: NDArray[np.uint8]
    """(height, width, 3)"""
    size: tuple[int, int]
    """Height and width in pixels as it is shown: the largest in its cells with its proportions."""


class SixelPictures:
    """What cells may ask for. While `sizes` is None or nobody can write, there are no pictures."""

    def __init__(self, rows: Callable[[], int]) -> None:
        self.rows = rows
        """How many rows the terminal has."""
        self.sizes: Sixels | None = None
        self.write: Callable[[str], object] | None = None
        self._held: OrderedDict[bytes, int] = OrderedDict()
        self._known: dict[int, _Held] = {}
        self._coded: OrderedDict[object, list[str]] = OrderedDict()
        self._next = self._last = 0

    @property
    def slowed(self) -> int:
        """In which turn only new pictures may be drawn, so that they stay within their bytes."""
        return -(-self._last // TURN) if self.sizes is not None and self._last else 1

    def page(self, pictures: Sequence[NDArray[np.uint8]], rows: int, columns: int) -> list[list[Strip]] | None:
        """The cells, `rows` strips of `columns`, of each picture (channels, height, width); None where that cannot be.

        Nothing is sent: that is done when the cells are.
        """
        sizes = self.sizes
        if sizes is None or self.write is None or max(rows, columns) > len(MARKS) or len(pictures) > KEPT:
            return None
        from tui.panes.thumbs import resize

        about = repr((rows, columns, sizes.cell)).encode()
        keys = [_key(pixels, about) for pixels in pictures]
        box = rows * sizes.cell[0], columns * sizes.cell[1]
        detail = _detail(pictures, box)
        if any(_coarse(pixels, box, detail, 2 * rows, columns) for pixels in pictures):
            return None
        for key, pixels in zip(keys, pictures, strict=True):
            if key not in self._held:
                self._next = self._next % 0xFFFFFF + 1
                self._held[key] = self._next
                image = resize(pixels, *_sent(pixels, box, detail), shades=1)
                self._known[self._next] = _Held(cells(self._next, rows, columns), image, _fitted(pixels, box))
            self._held.move_to_end(key)
        while len(self._held) > KEPT:
            del self._known[self._held.popitem(last=False)[1]]
        return [self._known[self._held[key]].strips for key in keys]

    def translated(self, frame: str) -> str:
        """What is written to the terminal instead of `frame`."""
        if not self._next or PLACEHOLDER not in frame:
            return frame
        from tui.graphics_read import blanked  # most terminals never need them
        from tui.graphics_stack import stacked

        frame, asked = blanked(frame)
        if self.sizes is None:
            return frame
        blocks = list(stacked(self._wanted(asked), self.sizes))
        codes = self._codes(blocks, self.sizes)
        drawn = (f"\x1b[{block[0].y + 1};{block[0].x + 1}H{code}" for block, code in zip(blocks, codes, strict=True))
        return f"{frame}\x1b7{''.join(drawn)}\x1b8" if blocks else frame

    def forget(self) -> None:
        """Draw all anew: the terminal's cells have another size."""
        self._held.clear()
        self._known.clear()
        self._coded.clear()

    def _wanted(self, asked: Iterable[Asked]) -> Iterator[Asked]:
        """What can be drawn: pictures that are known; above the last row, where many terminals would scroll."""
        for line in asked:
            if line.y < self.rows() - 1 and all(part.number in self._known for part in line.parts):
                yield line

    def _codes(self, blocks: list[list[Asked]], sizes: Sixels) -> list[str]:
        """The escape code of each block."""
        key = tuple((block[0].ground, *(line.parts for line in block)) for block in blocks)
        codes = self._coded.get(key)
        if codes is None:
            codes = self._coded[key] = [self._block(block, sizes) for block in blocks]
            if len(self._coded) > CODED:
                self._coded.popitem(last=False)
        self._coded.move_to_end(key)
        self._last = sum(map(len, codes))
        return codes

    def _block(self, block: list[Asked], sizes: Sixels) -> str:
        """Lines of cells that lie below one another as one picture."""
        import numpy as np

        from tui.sixel import encode, percent, quantised

        numbers = sorted({part.number for line in block for part in line.parts})
        images, palette = quantised([self._known[number].image for number in numbers], sizes.colors - 1)
        ground = len(palette)
        palette = np.concatenate([palette, percent(np.array([block[0].ground], np.int64))]).astype(np.uint8)
        whole = {
            n: _enlarged(self._known[n], image, ground, sizes.cell) for n, image in zip(numbers, images, strict=True)
        }
        tall, wide = sizes.cell
        canvas = np.full((len(block) * tall, block[0].width * wide), ground, np.uint8)
        for y, line in enumerate(block):
            for at, number, row, column, width in line.parts:
                piece = whole[number][row * tall : (row + 1) * tall, column * wide : (column + width) * wide]
                canvas[y * tall : (y + 1) * tall, at * wide : (at + width) * wide] = piece
        return encode(canvas, palette)


def _key(pixels: NDArray[np.uint8], about: bytes) -> bytes:
    return hashlib.blake2b(about + repr(pixels.shape).encode() + pixels.tobytes(), digest_size=16).digest()


def _detail(pictures: Sequence[NDArray[np.uint8]], box: tuple[int, int]) -> float:
    """Which share of what the cells can show may be sent within the budget, at most 1."""
    if _bytes(pictures, box, 1.0) <= HOPED * BUDGET:
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(8):
        middle = (low + high) / 2
        low, high = (middle, high) if _bytes(pictures, box, middle) <= HOPED * BUDGET else (low, middle)
    return low


def _bytes(pictures: Sequence[NDArray[np.uint8]], box: tuple[int, int], detail: float) -> float:
    """About seven for each column of each color that a character's six rows have in it, if they are noise."""
    size = 0.0
    for picture in pictures:
        height, width = _sent(picture, box, detail)
        tall, _ = _fitted(picture, box)
        size += 7 * width * (tall / BAND) * min(BAND, 1 + BAND * height / tall)
    return size


def _fitted(picture: NDArray[np.uint8], box: tuple[int, int]) -> tuple[int, int]:
    """The largest size within `box` that keeps the proportions, in pixels."""
    _, height, width = picture.shape
    share = min(box[0] / height, box[1] / width)
    return max(int(height * share + 1e-6), 1), max(int(width * share + 1e-6), 1)


def _sent(picture: NDArray[np.uint8], box: tuple[int, int], detail: float) -> tuple[int, int]:
    """How many rows and columns of it are sent."""
    _, height, width = picture.shape
    tall, wide = _fitted(picture, box)
    return min(height, max(round(tall * detail), 1)), min(width, max(round(wide * detail), 1))


def _coarse(picture: NDArray[np.uint8], box: tuple[int, int], detail: float, rows: int, columns: int) -> bool:
    """Whether `rows` and `columns` of half blocks would show more of it."""
    tall, wide = _sent(picture, box, detail)
    height, width = int(picture.shape[1]), int(picture.shape[2])
    return tall * wide < 0.9 * min(height, rows) * min(width, columns)


def _enlarged(held: _Held, image: NDArray[np.uint8], blank: int, cell: tuple[int, int]) -> NDArray[np.uint8]:
    """All cells of a picture in pixels, the picture in the middle."""
    import numpy as np

    (height, width), (tall, wide) = image.shape, held.size
    down, across = np.arange(tall) * height // tall, np.arange(wide) * width // wide
    box = len(held.strips) * cell[0], held.strips[0].cell_length * cell[1]
    canvas = np.full(box, blank, np.uint8)
    top, left = (box[0] - tall) // 2, (box[1] - wide) // 2
    canvas[top : top + tall, left : left + wide] = image[down[:, None], across]
    return canvas
