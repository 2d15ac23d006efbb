"""Pictures for a terminal with kitty's graphics: each is sent once, and stands on the screen as cells of text.

What is sent says `U=1` (drawn where such cells are) and `q=2` (no answers, please).
"""

from __future__ import annotations

import base64
import hashlib
import math
import os
import zlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual.strip import Strip

from tui.graphics_cells import MARKS, cells

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["BUDGET", "CHUNK", "KEPT", "KittyPictures"]

CHUNK = 4096
"""Characters of base64 in one escape code."""
KEPT = 192
"""Pictures that the terminal holds at once; those not seen for longest are taken away."""
BUDGET = 40 * 1024
"""Bytes of a page's pictures; where they would be more they are sent in less detail."""
HOPED = 3
"""How many times smaller compression may make a photograph."""
CELL = (20, 10)
"""Pixels (height, width) of a cell: what is sent need not be finer."""
CRISP = 4
"""How many times small pictures are enlarged before they are sent: the terminal's own enlarging blurs."""


@dataclass
class _Sent:
    """A picture that the terminal holds."""

    number: int
    strips: list[Strip]


class KittyPictures:
    """What the terminal has been sent. While `on` is False or nobody can write, there are no pictures."""

    def __init__(self) -> None:
        self.on = False
        self.write: Callable[[str], object] | None = None
        """Sends raw characters to the terminal, in order with what is drawn after them."""
        self._held: OrderedDict[bytes, _Sent] = OrderedDict()
        self._last = ""
        self._next = int.from_bytes(os.urandom(2), "big") * 128 + 0x100000  # others number their pictures too

    def page(self, pictures: Sequence[NDArray[np.uint8]], rows: int, columns: int) -> list[list[Strip]] | None:
        """The cells, `rows` strips of `columns`, of each picture (channels, height, width); None where that cannot be.

        What the terminal does not hold yet is sent.
        """
        if not self.on or self.write is None or max(rows, columns) > len(MARKS) or len(pictures) > KEPT:
            return None
        keys = [_key(pixels, rows, columns) for pixels in pictures]
        missing = {key: pixels for key, pixels in zip(keys, pictures, strict=True) if key not in self._held}
        said = ""
        for key, payload in zip(missing, _encoded(list(missing.values()), rows, columns), strict=True):
            number = self._number()
            said += _transmission(number, payload, rows, columns)
            self._held[key] = _Sent(number, cells(number, rows, columns))
        for key in keys:
            self._held.move_to_end(key)
        while len(self._held) > KEPT:
            said += _deletion(self._held.popitem(last=False)[1].number)
        if said:
            self.write(said)
        return [self._held[key].strips for key in keys]

    def take_away(self) -> str:
        """What deletes all pictures; they are forgotten, and sent again when they are drawn the next time."""
        held, self._held = self._held, OrderedDict()  # at once: a signal may be handled here
        said = "".join(_deletion(sent.number) for sent in held.values())
        self._last = said or self._last
        return said

    def farewell(self) -> str:
        """As `take_away`, and once more what it said last: a terminal that stalls may not have got it."""
        last = self._last
        return last + self.take_away()

    def send_again(self) -> None:
        """Take the terminal's pictures away: it may have lost some."""
        said = self.take_away()
        if said and self.write is not None:
            self.write(said)

    def _number(self) -> int:
        """Another number for each picture, of 24 bits; cells of an old one never show a new one."""
        self._next = self._next + 1 if self._next < 0xFFFFF0 else 0x100000
        return self._next


def _key(pixels: NDArray[np.uint8], rows: int, columns: int) -> bytes:
    about = repr((pixels.shape, rows, columns)).encode()
    return hashlib.blake2b(about + pixels.tobytes(), digest_size=16).digest()


def _encoded(pictures: Sequence[NDArray[np.uint8]], rows: int, columns: int) -> list[tuple[int, int, str]]:
    """Width, height and base64 of each, all together within the budget."""
    detail = _first_detail(pictures, rows, columns)
    while True:
        payloads = [_payload(pixels, rows, columns, detail) for pixels in pictures]
        size = sum(len(data) for _, _, data in payloads)
        if size <= BUDGET or detail < 0.05:
            return payloads
        detail *= min((BUDGET / size) ** 0.5, 0.9)


def _first_detail(pictures: Sequence[NDArray[np.uint8]], rows: int, columns: int) -> float:
    """Where pictures are shown smaller than they are: what of them may be within the budget."""
    pixels = sum(min(p.shape[1], rows * CELL[0]) * min(p.shape[2], columns * CELL[1]) for p in pictures)
    return min(math.sqrt(HOPED * BUDGET / (4 * max(pixels, 1))), 1.0)  # three bytes a pixel, four thirds in base64


def _payload(pixels: NDArray[np.uint8], rows: int, columns: int, detail: float) -> tuple[int, int, str]:
    """Red, green and blue, compressed; no finer than `detail` times what the cells can show."""
    import numpy as np

    from tui.panes.thumbs import resize

    _, height, width = pixels.shape
    share = detail * min(rows * CELL[0] / height, columns * CELL[1] / width)
    if share < 1:
        image = resize(pixels, max(round(height * share), 1), max(round(width * share), 1), shades=4)
    else:
        image = resize(pixels, height, width, shades=1)
        times = min(int(share), CRISP)
        image = np.repeat(np.repeat(image, times, 0), times, 1)
    data = base64.b64encode(zlib.compress(image.tobytes(), 6)).decode()
    return image.shape[1], image.shape[0], data


def _transmission(number: int, payload: tuple[int, int, str], rows: int, columns: int) -> str:
    width, height, data = payload
    keys = f"a=T,U=1,q=2,i={number},f=24,o=z,s={width},v={height},c={columns},r={rows}"
    codes = []
    for start in range(0, max(len(data), 1), CHUNK):
        more = int(start + CHUNK < len(data))
        codes.append(f"\x1b_G{keys if not start else 'q=2'},m={more};{data[start : start + CHUNK]}\x1b\\")
    return "".join(codes)


def _deletion(number: int) -> str:
    return f"\x1b_Ga=d,d=I,q=2,i={number}\x1b\\"
