"""The control socket, viewer's side: send requests, hear alerts, learn whether the run lives."""

from __future__ import annotations

import contextlib
import queue
import socket
import threading
import time
from collections.abc import Callable
from typing import Literal

import msgspec

from miniai.run.ask import ask
from miniai.run.events import AnyFact
from miniai.run.events import decode as decode_fact
from miniai.run.requests import AnyRequest, encode

__all__ = ["ControlClient", "is_alive"]


def is_alive(address: str, run_id: str, deadline: float = 1.0) -> bool:
    """True if a trainer answers at `address` with this run's id within `deadline` seconds."""
    return bool(run_id) and ask([address], deadline)[0].run == run_id


_RECEIPTS = 1.0
"""Seconds that `close` waits for the trainer to confirm what was sent."""


class ControlClient:
    """Sends requests from a thread of its own, so that the caller never waits.

    `heard(fact)` is called, in that thread, for what the trainer says outside the journal; `failed(id, text)` when
    a request could not be delivered. `address()` is asked for each connection: the trainer may have bound anew.
    """

    def __init__(
        self, address: Callable[[], str], heard: Callable[[AnyFact], object], failed: Callable[[str, str], object]
    ) -> None:
        self._address = address
        self._heard = heard
        self._failed = failed
        self._outbox: queue.SimpleQueue[AnyRequest | Literal["listen"] | None] = queue.SimpleQueue()
        self._unheard: set[str] = set()
        """Ids of requests that the trainer has not confirmed."""
        self._line: _Connection | None = None
        self._listening: threading.Thread | None = None
        self._thread = threading.Thread(target=self._deliver, name="requests", daemon=True)
        self._thread.start()

    def send(self, request: AnyRequest) -> None:
        """Queue a request; never blocks."""
        self._outbox.put(request)

    def listen(self) -> None:
        """Connect now, and not only for the first request; never blocks."""
        self._outbox.put("listen")

    def close(self) -> None:
        """Deliver what was asked, then end the threads and the connection."""
        self._outbox.put(None)
        self._thread.join(timeout=5)
        end = time.monotonic() + _RECEIPTS
        while self._unheard and time.monotonic() < end and self._listening is not None:
            self._listening.join(timeout=0.01)  # hanging up at once could take the last request away
        if self._line is not None:
            self._line.shut()
        if self._listening is not None:
            self._listening.join(timeout=5)

    def _deliver(self) -> None:
        while (request := self._outbox.get()) is not None:
            if request == "listen":
                with contextlib.suppress(OSError):  # tried again for each request
                    self._connected()
            elif self._try(request) and (why := self._try(request)):  # the second over a fresh connection
                self._failed(request.id, f"the trainer cannot be reached ({why})")

    def _try(self, request: AnyRequest) -> str:
        """Send once; the reason if that failed."""
        try:
            self._unheard.add(request.id)
            self._connected().send(encode(request) + b"\n")
        except OSError as error:
            self._unheard.discard(request.id)
            if self._line is not None:
                self._line.shut()
                self._line = None
            return error.strerror or str(error)
        return ""

    def _connected(self) -> _Connection:
        if self._line is None or self._line.over:
            self._line = _connect(self._address(), 2.0)
            self._listening = threading.Thread(target=self._listen, args=(self._line,), name="alerts", daemon=True)
            self._listening.start()
        return self._line

    def _listen(self, line: _Connection) -> None:
        line.socket.settimeout(None)
        while data := line.lines.read_line():
            try:
                self._heard(decode_fact(data))
            except msgspec.DecodeError:  # a greeting or a receipt
                self._take_receipt(data)
        line.over = True
        self._unheard.clear()  # nothing more will come: nobody need wait
        line.close()

    def _take_receipt(self, data: bytes) -> None:
        with contextlib.suppress(msgspec.DecodeError, AttributeError):
            self._unheard.discard(msgspec.json.decode(data).get("got"))


class _Lines:
    """Reads a socket line by line; an empty line means that it is closed."""

    def __init__(self, sock: socket.socket) -> None:
        self._file = sock.makefile("rb")

    def close(self) -> None:
        self._file.close()

    def read_line(self) -> bytes:
        try:
            return self._file.readline(65_536)
        except TimeoutError:
            raise
        except (OSError, ValueError):
            return b""


class _Connection:
    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.lines = _Lines(sock)
        self.over = False

    def __enter__(self) -> tuple[socket.socket, _Lines]:
        return self.socket, self.lines

    def __exit__(self, *_: object) -> None:
        self.shut()
        self.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def close(self) -> None:
        """Give the descriptors back."""
        self.lines.close()
        self.socket.close()

    def shut(self) -> None:
        """Wake whoever reads: there is nothing more to come."""
        with contextlib.suppress(OSError):  # it is shut already
            self.socket.shutdown(socket.SHUT_RDWR)


def _connect(address: str, deadline: float) -> _Connection:
    """Connect within `deadline` seconds, which also limits each later read; OSError if nobody answers."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.settimeout(deadline)
    try:
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return _Connection(sock)
