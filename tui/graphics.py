"""Graphics of the terminal: what it is asked, what it answers, and whether pictures may be sent to it.

There are kitty's graphics (https://sw.kovidgoyal.net/kitty/graphics-protocol/) and, where there are not, sixels.
Whether a terminal knows the first it is asked with a query that it answers at once or passes over, followed by a
question that every terminal answers (primary device attributes), in which it says whether it knows sixels: once that
answer is there, no other will come. Pictures stand on the screen as text, as "Unicode placeholders", so that popups
and scrolling need no care. Some terminals know kitty's graphics and not the placeholders, and would show boxes
instead: in between, the terminal is asked for its name (XTVERSION). Sixels are pixels: so it is asked for the size of
a cell, and for how many colours and how large a picture it takes (xterm's XTSMGRAPHICS).
"""

from __future__ import annotations

import fcntl
import os
import re
import struct
import termios
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["CELL_QUESTION", "QUESTIONS", "Answers", "Sixels", "Ways", "cell_of_window", "know_colors", "may_be_asked"]

_ID = 31
CELL_QUESTION = "\x1b[16t"
"""How large is a cell."""
_SIXEL_QUESTIONS = f"{CELL_QUESTION}\x1b[?1;1;0S\x1b[?2;4;0S"
QUESTIONS = f"\x1b_Gi={_ID},s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[>q{_SIXEL_QUESTIONS}\x1b[c"
"""Do you know graphics, who are you, how large are cell and picture, how many colours, and what are you at all."""

_COLORFUL = ("xterm-kitty", "xterm-ghostty", "foot", "foot-extra", "wezterm", "contour")
PLACEHOLDERS = {"kitty": (0, 28), "ghostty": (1, 0)}
"""Names of terminals that are known to draw placeholders, and from which version on."""

_TORN, _KEY = 3.0, 0.05
"""Seconds after which the rest of an answer will not come any more; and of what may be a key that was pressed."""
_LONGEST = 4096
_WHOLE = re.compile(
    rb"\x1b_G([^\x1b]*)\x1b\\|\x1bP>\|([^\x1b]*)\x1b\\|\x1b\[\?([0-9;]*)([cS])|\x1b\[6;([0-9;]*)t"
    rb"|\x1b(?:_G|P>\|)[^\x1b]*(?=\x1b[^\\])"  # cut off by what follows: nothing that was typed
)
_PART = re.compile(rb"\x1b(?:_G[^\x1b]*\x1b?|P>(?:\|[^\x1b]*\x1b?)?|\[\?[0-9;]*|\[6(?:;[0-9;]*)?|[_P\[]|)\Z")
_CELL, _FEWEST = range(2, 257), 16
"""Sides of a cell, in pixels, and numbers of colours that can be."""
_AMBIGUOUS = (b"\x1b", b"\x1b_", b"\x1bP", b"\x1b[")
"""Beginnings of answers that keys send too."""


@dataclass(frozen=True)
class Sixels:
    """What sixels must be like."""

    cell: tuple[int, int]
    """Height and width of a cell in pixels."""
    colors: int = 256
    largest: tuple[int, int] = (1000, 1000)
    """Height and width in pixels; xterm takes no more if nobody has told it otherwise."""


@dataclass(frozen=True)
class Ways:
    """How the terminal can draw pictures, as far as it has said."""

    graphics: bool = False
    """It knows kitty's."""
    placeholders: bool = False
    """It is known to draw them as text."""
    sixel: bool = False
    sizes: Sixels | None = None
    """None if the size of its cells is not known."""
    told: bool = False
    """Whether it says itself how large its cells are, and not only the system."""


def cell_of_window(fd: int = 0) -> tuple[int, int] | None:
    """Height and width of a cell in pixels as the system knows them; None if it does not."""
    try:
        rows, columns, width, height = struct.unpack("HHHH", fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(8)))
    except OSError:
        return None
    return _cell(height // rows, width // columns) if rows and columns else None


def _cell(height: int, width: int) -> tuple[int, int] | None:
    return (height, width) if height in _CELL and width in _CELL else None


def may_be_asked(environ: Mapping[str, str] | None = None) -> bool:
    """Whether the terminal can be one with graphics, and will not print the question.

    Not under a multiplexer, which would answer for itself and has a screen of its own.
    """
    env = os.environ if environ is None else environ
    term = env.get("TERM", "")
    if env.get("TMUX") or env.get("STY") or env.get("ZELLIJ"):
        return False
    if term.startswith(("screen", "tmux")) or term in ("", "dumb", "linux", "ansi", "vt52", "vt100", "vt220"):
        return False
    return env.get("TERM_PROGRAM") != "Apple_Terminal"


def know_colors() -> None:
    """Say that a terminal known to have all colours has them: COLORTERM does not travel over ssh, TERM does.

    A picture's number is a colour; it must not be rounded.
    """
    if os.environ.get("TERM") in _COLORFUL:
        os.environ.setdefault("COLORTERM", "truecolor")


class Answers:
    """Takes the answers out of what the terminal sends, in whatever pieces they come; all else is the user's."""

    def __init__(self) -> None:
        self.over = False
        """Whether the last of the answers is there."""
        self.told = 0
        """Grows with each answer that comes when the others are there: all of them, later the size of a cell."""
        self.graphics = self.sixel = False
        self.name = ""
        self.cell: tuple[int, int] | None = None
        self._limits: dict[int, list[int]] = {}
        """Colours (1), and width and height of a picture (2)."""
        self._held = b""
        self._since = 0.0

    @property
    def waiting(self) -> bool:
        """Whether the beginning of what may be an answer is held back."""
        return bool(self._held)

    @property
    def placeholders(self) -> bool:
        """Whether the terminal has said that it is one of those that draw placeholders."""
        found = re.match(r"([a-zA-Z]+)[ (]v?(\d+)\.(\d+)", self.name)
        if found is None:
            return False
        least = PLACEHOLDERS.get(found.group(1).lower())
        return least is not None and (int(found.group(2)), int(found.group(3))) >= least

    def ways(self, cell: tuple[int, int] | None = None) -> Ways:
        """What they say; `cell` is the size of a cell if they do not say it."""
        sizes, size = None, self.cell or cell
        multiplexer = self.name.lower().startswith(("tmux", "screen", "zellij"))  # on another machine: it says so
        if size is not None and not multiplexer:
            colors = self._limits.get(1, [256])[0]
            width, height = [*self._limits.get(2, []), 0, 0][:2]
            largest = (height, width) if height > 0 and width > 0 else Sixels.largest
            sizes = Sixels(size, min(max(colors, _FEWEST), 256), largest)
        return Ways(self.graphics, self.placeholders, self.sixel and not multiplexer, sizes, self.cell is not None)

    def take(self, data: bytes, now: float) -> bytes:
        """What of `data` is no answer; `now` in seconds of any clock."""
        if not self._held:
            self._since = now
        data, self._held = self._held + data, b""
        data = _WHOLE.sub(self._answer, data)
        part = _PART.search(data)
        if part is None or (self.over and part.group() in _AMBIGUOUS):
            return data
        self._held = part.group()[:_LONGEST]
        if part.start():
            self._since = now
        return data[: part.start()]

    def late(self, now: float) -> bytes:
        """What was held back long enough: a key. The beginning of an answer without its end is dropped."""
        held, waited = self._held, now - self._since
        if held in _AMBIGUOUS and waited >= _KEY:
            self._held = b""
            return held
        if waited >= _TORN:
            self._held = b""
        return b""

    def _answer(self, found: re.Match[bytes]) -> bytes:
        """One answer; a word nobody wants is still no key."""
        graphics, name, attributes, kind, cell = found.groups()
        if cell is not None:
            self._take_cell(_numbers(cell))
        elif self.over:  # nothing more was asked
            pass
        elif graphics is not None:
            self.graphics |= graphics.split(b",")[0].split(b";")[0] == b"i=%d" % _ID and graphics.endswith(b";OK")
        elif name is not None:
            self.name = name.decode("ascii", "replace")[:80]
        elif kind == b"S":
            item, status, *values = [*_numbers(attributes), -1][: max(attributes.count(b";") + 1, 2)]
            if status == 0 and values:
                self._limits[item] = values
        elif kind == b"c":
            self.over, self.sixel = True, 4 in _numbers(attributes)[1:]  # the first says the kind of terminal
            self.told += 1
        return b""

    def _take_cell(self, numbers: list[int]) -> None:
        cell = _cell(*numbers) if len(numbers) == 2 else None
        if cell is not None:
            self.cell = cell
            self.told += self.over


def _numbers(text: bytes) -> list[int]:
    return [int(number) if number else 0 for number in text[:100].split(b";")]
