"""One request over a control socket, and what the trainer says to it."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Generator
from typing import Any

import msgspec

from miniai.run.requests import AnyRequest, encode

__all__ = ["exchange"]

_AGAIN = 0.02
"""Seconds after which a listener with a full queue is tried again."""


def exchange(address: str, request: AnyRequest, end: float) -> Generator[dict[str, Any], None, None]:
    """Send `request`; yields the objects that come back until the trainer hangs up.

    OSError if nobody listens, and TimeoutError at `end` (`time.monotonic`).
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        _connect(sock, address, end)
        sock.sendall(encode(request) + b"\n")
        rest = b""
        while True:
            *lines, rest = rest.split(b"\n")
            for line in lines:
                with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # not ours
                    if isinstance(said := msgspec.json.decode(line), dict):
                        yield said
            sock.settimeout(_left(end))
            try:
                data = sock.recv(65_536)
            except ConnectionError:
                return
            if not data:
                return
            rest += data


def _connect(sock: socket.socket, address: str, end: float) -> None:
    while True:
        sock.settimeout(_left(end))
        try:
            return sock.connect(address)
        except BlockingIOError:  # so many are asking that its queue is full
            time.sleep(_AGAIN)


def _left(end: float) -> float:
    left = end - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left
