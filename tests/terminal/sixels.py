"""SixelTerm: a pseudo-terminal that draws sixels, and what a person would see in it."""

from __future__ import annotations

import fcntl
import os
import re
import struct
import termios
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyte

from tests.terminal.term import Term
from tests.tui.canvas import Canvas

_BEGIN, _END = b"\x1bP", re.compile(rb"\x1b\\|\x18|\x1b(?=[^\\])")  # cancelled, or cut off by what follows


class SixelTerm(Term):
    """Says what it is with `answers` as soon as it is asked, and how large a cell is; (0, 0) is silence."""

    def __init__(
        self,
        argv: Sequence[str],
        cwd: Path,
        env: dict[str, str],
        answers: str = "\x1b[?62;4;22c",
        cell: tuple[int, int] = (20, 10),
        **more: Any,
    ) -> None:
        self.answers, self.cell = answers, cell
        self.asked = 0
        """How often for the size of a cell."""
        self._part = b""
        super().__init__(argv, cwd, env, **more)
        self.canvas = Canvas(self.screen.columns, self.screen.lines, cell if all(cell) else (20, 10))
        self.screen, self._stream = self.canvas, pyte.ByteStream(self.canvas)

    def zoom(self, cell: tuple[int, int]) -> None:
        """Another font; the window has as many cells as before, and another size."""
        self.cell = cell
        self.canvas.zoom(cell)
        self.window(cell)

    def window(self, cell: tuple[int, int]) -> None:
        """Tell the system how large the window is, with a border of two pixels."""
        rows, cols = self.canvas.lines, self.canvas.columns
        size = struct.pack("HHHH", rows, cols, cols * cell[1] + 4, rows * cell[0] + 4)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, size)

    def _feed(self, data: bytes) -> None:
        if self.answers and b"\x1b[c" in data:
            os.write(self.master, self.answers.encode())
        data = self._part + data
        self._part = b""
        while (begin := data.find(_BEGIN)) >= 0:
            end = _END.search(data, begin + 1)
            self._text(data[:begin])
            if end is None:
                self._part = data[begin:]
                return
            if end.group() == b"\x1b\\":
                self.canvas.paint(data[begin : end.end()].decode("ascii", "replace"))
            data = data[end.end() - (end.group() == b"\x1b") :]
        cut = len(data) - data.endswith(b"\x1b")
        data, self._part = data[:cut], data[cut:]
        self._text(data)

    def _text(self, data: bytes) -> None:
        for _ in range(data.count(b"\x1b[16t")):
            self.asked += 1
            if all(self.cell):
                os.write(self.master, b"\x1b[6;%d;%dt" % self.cell)
        super()._feed(data)
