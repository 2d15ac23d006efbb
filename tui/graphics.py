"""Graphics of the terminal: what it is asked, what it answers, and whether pictures may be sent to it.

The protocol is kitty's (https://sw.kovidgoyal.net/kitty/graphics-protocol/). Whether a terminal knows it is asked
with a query that it answers at once or passes over, followed by a question that every terminal answers (primary
device attributes): once that answer is there, no other will come. Pictures stand on the screen as text, as "Unicode
placeholders", so that popups and scrolling need no care. Some terminals know the protocol and not the placeholders,
and would show boxes instead: in between, the terminal is asked for its name (XTVERSION).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

__all__ = ["QUESTIONS", "Answers", "know_colors", "may_be_asked"]

_ID = 31
QUESTIONS = f"\x1b_Gi={_ID},s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[>q\x1b[c"
"""Do you know graphics, who are you, and what are you at all."""

PLACEHOLDERS = {"kitty": (0, 28), "ghostty": (1, 0)}
"""Names of terminals that are known to draw placeholders, and from which version on."""

_TORN, _KEY = 3.0, 0.05
"""Seconds after which the rest of an answer will not come any more; and of what may be a key that was pressed."""
_LONGEST = 4096
_WHOLE = re.compile(
    rb"\x1b_G([^\x1b]*)\x1b\\|\x1bP>\|([^\x1b]*)\x1b\\|\x1b\[\?([0-9;]*)c"
    rb"|\x1b(?:_G|P>\|)[^\x1b]*(?=\x1b[^\\])"  # cut off by what follows: nothing that was typed
)
_PART = re.compile(rb"\x1b(?:_G[^\x1b]*\x1b?|P>(?:\|[^\x1b]*\x1b?)?|\[\?[0-9;]*|[_P\[]|)\Z")
_AMBIGUOUS = (b"\x1b", b"\x1b_", b"\x1bP", b"\x1b[")
"""Beginnings of answers that keys send too."""


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
    if os.environ.get("TERM") in ("xterm-kitty", "xterm-ghostty"):
        os.environ.setdefault("COLORTERM", "truecolor")


class Answers:
    """Takes the answers out of what the terminal sends, in whatever pieces they come; all else is the user's."""

    def __init__(self) -> None:
        self.over = False
        """Whether the last of the answers is there."""
        self.graphics = False
        self.name = ""
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
        graphics, name, attributes = found.groups()
        if self.over:  # nothing more was asked; a word nobody wants is still no key
            return b""
        if graphics is not None:
            self.graphics |= graphics.split(b",")[0].split(b";")[0] == b"i=%d" % _ID and graphics.endswith(b";OK")
        elif name is not None:
            self.name = name.decode("ascii", "replace")[:80]
        elif attributes is not None:
            self.over = True
        return b""
