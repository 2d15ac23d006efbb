"""KittyTerm: a pseudo-terminal that knows kitty's graphics, and what a person would see in it."""

from __future__ import annotations

import base64
import os
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.terminal.term import Term
from tui.graphics_cells import MARKS, PLACEHOLDER

_APC = re.compile(rb"\x1b_G([^;\x1b]*)(?:;([^\x1b]*))?\x1b\\")
YES = "\x1b_Gi=31;OK\x1b\\"
KITTY = "\x1bP>|kitty(0.35.2)\x1b\\"
WEZTERM = "\x1bP>|WezTerm 20240203-110809-5046fc22\x1b\\"
DA1 = "\x1b[?62;c"


@dataclass
class Image:
    """A picture that the terminal holds."""

    pixels: NDArray[np.uint8]
    """(height, width, 3)"""
    rows: int
    columns: int


class KittyTerm(Term):
    """Answers the questions with `answers` as soon as it is asked; "" is silence."""

    def __init__(self, argv: Sequence[str], cwd: Path, env: dict[str, str], answers: str = "", **more: Any) -> None:
        self.answers = answers
        self.asked = 0
        self.images: dict[int, Image] = {}
        self.seen: dict[int, Image] = {}
        """All that ever were there."""
        self.wrong: list[str] = []
        """What no terminal would understand."""
        self._tail = b""
        self._open: dict[str, str] | None = None
        self._payload = b""
        super().__init__(argv, cwd, env, **more)

    def _feed(self, data: bytes) -> None:
        self._tail += data
        end = 0
        for code in _APC.finditer(self._tail):
            self._graphics(code.group(1).decode(), code.group(2) or b"")
            end = code.end()
        start = self._tail.rfind(b"\x1b_", end)
        self._tail = self._tail[start:] if start >= 0 else self._tail[-1:]
        super()._feed(data)

    def _graphics(self, control: str, payload: bytes) -> None:
        keys = dict(pair.split("=") for pair in control.split(","))
        if keys.get("a") == "q":
            self.asked += 1
            os.write(self.master, self.answers.encode())
        elif keys.get("q") != "2":
            self.wrong.append(f"would be answered: {control}")
        elif keys.get("a") == "d":
            if self.images.pop(int(keys["i"]), None) is None or keys["d"] != "I":
                self.wrong.append(f"deletes nothing: {control}")
        else:
            self._part(keys, payload)

    def _part(self, keys: dict[str, str], payload: bytes) -> None:
        if len(payload) > 4096 or (keys["m"] == "1" and len(payload) % 4):
            self.wrong.append(f"a chunk of {len(payload)}")
        if self._open is None:
            self._open, self._payload = keys, b""
        elif set(keys) != {"q", "m"}:
            self.wrong.append(f"in the middle of a picture: {keys}")
        self._payload += payload
        if keys["m"] == "0":
            first, self._open = self._open, None
            shape = int(first["v"]), int(first["s"]), 3
            raw = zlib.decompress(base64.b64decode(self._payload, validate=True))
            right = (first["a"], first["U"], first["f"], first["o"]) == ("T", "1", "24", "z")
            if not right or int(first["i"]) in self.seen:
                self.wrong.append(f"not understood: {first}")
            pixels = np.frombuffer(raw, np.uint8).reshape(shape)
            image = Image(pixels, int(first["r"]), int(first["c"]))
            self.images[int(first["i"])] = self.seen[int(first["i"])] = image

    @property
    def placeholders(self) -> int:
        """Cells on the screen that ask for a picture."""
        return sum(row[x].data.startswith(PLACEHOLDER) for row in self.screen.buffer.values() for x in list(row))

    def pictures(self) -> dict[int, tuple[int, int]]:
        """The pictures that are seen whole, by number, with their first row and column on the screen."""
        found: dict[int, dict[tuple[int, int], tuple[int, int]]] = {}
        for y, row in self.screen.buffer.items():
            for x in list(row):
                cell = row[x]
                if cell.data.startswith(PLACEHOLDER) and len(cell.data) == 3:  # else its end has not arrived yet
                    place = MARKS.index(cell.data[1]), MARKS.index(cell.data[2])
                    found.setdefault(int(cell.fg, 16), {})[place] = y - place[0], x - place[1]
        whole = {}
        for number, cells in found.items():
            image = self.images.get(number)  # none for a moment, between being taken away and sent again
            if image is not None and len(cells) == image.rows * image.columns and len(set(cells.values())) == 1:
                whole[number] = cells[0, 0]
        return whole
