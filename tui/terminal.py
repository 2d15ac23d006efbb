"""The terminal we were given: whether it can be used, keeping other output off it, and giving it back."""

from __future__ import annotations

import contextlib
import io
import os
import select
import signal
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tui.codeset import is_utf8, why_not_utf8

__all__ = ["RESTORE", "Terminal", "why_not"]

_CANCEL = b"\x18"
"""CAN: ends an escape sequence that was cut off."""
RESTORE = b"".join(
    [
        _CANCEL,
        b"\x1b[?2026l",  # synchronised output off
        b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l",  # mouse off
        b"\x1b[?2004l\x1b[?1004l\x1b[?2048l",  # bracketed paste, focus events, in-band resize off
        b"\x1b[<u",  # the kitty keyboard protocol off
        b"\x1b[?7h\x1b[0m",  # line wrap on, no colours
        b"\x1b[?1049l\x1b[?25h",  # leave the alternate screen, show the cursor
    ]
)
_FORGOTTEN = b"\x1b[?1016l"
"""What Textual 8.2 leaves switched on in a terminal that reports its size by itself: the mouse in pixels."""


def why_not(stdin: int = 0, stdout: int = 1, stderr: int = 2) -> str:
    """Why the terminal cannot show the screen, in words; empty if it can."""
    names = ((stdin, "stdin"), (stdout, "stdout"), (stderr, "stderr"))
    missing = [name for fd, name in names if not _is_terminal(fd)]
    if missing:
        return f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not a terminal"
    term = os.environ.get("TERM", "")
    if term in ("", "dumb"):
        return f"TERM is {term or 'not set'}"
    if reason := why_not_utf8():
        return reason
    encoding = getattr(sys.__stderr__, "encoding", None) or "unknown"
    if not is_utf8(encoding):
        return f"the terminal's encoding is {encoding} and not UTF-8"
    if not _in_foreground(stdin):
        return "the command was started in the background"
    return ""


def _in_foreground(fd: int) -> bool:
    """Whether our process group may use the terminal; False too for a terminal that is not our session's."""
    try:
        return os.tcgetpgrp(fd) == os.getpgrp()
    except OSError:
        return False


def _is_terminal(fd: int) -> bool:
    try:
        return os.isatty(fd)
    except OSError:
        return False


class Terminal:
    """A context in which Textual alone writes to the terminal.

    Descriptors 1 and 2 point at `log` meanwhile, so that C code, subprocesses and logging handlers write there;
    Textual draws on a private duplicate of the terminal. Without a `log` what they write is `caught`. `restore`
    gives the terminal back by hand, from any thread and from signal handlers, within half a second.
    """

    def __init__(self, log: Path | None) -> None:
        self._log = log
        self._saved: list[tuple[int, int]] = []
        self._screen = -1
        self._originals: tuple[Any, Any] = (None, None)
        self._attributes: list[Any] | None = None
        self._name = ""
        self._restoring = threading.RLock()  # a signal handler may restore while its own thread does
        self._silenced = False
        self.farewell: Callable[[], str] = str
        """What else must be written before `restore` gives the terminal back."""

    def __enter__(self) -> Terminal:
        self._attributes = termios.tcgetattr(0)
        self._name = os.ttyname(0)
        sys.stdout.flush()
        sys.stderr.flush()
        self._screen = os.dup(2)
        self._originals = sys.__stdout__, sys.__stderr__
        # Textual draws on the process's original stderr and asks its original stdout for the terminal's size.
        sys.__stderr__ = open(self._screen, "w", encoding="utf-8", closefd=False)  # type: ignore[misc]
        sys.__stdout__ = _Sized(self._screen)  # type: ignore[misc]
        log = _open_log(self._log)
        for fd in (1, 2):
            self._saved.append((fd, os.dup(fd)))
            os.dup2(log, fd)
        os.close(log)
        return self

    def __exit__(self, *_: object) -> None:
        """Point descriptors 1 and 2 at the terminal again."""
        # Waking a blocked writer may let the app return while the terminal is still being given back by hand.
        if self._restoring.acquire(timeout=5):
            self._restoring.release()
        _flush()
        if not self._silenced:
            with contextlib.suppress(OSError):
                os.write(self._screen, _FORGOTTEN)
        for fd, saved in self._saved:
            os.dup2(saved, fd)
            os.close(saved)
        self._saved = []
        sys.__stdout__, sys.__stderr__ = self._originals  # type: ignore[misc]
        os.close(self._screen)

    def taken(self) -> None:
        """Textual has what it draws on: from now on the original stderr is the log's too."""
        sys.__stderr__ = self._originals[1]  # type: ignore[misc]

    def caught(self) -> str:
        """What was written to descriptors 1 and 2 without a log; empty with one."""
        if self._log is not None:
            return ""
        _flush()
        return os.pread(2, 1 << 20, 0).decode(errors="replace").strip()

    def is_ours(self) -> bool:
        """False while the screen is suspended: the terminal is the shell's then; and when the terminal is gone."""
        return _in_foreground(0)

    def is_anothers(self) -> bool:
        """True while another process group, the shell's, has the terminal."""
        try:
            return os.tcgetpgrp(0) != os.getpgrp()
        except OSError:
            return False

    def restore(self, words: str = "") -> None:
        """Give the terminal back by hand: modes off, normal screen, cursor, echo, then `words`.

        What it refuses is left. Nothing that Textual still writes arrives there any more.
        """
        if not self.is_ours():
            return
        with self._restoring, contextlib.suppress(OSError, termios.error):
            # A descriptor of its own: not blocking here must not make the shell's terminal non-blocking.
            fd = os.open(self._name, os.O_RDWR | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
            try:
                if self._attributes is not None:
                    termios.tcsetattr(fd, termios.TCSANOW, self._attributes)
                self._silence()
                _write_past(fd, _CANCEL + self.farewell().encode() + RESTORE + words.encode(errors="replace"))
            finally:
                os.close(fd)

    def _silence(self) -> None:
        """Lead what is drawn from now on into the null device."""
        self._silenced = True
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        os.dup2(null, self._screen)
        os.close(null)

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


class _Sized(io.TextIOWrapper):
    """Writes to descriptor 1, and has the size of the terminal behind another descriptor."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        raw = io.FileIO(1, "w", closefd=False)
        super().__init__(raw, encoding="utf-8", errors="backslashreplace", write_through=True)

    def fileno(self) -> int:
        """The terminal's descriptor."""
        return self._terminal


def _write_past(fd: int, data: bytes, deadline: float = 3.0) -> None:
    """Write to a terminal that may have stalled, in place of what waits to be written there.

    The terminal is locked by a thread that waits in a write to it (Textual's, by its public name). A signal ends
    its wait: the rest of what it writes goes where its descriptor points now.
    """
    end = time.monotonic() + deadline
    while True:
        for thread in threading.enumerate():
            if thread.name == "textual-output" and thread.ident is not None:
                signal.pthread_kill(thread.ident, signal.SIGUSR2)
        termios.tcflush(fd, termios.TCIOFLUSH)
        try:
            if os.write(fd, data) == len(data):
                return
        except BlockingIOError:
            if time.monotonic() > end:
                raise
        if time.monotonic() > end:
            return
        time.sleep(0.01)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


def _open_log(path: Path | None) -> int:
    """The log for appending, or the null device where it cannot be written; without a path a file with no name."""
    try:
        if path is None:
            with tempfile.TemporaryFile() as file:
                return os.dup(file.fileno())
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)
