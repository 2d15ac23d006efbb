"""The control socket, trainer's side: requests come in, alerts go out, and an answer proves that the run lives.

A Unix socket in the run directory, or in a private temporary folder where its path is too long or the file
system refuses. Only processes of the same user are heard. On connection the listener says `{"run": ID, "pid": N}`;
each request line is answered with `{"got": ID}`, which means "received". What became of it is a fact of the journal,
and whoever asked is told `{"answer": FACT}` too, for that journal may be on a full disk.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import socket
import stat
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from miniai.errors import RunError
from miniai.run.ask import ask
from miniai.run.directory import RunDir
from miniai.run.events import Fact
from miniai.run.events import encode as encode_fact
from miniai.run.requests import AnyRequest, Kill, decode

__all__ = ["Listener", "kill_group"]

_SOCKET = "control.sock"
_PREFIX = "miniai-tui-"
"""How the names of temporary folders for sockets begin."""
_STALE = 60.0
"""Seconds after which a folder at whose socket nobody listens is removed."""
_LONGEST_LINE = 65_536
_OPEN = 256
"""Requests whose askers are kept in mind."""


def kill_group() -> None:
    """End this process at once, with its whole process group if it leads one of its own."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


class Listener:
    """Serves the control socket from a daemon thread until `close`."""

    def __init__(
        self, run: RunDir, submit: Callable[[AnyRequest], None], kill: Callable[[], None] = kill_group
    ) -> None:
        self._run = run
        self._submit = submit
        self._kill = kill
        self._greeting = msgspec.json.encode({"run": run.original_id, "pid": os.getpid()})
        self._selector = selectors.DefaultSelector()
        self._clients: dict[socket.socket, bytes] = {}
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)
        self._say: list[tuple[socket.socket | None, bytes]] = []
        self._asked: dict[str, socket.socket] = {}
        self._standing = b""
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._folder: str | None = None
        self._bind()
        self._selector.register(self._wake_in, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._serve, name="control socket", daemon=True)
        self._thread.start()

    def say(self, fact: Fact) -> None:
        """Tell every connected viewer something that may not reach the journal; never blocks."""
        with self._lock:
            self._say.append((None, encode_fact(fact) + b"\n"))
        self._wake()

    def answer(self, fact: Fact) -> None:
        """Tell whoever asked for it, if `fact` answers a request of a viewer that is still there; never blocks."""
        asked: str = getattr(fact, "request", "")
        if not asked:
            return
        with self._lock:
            client = self._asked.pop(asked, None)
            if client is None:
                return
            self._say.append((client, b'{"answer":' + encode_fact(fact) + b"}\n"))
        self._wake()

    def greet(self, fact: Fact | None) -> None:
        """Tell `fact` to every viewer that comes from now on; None ends that."""
        self._standing = b"" if fact is None else encode_fact(fact) + b"\n"

    def close(self) -> None:
        """Stop serving and remove the socket."""
        self._closed.set()
        self._wake()
        self._thread.join(timeout=2)
        self._tell()
        for client in list(self._clients):
            self._drop(client)
        self._selector.close()
        self._wake_in.close()
        self._wake_out.close()
        self._unbind()

    def _wake(self) -> None:
        with contextlib.suppress(OSError):  # it is awake already, or closed
            self._wake_out.send(b"!", socket.MSG_DONTWAIT)

    def _bind(self) -> None:
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.address = str(self._run.path / _SOCKET)
        try:
            _bind_private(self._server, self.address)
        except OSError:  # the path is too long, or the file system has no sockets
            _remove_stale(Path(tempfile.gettempdir()))
            self._folder = tempfile.mkdtemp(prefix=_PREFIX)
            self.address = str(Path(self._folder) / _SOCKET)
            _bind_private(self._server, self.address)
        self._server.setblocking(False)
        self._server.listen(16)
        self._inode = os.stat(self.address).st_ino
        self._selector.register(self._server, selectors.EVENT_READ)

    def _unbind(self) -> None:
        self._server.close()
        if self._is_there():
            Path(self.address).unlink(missing_ok=True)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _is_there(self) -> bool:
        try:
            return os.stat(self.address).st_ino == self._inode
        except OSError:
            return False

    def _bind_anew(self) -> None:
        """The path vanished (a cleaned temporary folder, say): bind again and say where."""
        with contextlib.suppress(KeyError, ValueError):  # it was not bound at the last look either
            self._selector.unregister(self._server)
        self._unbind()
        with contextlib.suppress(OSError, RunError):  # tried again at the next look
            self._bind()
            self._run.update_info(socket=self.address)

    def _serve(self) -> None:
        while not self._closed.is_set():
            ready = self._selector.select(timeout=1.0)
            if self._closed.is_set():
                return
            for key, _ in ready:
                if key.fileobj is self._server:
                    self._accept()
                elif key.fileobj is self._wake_in:
                    self._broadcast()
                elif isinstance(key.fileobj, socket.socket):
                    self._read(key.fileobj)
            if not ready and not self._is_there():
                self._bind_anew()

    def _accept(self) -> None:
        try:
            client, _ = self._server.accept()
        except OSError:
            return
        client.setblocking(False)
        if _peer_user(client) not in (os.geteuid(), 0):
            client.close()
            return
        self._clients[client] = b""
        self._selector.register(client, selectors.EVENT_READ)
        self._send(client, self._greeting + b"\n" + self._standing)

    def _broadcast(self) -> None:
        self._wake_in.recv(4096)
        self._tell()

    def _tell(self) -> None:
        with self._lock:
            lines, self._say = self._say, []
        for client in list(self._clients):
            self._send(client, b"".join(line for to, line in lines if to in (None, client)))

    def _read(self, client: socket.socket) -> None:
        if client not in self._clients:  # dropped in this very round
            return
        try:
            data = client.recv(_LONGEST_LINE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        *lines, rest = (self._clients[client] + data).split(b"\n")
        if not data or len(rest) > _LONGEST_LINE:
            self._drop(client)
            return
        self._clients[client] = rest
        for line in lines:
            self._take(client, line)

    def _take(self, client: socket.socket, line: bytes) -> None:
        try:
            request = decode(line)
        except msgspec.DecodeError as error:
            self._send(client, msgspec.json.encode({"error": str(error)}) + b"\n")
            return
        with self._lock:
            self._asked[request.id] = client
            while len(self._asked) > _OPEN:
                del self._asked[next(iter(self._asked))]
        self._send(client, msgspec.json.encode({"got": request.id}) + b"\n")
        if isinstance(request, Kill):
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
            self._kill()
        else:
            self._submit(request)

    def _send(self, client: socket.socket, data: bytes) -> None:
        """Send what fits at once; a viewer that does not read is dropped, nobody waits for it."""
        if not data:
            return
        try:
            if client.send(data, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL) == len(data):
                return
        except OSError:
            pass
        self._drop(client)

    def _drop(self, client: socket.socket) -> None:
        if self._clients.pop(client, None) is not None:
            self._selector.unregister(client)
            client.close()


def _bind_private(server: socket.socket, address: str) -> None:
    """Bind so that only the owner may connect, also where the folder is open to others."""
    server.bind(address)
    os.chmod(address, 0o600)


def _remove_stale(root: Path) -> None:
    """Remove the temporary folders of our trainers that were killed: nobody listens there, and has not just begun."""
    old = [folder for folder in root.glob(f"{_PREFIX}*") if _is_old(folder)]
    for folder, answer in zip(old, ask([str(folder / _SOCKET) for folder in old], deadline=0.2), strict=True):
        if not answer.listens:
            shutil.rmtree(folder, ignore_errors=True)


def _is_old(folder: Path) -> bool:
    """Whether it has held a socket of ours, and nothing else, for more than a minute."""
    with contextlib.suppress(OSError):  # it went away meanwhile, or is another user's
        held = folder.lstat()
        ours = stat.S_ISDIR(held.st_mode) and held.st_uid == os.geteuid() and os.listdir(folder) == [_SOCKET]
        return ours and time.time() - held.st_mtime > _STALE
    return False


def _peer_user(client: socket.socket) -> int:
    """User id of the process at the other end; our own where the system cannot tell (the folder is private)."""
    if sys.platform != "linux":
        return os.geteuid()
    credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[1])
