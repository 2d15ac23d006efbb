"""Forked: a command of ours that starts in a tenth of the time, because it is forked from a process that has torch.

`python -m tests.terminal.forked SOCKET` loads what a trainer loads and then takes orders: an argument list, an
environment, a folder and three descriptors. It forks, and the child becomes what a fresh interpreter with these
would be: nothing of `tui` is loaded before, and it ends as any interpreter does. What differs is the command line
that the system shows, and who the parent is; tests of starting, stopping and dying therefore start real commands.
`Forked` is the asking side, with the face of `subprocess.Popen`; poison/sitecustomize.py puts it between a screen and
its trainer.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["Forked", "Server"]

PRELOADED = (
    "torch", "safetensors.torch", "torcheval.metrics", "psutil", "pynvml", "msgspec.json",
    "miniai.assembly", "miniai.catalog.fashion", "miniai.learner", "miniai.looking", "miniai.details",
    "miniai.models.mlp", "miniai.trainer",
    "miniai.callbacks.alerts", "miniai.callbacks.checkpoint", "miniai.callbacks.confusion",
    "miniai.callbacks.control", "miniai.callbacks.environment", "miniai.callbacks.gradients",
    "miniai.callbacks.histograms", "miniai.callbacks.layers", "miniai.callbacks.preview", "miniai.callbacks.report",
    "miniai.callbacks.resume", "miniai.callbacks.system", "miniai.callbacks.worst",
)  # fmt: skip
"""What a trainer loads; none of it starts a thread."""
_ROOT = Path(__file__).resolve().parents[2]


class Server:
    """The process that forks, for one process of tests."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.socket = str(folder / "s")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.terminal.forked", self.socket], env=env, cwd=_ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == b"ready\n"

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=20)


class Forked(subprocess.Popen[bytes]):
    """A command that the server at `server` starts; `argv` begins with the interpreter, as always.

    One private name of Popen's is replaced, the one that starts the process: descriptors, pipes and `communicate` are
    those of the original.
    """

    def __init__(self, server: str, argv: Sequence[str], terminal: bool = False, ignore: str = "", **more: Any) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(server)
        self._order = {
            "argv": [str(word) for word in argv], "env": dict(more.get("env") or os.environ),
            "cwd": str(more.get("cwd") or os.getcwd()), "terminal": terminal, "ignore": ignore,
            "session": terminal or bool(more.get("start_new_session")),
        }  # fmt: skip
        self._ended = threading.Lock()
        super().__init__(argv, **more)

    def _execute_child(self, *given: Any) -> None:
        p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite = given[10:16]
        standard = [fd if fd >= 0 else number for number, fd in enumerate((p2cread, c2pwrite, errwrite))]
        socket.send_fds(self._socket, [json.dumps(self._order).encode() + b"\n"], standard)
        self.pid = int(_line(self._socket))
        self._child_created = True
        self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)  # type: ignore[attr-defined]

    def poll(self) -> int | None:
        """Its exit code, if it has ended."""
        with self._ended:
            if self.returncode is None and select.select([self._socket], [], [], 0)[0]:
                self.returncode = int(_line(self._socket))
                self._socket.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its exit code."""
        while (code := self.poll()) is None:
            if not _readable(self._socket, timeout):
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        return code


def _readable(sock: socket.socket, timeout: float | None) -> bool:
    """Whether there is something to read, at once when another thread has read it."""
    try:
        return bool(select.select([sock], [], [], timeout)[0])
    except (OSError, ValueError):  # closed meanwhile
        return True


def _line(sock: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        byte = sock.recv(1)
        assert byte, "the process that forks has ended"
        line += byte
    return line


# -- the process itself ----------------------------------------------------------------------------------------------


class Serving:
    """Takes orders, forks, and tells each who asked how it ended."""

    def __init__(self, path: str) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen(20)
        self._children: dict[int, tuple[int, socket.socket]] = {}
        """By the descriptor that stands for a child: its process id and who waits for it."""

    def loop(self) -> dict[str, Any] | None:
        """Serve until standard input ends: None. In a child: its order, to be obeyed by the caller."""
        listener = self._listener.fileno()
        while True:
            ready, _, _ = select.select([0, listener, *self._children], [], [])
            for fd in ready:
                if fd == 0:
                    return None
                if fd != listener:
                    self._reap(fd)
                elif (order := self._fork()) is not None:
                    return order

    def _reap(self, pidfd: int) -> None:
        pid, asker = self._children.pop(pidfd)
        os.close(pidfd)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with contextlib.suppress(OSError):  # it has gone
            asker.sendall(b"%d\n" % code)
        asker.close()

    def _fork(self) -> dict[str, Any] | None:
        asker, _ = self._listener.accept()
        data, fds = _ordered(asker)
        pid = os.fork() if data else None
        if pid is None or pid:
            for fd in fds:
                os.close(fd)
        if pid is None:
            asker.close()
            return None
        if pid:
            self._children[os.pidfd_open(pid)] = (pid, asker)
            with contextlib.suppress(OSError):  # who asked was killed meanwhile
                asker.sendall(b"%d\n" % pid)
            return None
        self._forget(asker)
        for number, fd in enumerate(fds):
            os.dup2(fd, number)
        for fd in fds:
            os.close(fd)
        order: dict[str, Any] = json.loads(data)
        return order

    def _forget(self, asker: socket.socket) -> None:
        """In a child: let go of all that is the server's."""
        asker.close()
        self._listener.close()
        for pidfd, (_, other) in self._children.items():
            os.close(pidfd)
            other.close()
        self._children.clear()


def _ordered(asker: socket.socket) -> tuple[bytes, list[int]]:
    """An order and its descriptors; nothing if who asked was killed before it was said."""
    data, fds = b"", list[int]()
    with contextlib.suppress(OSError):
        data, fds, _, _ = socket.recv_fds(asker, 1 << 16, 3)
        while data and not data.endswith(b"\n"):
            more = asker.recv(1 << 16)
            data = data + more if more else b""
    return data, fds


def become(order: dict[str, Any]) -> None:
    """Be a fresh interpreter with this command line, environment, folder and terminal."""
    if order["session"]:
        os.setsid()
    if order["terminal"]:
        import fcntl
        import termios

        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for name in filter(None, order["ignore"].split(",")):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    argv: list[str] = order["argv"]
    at = argv.index("-m")
    sys.orig_argv = argv
    sys.argv = argv[at + 1 :]
    places = [place for place in order["env"].get("PYTHONPATH", "").split(":") if place]
    sys.path[:1] = [*([] if "-P" in argv[:at] else [order["cwd"]]), *places]
    open_streams(unbuffered="-u" in argv[:at])
    if order["env"].get("POISON"):
        sys.modules.pop("sitecustomize", None)
        importlib.import_module("sitecustomize")


def open_streams(unbuffered: bool) -> None:
    """Standard streams as an interpreter makes them."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        raw = io.FileIO(number, "wb" if number else "rb", closefd=False)
        buffer: Any = raw if number and unbuffered else io.BufferedWriter(raw) if number else io.BufferedReader(raw)
        errors = "backslashreplace" if name == "stderr" else "surrogateescape"
        lines = name == "stderr" or raw.isatty()
        stream = io.TextIOWrapper(
            buffer, "utf-8", errors, line_buffering=lines, write_through=bool(number and unbuffered)
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


def obey(order: dict[str, Any]) -> None:
    """Run it; raises SystemExit."""
    become(order)
    if sys.argv[0] == "miniai.trainer":
        sys.exit(importlib.import_module("miniai.trainer").main())
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def serve(path: str) -> None:
    """Load all that a trainer needs; then serve."""
    import torch

    for name in PRELOADED:
        importlib.import_module(name)
    torch.set_num_threads(1)
    serving = Serving(path)
    os.write(1, b"ready\n")
    gc.collect()
    gc.freeze()
    order = serving.loop()
    if order is not None:
        obey(order)


if __name__ == "__main__":
    serve(sys.argv[1])
