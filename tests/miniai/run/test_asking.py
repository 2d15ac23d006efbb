"""The control socket in its bad moments: a full queue, a peer that dawdles, hangs up early, or vanishes."""

from __future__ import annotations

import contextlib
import itertools
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from miniai.run import status as module
from miniai.run.ask import Answer, ask
from miniai.run.client import ControlClient, _Connection, is_alive
from miniai.run.directory import RunDir
from miniai.run.events import FitEnded, Paused, encode
from miniai.run.exchange import exchange
from miniai.run.listener import Listener
from miniai.run.requests import AnyRequest, Continue, Pause
from miniai.run.status import status


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[socket.socket]:
    """A listener whose queue is full of connections that say nothing."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.socket(socket.AF_UNIX))
        server.bind(str(tmp_path / "s"))
        server.listen(0)
        server.settimeout(5)
        full = 0
        while full == 0:
            waits = stack.enter_context(socket.socket(socket.AF_UNIX))
            waits.setblocking(False)
            full = waits.connect_ex(str(tmp_path / "s"))
        yield server


def serve(server: socket.socket, answer: Callable[[socket.socket], object]) -> None:
    """Take connections until one has asked something, and leave that to `answer`."""
    asked = b""
    while not asked:
        peer = server.accept()[0]
        with peer, contextlib.suppress(TimeoutError):
            peer.settimeout(0.2)
            if asked := peer.recv(1000):
                with contextlib.suppress(OSError):
                    answer(peer)


def test_a_full_queue_means_that_somebody_is_there(busy: socket.socket) -> None:
    assert ask([busy.getsockname()], 0.05) == [Answer(listens=True)]


def test_an_exchange_waits_for_its_turn_in_a_full_queue(busy: socket.socket) -> None:
    address = busy.getsockname()
    with pytest.raises(TimeoutError):
        next(exchange(address, Continue(id="c"), time.monotonic() + 0.05))
    found: list[dict[str, Any]] = []
    asker = threading.Thread(target=lambda: found.extend(exchange(address, Continue(id="c"), time.monotonic() + 5)))
    asker.start()
    serve(busy, lambda peer: peer.sendall(b'{"got":"c"}\n'))
    asker.join(5)
    assert found == [{"got": "c"}]


def test_a_run_that_ends_while_it_is_asked_has_not_crashed(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    run.journal.write_bytes(encode(Paused(at=1, epoch=0, phase="train", batch=1, step=1)) + b"\n")
    run.update_info(pid=1, pid_started=1.0)
    assert status(run).state == "crashed"

    def ends(addresses: Sequence[str], deadline: float) -> list[Answer]:
        with run.journal.open("ab") as file:
            file.write(encode(FitEnded(at=2, reason="done", step=9)) + b"\n")
        return [Answer() for _ in addresses]

    monkeypatch.setattr(module, "ask", ends)
    assert status(run).state == "done"


def test_a_peer_that_dawdles_has_one_deadline_for_all(tmp_path: Path) -> None:
    over = threading.Event()

    def dawdle(peer: socket.socket) -> None:
        while not over.wait(0.01):
            peer.sendall(b'{"got":"c"}\n')

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        teller = threading.Thread(target=serve, args=(server, dawdle))
        teller.start()
        began = time.monotonic()
        said = exchange(str(tmp_path / "s"), Continue(id="c"), began + 0.3)
        with pytest.raises(TimeoutError):
            list(itertools.takewhile(lambda _: time.monotonic() < began + 3, said))
        over.set()
        teller.join(5)


def test_a_peer_that_hangs_up_without_reading_ends_the_exchange(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        server.settimeout(5)

        def refuse() -> None:
            peer = server.accept()[0]
            peer.recv(1)  # the rest stays unread: the connection is reset
            peer.close()

        teller = threading.Thread(target=refuse)
        teller.start()
        assert list(exchange(str(tmp_path / "s"), Continue(id="c"), time.monotonic() + 5)) == []
        teller.join(5)


def test_the_last_word_is_told_before_the_socket_closes(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    requests: queue.Queue[AnyRequest] = queue.Queue()
    listener = Listener(run, requests.put)
    said = exchange(listener.address, Pause(id="p"), time.monotonic() + 5)
    assert "run" in next(said)
    requests.get(timeout=5)
    with monkeypatch.context() as patched:
        patched.setattr(listener, "_wake", lambda: None)  # its thread does not come to it any more
        listener.answer(Paused(at=1, epoch=0, phase="train", batch=1, step=1, request="p"))
    listener.close()
    assert next(word for word in said if "answer" in word)["answer"]["is"] == "Paused"


def test_a_path_that_vanishes_is_bound_anew_without_being_asked(run: RunDir) -> None:
    listener = Listener(run, lambda request: None)
    Path(listener.address).unlink()
    end = time.monotonic() + 10
    while not is_alive(listener.address, run.id, 0.1):
        assert time.monotonic() < end
    listener.close()


def test_what_cannot_be_sent_is_sent_once_more_over_a_fresh_connection(
    run: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests: queue.Queue[AnyRequest] = queue.Queue()
    failures: queue.Queue[tuple[str, str]] = queue.Queue()
    real, sent = _Connection.send, list[bytes]()

    def send(line: _Connection, data: bytes) -> None:
        sent.append(data)
        if len(sent) == 1:
            raise BrokenPipeError(32, "Broken pipe")
        real(line, data)

    monkeypatch.setattr(_Connection, "send", send)
    listener = Listener(run, requests.put)
    client = ControlClient(lambda: listener.address, lambda fact: None, lambda *said: failures.put(said))
    client.send(Pause(id="p"))
    assert requests.get(timeout=5) == Pause(id="p")
    client.close()
    listener.close()
    assert (len(sent), requests.empty(), failures.empty()) == (2, True, True)


def test_a_greeting_in_pieces_and_nonsense(short: Path) -> None:
    def say(server: socket.socket, *pieces: bytes) -> None:
        client, _ = server.accept()
        with client:
            for piece in filter(None, pieces):
                client.sendall(piece)

    answers = {
        b'{"run":"a","pid":7}\n': Answer("a", 7, True),
        b"hello\n": Answer("", 0, True),
        b"": Answer("", 0, True),
    }
    for n, (text, wanted) in enumerate(answers.items()):
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(short / str(n)))
            server.listen()
            teller = threading.Thread(target=say, args=(server, text[:9], text[9:]))
            teller.start()
            assert ask([str(short / str(n))], 5) == [wanted]
            teller.join(5)
    assert ask(["", str(short / "none"), "x" * 300, "a\0b"], 5) == [Answer()] * 4
