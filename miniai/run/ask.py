"""Who listens at control sockets: many are asked at once, and together they take one deadline."""

from __future__ import annotations

import errno
import selectors
import socket
import time
from collections.abc import Iterator, Sequence

import msgspec

__all__ = ["Answer", "ask"]

_AT_ONCE = 200
"""Sockets that are open together: a process may have 256 files on some systems."""
_AGAIN = 0.02
"""Seconds after which a listener with a full queue is tried again."""
_LONGEST = 4096


class Answer(msgspec.Struct, frozen=True):
    """What came back from one address."""

    run: str = ""
    """Id of the run that answered; empty if none did."""
    pid: int = 0
    listens: bool = False
    """Whether somebody holds the socket open, also if nothing was said."""


def ask(addresses: Sequence[str], deadline: float = 1.0) -> list[Answer]:
    """Ask all at once; those that say nothing within `deadline` seconds have not answered."""
    answers: list[Answer] = []
    for start in range(0, len(addresses), _AT_ONCE):
        answers += _ask(addresses[start : start + _AT_ONCE], time.monotonic() + deadline)
    return answers


class _Question:
    """One address that is being asked."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.answer = Answer()
        self.over = not address
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.setblocking(False)
        self.connected = False
        self._heard = b""

    def connect(self) -> None:
        """Try to connect; a full queue means that somebody is there, but busy."""
        try:
            error = self.socket.connect_ex(self.address)
        except (OSError, ValueError):  # a path that is too long, or none
            error = errno.EINVAL
        busy = error in (errno.EAGAIN, errno.EWOULDBLOCK)
        self.connected = error in (0, errno.EISCONN, errno.EINPROGRESS)
        self.over = not (busy or self.connected)
        if not self.over:
            self.answer = Answer(listens=True)

    def read(self) -> None:
        """Take what came of the greeting."""
        try:
            data = self.socket.recv(_LONGEST)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self._heard += data
        line, newline, _ = self._heard.partition(b"\n")
        if newline:
            self.answer = _greeting(line)
        self.over = bool(newline) or not data or len(self._heard) > _LONGEST


def _greeting(line: bytes) -> Answer:
    try:
        return msgspec.structs.replace(msgspec.json.decode(line, type=Answer), listens=True)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # another program
        return Answer(listens=True)


def _ask(addresses: Sequence[str], end: float) -> list[Answer]:
    questions = [_Question(address) for address in addresses]
    try:
        with selectors.DefaultSelector() as selector:
            for question in _turns(questions, selector, end):
                question.read()
                if question.over:
                    selector.unregister(question.socket)
    finally:
        for question in questions:
            question.socket.close()
    return [question.answer for question in questions]


def _turns(questions: list[_Question], selector: selectors.BaseSelector, end: float) -> Iterator[_Question]:
    """Connect to all, and give those that have something to read, until all have answered or the time is over."""
    outside = [question for question in questions if not question.over]
    while True:
        for question in outside:
            question.connect()
            if question.connected:
                selector.register(question.socket, selectors.EVENT_READ, question)
        outside = [question for question in outside if not (question.over or question.connected)]
        left = end - time.monotonic()
        if left <= 0 or not (outside or selector.get_map()):
            return
        for key, _ in selector.select(min(left, _AGAIN) if outside else left):
            yield key.data
