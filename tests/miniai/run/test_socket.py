"""The control socket: requests arrive, strangers and nonsense do not hurt, and alive means that it answers."""

from __future__ import annotations

import os
import queue
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from miniai.config import RunConfig
from miniai.run import listener as listener_module
from miniai.run.client import ControlClient, is_alive
from miniai.run.directory import RunDir, create_run
from miniai.run.events import Alerted, AnyFact
from miniai.run.listener import Listener
from miniai.run.requests import AnyRequest, Kill, Pause


class Served:
    """A listener whose requests, kills and answers wait in queues."""

    def __init__(self, run: RunDir) -> None:
        self.run = run
        self.requests: queue.Queue[AnyRequest] = queue.Queue()
        self.kills: queue.Queue[str] = queue.Queue()
        self.facts: queue.Queue[AnyFact] = queue.Queue()
        self.failures: queue.Queue[tuple[str, str]] = queue.Queue()
        self.listener = Listener(run, self.requests.put, lambda: self.kills.put("killed"))
        self.client = ControlClient(lambda: self.listener.address, self.facts.put, self.failed)

    def failed(self, request: str, text: str) -> None:
        self.failures.put((request, text))

    def raw(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(5)
        sock.connect(self.listener.address)
        return sock


def flood(sock: socket.socket, data: bytes) -> None:
    for _ in range(1000):
        sock.sendall(data)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(create_run(tmp_path, RunConfig()))
    yield served
    served.client.close()
    served.listener.close()
    assert not os.path.exists(served.listener.address)


def test_a_request_arrives(served: Served) -> None:
    served.client.send(Pause(id="p", epoch=2, phase="train"))
    assert served.requests.get(timeout=5) == Pause(id="p", epoch=2, phase="train")


def test_what_was_sent_before_closing_arrives(served: Served) -> None:
    for n in range(30):
        client = ControlClient(lambda: served.listener.address, served.facts.put, served.failed)
        client.send(Pause(id=f"p{n}"))
        client.close()
        assert served.requests.get(timeout=5).id == f"p{n}"


def test_kill_is_not_queued_behind_the_loop(served: Served) -> None:
    served.client.send(Kill(id="k"))
    assert served.kills.get(timeout=5) == "killed"
    assert served.requests.empty()


def test_what_the_journal_cannot_say_reaches_every_viewer(served: Served) -> None:
    served.client.send(Pause(id="p"))
    served.requests.get(timeout=5)
    alert = Alerted(at=1.0, topic="journal", text="full")
    served.listener.say(alert)
    assert served.facts.get(timeout=5) == alert


def test_alive_means_that_this_run_answers(served: Served) -> None:
    assert is_alive(served.listener.address, served.run.id)
    assert not is_alive(served.listener.address, "another run")
    assert not is_alive(served.listener.address + "x", served.run.id)
    assert not is_alive("", served.run.id)


def test_a_socket_that_never_answers_is_not_alive(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "s"))
        silent.listen()
        assert not is_alive(str(tmp_path / "s"), "run", deadline=0.05)


def test_nonsense_is_answered_and_the_next_request_is_heard(served: Served) -> None:
    with served.raw() as sock:
        bad = [b"nonsense", b'{"do":"Invented","id":"1"}', b'{"do":"Pause","id":"\xff"}', b'{"do":' + b"[" * 9_000]
        sock.sendall(b"\n".join([*bad, b'{"do":"Pause","id":"2"}\n']))
        lines = sock.makefile("rb")
        answers = [msgspec.json.decode(lines.readline()) for _ in range(6)]
    assert answers[0] == {"run": served.run.id, "pid": os.getpid()}
    assert ["error" in a for a in answers] == [False, True, True, True, True, False]
    assert answers[5] == {"got": "2"}


def test_a_line_without_end_is_cut_off(served: Served) -> None:
    with served.raw() as sock, pytest.raises(OSError, match=r"Broken pipe|reset"):
        flood(sock, b"x" * 10_000)


def test_a_viewer_that_does_not_read_is_dropped_and_nobody_waits(served: Served) -> None:
    with served.raw() as stalled:
        for n in range(3000):
            served.listener.say(Alerted(at=float(n), topic="x", text="y" * 1000))
        served.client.send(Pause(id="p"))
        assert served.requests.get(timeout=5).id == "p"
        with pytest.raises(OSError, match=r"Broken pipe|reset"):
            flood(stalled, b"\n" * 1000)


def test_another_user_is_not_heard(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "_peer_user", lambda client: 12345)
    with served.raw() as sock:
        assert sock.recv(100) == b""


def test_the_socket_and_its_folder_are_private(served: Served) -> None:
    assert os.stat(served.listener.address).st_mode & 0o077 == 0


def test_a_path_too_long_for_a_socket_moves_it_to_a_private_folder(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    listener = Listener(create_run(deep, RunConfig()), lambda request: None)
    address = Path(listener.address)
    assert not address.is_relative_to(deep)
    assert address.parent.stat().st_mode & 0o777 == 0o700
    assert is_alive(listener.address, listener._run.id)
    listener.close()
    assert not address.parent.exists()


def test_a_socket_whose_path_vanished_is_bound_anew(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    os.unlink(served.listener.address)
    served.listener._bind_anew()
    assert is_alive(served.run.read_info().socket, served.run.id)


def test_a_request_that_cannot_be_delivered_is_said(tmp_path: Path) -> None:
    failures: queue.Queue[tuple[str, str]] = queue.Queue()
    client = ControlClient(lambda: str(tmp_path / "none"), lambda fact: None, lambda *said: failures.put(said))
    client.send(Pause(id="p"))
    request, text = failures.get(timeout=5)
    assert request == "p"
    assert "cannot be reached" in text
    client.close()
