"""miniai-tui in a real pseudo-terminal, drained by a thread that notes when bytes came and what they said."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import sys
import termios
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

__all__ = ["PtyScreen", "command"]

_ESCAPE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[P\]X^_].*?(?:\x07|\x1b\\)|[^\[P\]X^_])", re.DOTALL)
"""Escape sequences (ECMA-48): with them cut out, what is left is the text that was drawn, in drawing order."""


def command(*arguments: str) -> list[str]:
    """The command line as a user runs it: the installed script, or the package where there is none."""
    script = Path(sys.executable).with_name("miniai-tui")
    return [str(script), *arguments] if script.exists() else [sys.executable, "-m", "tui", *arguments]


class PtyScreen:
    """One screen of 120x40 cells. Times are wall-clock seconds, to be compared with the journal's."""

    def __init__(self, argv: Sequence[str], folder: Path, columns: int = 120, rows: int = 40) -> None:
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
        environment.pop("NO_COLOR", None)
        self.started = time.time()
        pid, self._fd = pty.fork()
        if pid == 0:
            os.chdir(folder)
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execve(argv[0], list(argv), environment)
        self.process = psutil.Process(pid)
        self.received = 0
        """Bytes that came so far."""
        self.first_byte = 0.0
        self._watched = b""
        self._patterns: list[re.Pattern[bytes]] = []
        self._hits: list[float] = []
        self._news = threading.Condition()
        self._over = threading.Event()
        threading.Thread(target=self._drain, name="pty", daemon=True).start()

    # -- what comes ------------------------------------------------------------------------------------------------

    def _drain(self) -> None:
        while True:
            try:
                data = os.read(self._fd, 65_536)
            except OSError:  # the other end is closed
                break
            if not data:
                break
            now = time.time()
            with self._news:
                self.received += len(data)
                self.first_byte = self.first_byte or now
                if not all(self._hits):  # once all was seen, the reader costs next to nothing
                    self._look(data, now)
        self._over.set()
        with self._news:
            self._news.notify_all()

    def _look(self, data: bytes, now: float) -> None:
        """Look for the patterns in all that came since they were set."""
        self._watched += data
        drawn = _ESCAPE.sub(b"", self._watched)
        hit = False
        for i, pattern in enumerate(self._patterns):
            if not self._hits[i] and pattern.search(drawn):
                self._hits[i], hit = now, True
        if hit:
            self._news.notify_all()

    def watch(self, *patterns: str) -> None:
        """From now on look for these regular expressions, each for itself."""
        with self._news:
            self._watched = b""
            self._patterns = [re.compile(p.encode()) for p in patterns]
            self._hits = [0.0] * len(patterns)

    def wait(self, which: int = 0, deadline: float = 60.0) -> float:
        """When the pattern was first drawn; TimeoutError if it was not within `deadline` seconds."""
        with self._news:
            self._news.wait_for(lambda: self._hits[which] or self._over.is_set(), deadline)
            if not self._hits[which]:
                tail = _ESCAPE.sub(b"", self._watched)[-600:].decode(errors="replace")
                raise TimeoutError(f"{self._patterns[which].pattern!r} was not drawn; last text: {tail}")
            return self._hits[which]

    # -- what goes -------------------------------------------------------------------------------------------------

    def press(self, key: str, *answers: str) -> float:
        """Watch for the answers, press a key, and return when it was pressed."""
        self.watch(*answers)
        now = time.time()
        os.write(self._fd, key.encode())
        return now

    def freeze(self, deadline: float = 5.0) -> None:
        """Press ctrl+z, which suspends the screen: from then on its process stands still and draws nothing."""
        if self.process.status() == psutil.STATUS_STOPPED:
            return
        os.write(self._fd, b"\x1a")
        end = time.monotonic() + deadline
        while self.process.status() != psutil.STATUS_STOPPED:
            if time.monotonic() > end:
                raise TimeoutError("the screen does not suspend itself")
            time.sleep(0.01)

    def thaw(self) -> None:
        """Let it go on if it is suspended."""
        if self.process.status() == psutil.STATUS_STOPPED:
            self.process.send_signal(signal.SIGCONT)

    def cpu(self) -> float:
        """CPU seconds of the screen's process so far, without its children."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def memory(self) -> int:
        """Resident bytes."""
        return int(self.process.memory_info().rss)

    def peak_memory(self) -> int:
        """The most resident bytes so far, where the system tells (Linux); else those of now."""
        status = Path(f"/proc/{self.process.pid}/status")
        try:
            line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        except (OSError, StopIteration):
            return self.memory()
        return int(line.split()[1]) * 1024

    def close(self, deadline: float = 20.0) -> int | None:
        """Wait for the end of the process, by force after `deadline` seconds; its exit code, or None if forced."""
        forced = False
        if not self._over.wait(deadline):
            forced = True
            self.thaw()
            self.process.kill()
            self._over.wait(5)
        _, status = os.waitpid(self.process.pid, 0)
        os.close(self._fd)
        return None if forced else os.waitstatus_to_exitcode(status)
