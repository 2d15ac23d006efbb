"""Term: a command in a real pseudo-terminal, its bytes kept and mirrored in a pyte screen."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyte

from tests.terminal.forked import Forked

MODES = {1000, 1002, 1003, 1004, 1006, 1015, 1016, 1049, 2004, 2026, 2048}
"""Private modes that must all be off again when a program leaves: mouse, focus, alternate screen, paste ..."""

# What pyte 0.8.2 would print as text, or fails on: CSI with < > =, mode reports, DCS and APC strings.
_UNKNOWN = re.compile(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p|\x1b\[\?[0-9]*u|\x1b[P_].*?\x1b\\", re.DOTALL)
_UNFINISHED = re.compile(rb"\x1b(?:\[[0-9;?<>=$]*|[P_\]][^\x1b\x07]*|)\Z")
_ALTERNATE = re.compile(rb"\x1b\[\?1049[hl]")
_MODE = re.compile(rb"\x1b\[\?([0-9;]+)([hl])")

# A session of its own with the pseudo-terminal as its controlling terminal; done by a small program and not between
# fork and exec, because a test process may have threads.
_OWN_SESSION = """
import fcntl, os, signal, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
for name in filter(None, sys.argv[1].split(",")):
    signal.signal(getattr(signal, name), signal.SIG_IGN)
os.execvp(sys.argv[2], sys.argv[2:])
"""


class Term:
    """`argv` running in a terminal of `rows` x `cols`; `ignore` names signals that it inherits as ignored.

    A `modern` terminal says that it knows synchronised output and reports its size by itself. `server` names the
    process that forks the program (`forked.py`), if it is not to be started anew.
    """

    def __init__(
        self,
        argv: Sequence[str],
        cwd: Path,
        env: dict[str, str],
        rows: int = 40,
        cols: int = 120,
        ignore: Sequence[str] = (),
        modern: bool = False,
        server: str = "",
    ) -> None:
        self._modern = modern
        self.screen = pyte.Screen(cols, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._held = b""
        self.raw = bytearray()
        """Everything that the program has written."""
        self.master, self.slave = pty.openpty()
        os.set_blocking(self.master, False)
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
        self.at_first = termios.tcgetattr(self.slave)
        more: Any = {"stdin": self.slave, "stdout": self.slave, "stderr": self.slave, "cwd": cwd, "env": env}
        ignored = ",".join(ignore)
        self.process: subprocess.Popen[bytes] = (
            Forked(server, argv, terminal=True, ignore=ignored, **more)
            if server
            else subprocess.Popen([sys.executable, "-SIc", _OWN_SESSION, ignored, *argv], **more)
        )
        self.pid = self.process.pid

    # -- see -------------------------------------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """What a person sees now."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    @property
    def modes(self) -> set[int]:
        """Those of `MODES` that are on after the bytes so far, and 25 while the cursor is hidden."""
        on: set[int] = set()
        for numbers, switch in _MODE.findall(bytes(self.raw)):
            for number in map(int, numbers.split(b";")):
                if number in MODES or number == 25:
                    (on.add if (switch == b"h") != (number == 25) else on.discard)(number)
        return on

    @property
    def sane(self) -> bool:
        """Whether the terminal is as it was found: no mode left on, the cursor shown, line editing and echo."""
        now, first = termios.tcgetattr(self.slave), self.at_first
        return not self.modes and now[:4] == first[:4] and bool(now[3] & termios.ECHO and now[3] & termios.ICANON)

    # -- wait ------------------------------------------------------------------------------------------------------

    def pump(self, seconds: float = 0.02) -> None:
        """Take what the program writes, waiting at most `seconds` for the first of it."""
        if self.master < 0 or not select.select([self.master], [], [], seconds)[0]:
            return
        with contextlib.suppress(BlockingIOError, OSError):  # EIO: nobody holds the other side any more
            while data := os.read(self.master, 65_536):
                self._feed(data)

    def until(self, condition: Callable[[], object], what: str, timeout: float = 30.0, read: bool = True) -> None:
        """Wait for `condition`; with `read=False` as a terminal that has stalled, which takes nothing."""
        end = time.monotonic() + timeout
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"not within {timeout} s: {what}; on the screen:\n{self.text}")
            if read and self.master >= 0:
                self.pump()
            else:
                select.select([], [], [], 0.02)

    def wait(self, pattern: str, timeout: float = 30.0) -> re.Match[str]:
        """Wait until `pattern` is on the screen."""
        self.until(lambda: re.search(pattern, self.text, re.MULTILINE), f"{pattern!r} on the screen", timeout)
        found = re.search(pattern, self.text, re.MULTILINE)
        assert found
        return found

    def exit(self, timeout: float = 20.0, read: bool = True) -> int:
        """Wait for the program's end: its exit code, or -n if signal n ended it."""
        self.until(lambda: self.process.poll() is not None, "the program's end", timeout, read)
        if read:
            self.pump(0.0)
        assert self.process.returncode is not None
        return self.process.returncode

    # -- do --------------------------------------------------------------------------------------------------------

    def send(self, keys: str) -> None:
        """Press keys."""
        os.write(self.master, keys.encode())

    def stop(self) -> None:
        """Stop the run on the screen after the running batch, see that it has stopped, and leave."""
        self.send("s")
        self.wait("after this batch")
        self.send("s")
        self.wait("■ stopped")
        self.send("q")

    def stop_and_quit(self) -> None:
        """Leave, and let the run stop: by the question that `q` asks. All must be well then."""
        self.send("q")
        self.wait("stop and quit")
        self.send("s")
        assert self.exit() == 0
        assert self.sane

    def signal(self, number: int) -> None:
        """Send a signal to the program."""
        self.process.send_signal(number)

    def resize(self, rows: int, cols: int) -> None:
        """Change the terminal's size."""
        self.screen.resize(rows, cols)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def hang_up(self) -> None:
        """Close the terminal, as a closed window or a lost connection does."""
        os.close(self.slave)
        os.close(self.master)
        self.master = self.slave = -1

    def close(self) -> None:
        """End the program if it still runs."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)
        if self.master >= 0:
            self.hang_up()

    def _feed(self, data: bytes) -> None:
        self.raw += data
        if self._modern:
            for mode in re.findall(rb"\x1b\[\?(2026|2048)\$p", data):
                os.write(self.master, b"\x1b[?%s;2$y" % mode)
        data = self._held + data
        cut = _UNFINISHED.search(data)
        data, self._held = (data[: cut.start()], data[cut.start() :]) if cut else (data, b"")
        # pyte has one screen: what is on it goes when a program enters or leaves the alternate one
        self._stream.feed(_ALTERNATE.sub(b"\\g<0>\x1b[2J\x1b[H", _UNKNOWN.sub(b"", data)))
