"""The terminal we were given: whether it can be used, keeping other output off it, and giving it back."""

from __future__ import annotations

import codecs
import contextlib
import os
import select
import sys
import termios
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["RESTORE", "Terminal", "why_not"]

RESTORE = b"".join(
    [
        b"\x18",  # CAN: end an escape sequence that was cut off
        b"\x1b[?2026l",  # synchronised output off
        b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l",  # mouse off
        b"\x1b[?2004l\x1b[?1004l\x1b[?2048l",  # bracketed paste, focus events, in-band resize off
        b"\x1b[<u",  # the kitty keyboard protocol off
        b"\x1b[?7h\x1b[0m",  # line wrap on, no colours
        b"\x1b[?1049l\x1b[?25h",  # leave the alternate screen, show the cursor
    ]
)


def why_not(stdin: int = 0, stdout: int = 1, stderr: int = 2) -> str:
    """Why the terminal cannot show the screen, in words; empty if it can."""
    names = ((stdin, "stdin"), (stdout, "stdout"), (stderr, "stderr"))
    missing = [name for fd, name in names if not _is_terminal(fd)]
    if missing:
        return f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not a terminal"
    term = os.environ.get("TERM", "")
    if term in ("", "dumb"):
        return f"TERM is {term or 'not set'}"
    encoding = getattr(sys.__stderr__, "encoding", None) or "unknown"
    if not _is_utf8(encoding):
        return f"the terminal's encoding is {encoding} and not UTF-8"
    if os.tcgetpgrp(stdin) != os.getpgrp():
        return "the command was started in the background"
    return ""


def _is_terminal(fd: int) -> bool:
    try:
        return os.isatty(fd)
    except OSError:
        return False


def _is_utf8(encoding: str) -> bool:
    try:
        return codecs.lookup(encoding).name == "utf-8"
    except LookupError:
        return False


class Terminal:
    """A context in which Textual alone writes to the terminal.

    Descriptors 1 and 2 point at `log` meanwhile, so that C code, subprocesses and logging handlers write there;
    Textual draws on a private duplicate of the terminal. `restore` gives the terminal back by hand, from any
    thread and from signal handlers, and never blocks.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._saved: list[tuple[int, int]] = []
        self._screen = -1
        self._originals: tuple[Any, Any] = (None, None)
        self._attributes: list[Any] | None = None
        self._name = ""

    def __enter__(self) -> Terminal:
        self._attributes = termios.tcgetattr(0)
        self._name = os.ttyname(0)
        sys.stdout.flush()
        sys.stderr.flush()
        self._screen = os.dup(2)
        self._originals = sys.__stdout__, sys.__stderr__
        # Textual draws on the process's original stderr and asks its original stdout for the terminal's size.
        screen = open(self._screen, "w", encoding="utf-8", closefd=False)  # noqa: SIM115  # closed by __exit__
        sys.__stdout__ = sys.__stderr__ = screen  # type: ignore[misc]
        log = _open_log(self._log)
        for fd in (1, 2):
            self._saved.append((fd, os.dup(fd)))
            os.dup2(log, fd)
        os.close(log)
        return self

    def __exit__(self, *_: object) -> None:
        """Point descriptors 1 and 2 at the terminal again."""
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        for fd, saved in self._saved:
            os.dup2(saved, fd)
            os.close(saved)
        self._saved = []
        sys.__stdout__, sys.__stderr__ = self._originals  # type: ignore[misc]
        os.close(self._screen)

    def restore(self) -> None:
        """Give the terminal back by hand: modes off, normal screen, cursor, echo. What it refuses is left."""
        with contextlib.suppress(OSError, termios.error):
            # A descriptor of its own: not blocking here must not make the shell's terminal non-blocking.
            fd = os.open(self._name, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
            try:
                if self._attributes is not None:
                    termios.tcsetattr(fd, termios.TCSANOW, self._attributes)
                    termios.tcflush(fd, termios.TCIOFLUSH)
                os.write(fd, RESTORE)
            finally:
                os.close(fd)

    def let_go(self) -> None:
        """Put the null device in the place of the terminal: a terminal that is gone must not be read or written."""
        null = os.open(os.devnull, os.O_RDWR)
        for fd in [0, self._screen, *(saved for _, saved in self._saved)]:
            os.dup2(null, fd)
        os.close(null)

    def watch_for_hangup(self, gone: Callable[[], object]) -> None:
        """Call `gone` from a daemon thread when the terminal is closed, which SIGHUP may fail to say."""
        poll = select.poll()
        poll.register(os.dup(0), 0)  # hang-ups are always reported

        def wait() -> None:
            poll.poll()
            gone()

        threading.Thread(target=wait, name="hang-up", daemon=True).start()


def _open_log(path: Path) -> int:
    """The log for appending, or the null device where it cannot be written."""
    try:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)
