"""The log of a trained program: read as it grows, made harmless, and each line given its level."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from tui.text import clean

__all__ = ["Level", "LogFile", "LogLine", "Read"]

Level: TypeAlias = Literal["error", "warning", "info", "debug", ""]
"""What a line says of itself; "" for plain output."""

LIMIT, LONGEST = 5_000, 2_000
"""Lines that are kept, and characters of one."""
CHUNK = 1 << 20
"""Bytes that one look reads at most; what is older than that is left in the file."""

_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\|$)|[PX^_][^\x1b]*(?:\x1b\\|$)|[ -/]*[0-~])"
)
_NAMED = re.compile(r"(?:^|[\s\[|:<(-])(DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL|FATAL)(?=[\s\]|:>),-]|$)")
_PREFIX = re.compile(r"(error|fatal|warning)( \w+)?:", re.IGNORECASE)
_WARNED = re.compile(r"\S+:\d+: \w*Warning: |\w*Warning: ")
_RAISED = re.compile(r"[A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit)(?:: |$)")
_TRACE = "Traceback (most recent call last):"
_CHAINED = ("During handling of the above exception", "The above exception was the direct cause")
_LEVELS: dict[str, Level] = {
    "DEBUG": "debug", "INFO": "info", "WARNING": "warning", "WARN": "warning", "ERROR": "error", "CRITICAL": "error",
    "FATAL": "error",
}  # fmt: skip


@dataclass(frozen=True)
class LogLine:
    """One line; `number` counts from the first that was read."""

    number: int
    text: str
    level: Level


class _Levels:
    """Gives lines their level; what belongs to a traceback or to a warning has the same."""

    def __init__(self) -> None:
        self._open: Level = ""
        self._trace = False

    def of(self, text: str) -> Level:
        if text.lstrip().startswith(_TRACE):
            self._trace, self._open = True, ""
            return "error"
        if self._trace:
            inside = text.startswith((" ", "\t")) or not text.strip() or text.startswith(("|", "+"))
            self._trace = inside
            self._open = ""
            return "error"
        if self._open and text.startswith("  "):
            level, self._open = self._open, ""  # the source line that Python shows under a warning
            return level
        self._open = "warning" if _WARNED.match(text) else ""
        return self._plain(text)

    def _plain(self, text: str) -> Level:
        if self._open:
            return self._open
        if named := _NAMED.search(text[:80]):
            return _LEVELS[named[1]]
        if found := _PREFIX.match(text):
            return "warning" if found[1].lower() == "warning" else "error"
        return "error" if _RAISED.match(text) or text.startswith(_CHAINED) else ""


@dataclass(frozen=True)
class Read:
    """What one look found."""

    lines: list[LogLine]
    """Those that are new, the newest last."""
    partial: str = ""
    """The last line so far, if it has no end yet: a progress bar shows its newest state."""
    missing: bool = False
    problem: str = ""
    """Why the file cannot be read."""
    anew: bool = False
    """The file was replaced or shortened: what was read before is void."""
    skipped: bool = False
    """Lines before these are only in the file."""
    more: bool = False
    """There is more to be read at once."""


class LogFile:
    """Reads what is new in a file. `look` may take a while: to be called in a thread, one call at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.limit: int | None = None
        """Bytes from the beginning that may be read; None: all."""
        self._at, self._file = 0, (0, 0)
        self._rest = b""
        self._number = 0
        self._levels = _Levels()

    def look(self) -> Read:
        """The lines that have come since the last look; never raises for what the file system does."""
        try:
            with self.path.open("rb") as file:
                status = os.fstat(file.fileno())
                size = status.st_size if self.limit is None else min(self.limit, status.st_size)
                anew = self._renewed((status.st_dev, status.st_ino), size)
                skipped = size - self._at > CHUNK
                if skipped:
                    self._at, self._rest = size - CHUNK, b""
                file.seek(self._at)
                data = file.read(CHUNK if self.limit is None else min(CHUNK, size - self._at))
        except FileNotFoundError:
            return Read([], missing=True, anew=self._renewed((0, 0), 0))
        except OSError as error:
            return Read([], problem=error.strerror or str(error))
        self._at += len(data)
        if skipped:
            data = data.partition(b"\n")[2]
        lines = self._lines(data)
        return Read(lines, self._partial(), anew=anew, skipped=skipped, more=len(data) == CHUNK)

    def _renewed(self, file: tuple[int, int], size: int) -> bool:
        """Begin anew if this is another file, or less than there was."""
        anew = self._at > 0 and (file != self._file or size < self._at)
        if anew:
            self._at, self._rest, self._levels = 0, b"", _Levels()
        self._file = file
        return anew

    def _lines(self, data: bytes) -> list[LogLine]:
        *whole, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[self._rest.rstrip(b"\r").rfind(b"\r") + 1 :][: 4 * LONGEST + 1]
        self._number += max(len(whole) - LIMIT, 0)  # more than are kept: they need not be made
        fresh: list[LogLine] = []
        for line in whole[-LIMIT:]:
            text = _shown(line)
            self._number += 1
            fresh.append(LogLine(self._number, text, self._levels.of(text)))
        return fresh

    def _partial(self) -> str:
        return _shown(self._rest)


def _shown(line: bytes) -> str:
    """What a terminal would show of a line at its end: the last state of a progress bar, without control characters."""
    last = next((part for part in reversed(line.split(b"\r")) if part.strip()), b"")
    text = last[: 4 * LONGEST].decode(errors="replace")
    return clean(_ESCAPES.sub("", text).expandtabs(4), LONGEST).rstrip()
