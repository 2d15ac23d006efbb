"""Without a network the data is decided on in time: no hang, no words, no thread that keeps the process alive."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import datasets  # noqa: F401 - its second of import time is no part of what is measured
import pytest
import torch  # noqa: F401

from miniai.catalog import _hub, _network, fashion
from miniai.errors import DataError

IN_TIME = 2.0
"""Seconds within which the place is decided on."""


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user with no cache, no proxy and no wish to stay offline."""
    names = "HF_DATASETS_CACHE HF_HUB_CACHE HUGGINGFACE_HUB_CACHE HF_ENDPOINT HTTPS_PROXY HTTP_PROXY ALL_PROXY NO_PROXY"
    for name in (*names.split(), "HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))


@pytest.fixture
def silence(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A name server that never answers; the event tells that it was asked."""
    asked, free = threading.Event(), threading.Event()

    def hang(*_: object, **__: object) -> None:
        asked.set()
        free.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "never came")

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    yield asked
    free.set()


class Watch:
    """A progress listener that notes when reading began."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        self.decided = float("inf")

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage == "reading data":
            self.decided = min(self.decided, time.monotonic() - self.start)


def test_a_silent_name_server_delays_nothing(
    tmp_path: Path, silence: threading.Event, capfd: pytest.CaptureFixture[str]
) -> None:
    before = set(threading.enumerate())
    watch = Watch()
    data = fashion.load(looks=fashion.places(debian=tmp_path), cache_dir=tmp_path / "c", progress=watch)
    assert silence.is_set()
    assert watch.decided < IN_TIME
    assert data.sample
    assert data.note == "the Hugging Face hub cannot be used (no answer within 1.5 s)"
    left = set(threading.enumerate()) - before
    assert all(thread.daemon for thread in left)
    assert capfd.readouterr() == ("", "")


def test_no_place_that_needs_the_network_is_asked_before_one_that_does_not(
    tmp_path: Path, silence: threading.Event
) -> None:
    data = fashion.load(cache_dir=tmp_path)  # Debian's package is installed wherever these tests run
    assert not data.sample
    assert not silence.is_set()


def test_a_user_who_is_offline_on_purpose_waits_for_nothing(
    tmp_path: Path, silence: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE"):
        with monkeypatch.context() as here:
            here.setenv(name, "yes")
            with pytest.raises(DataError, match="stay offline"):
                _hub.look(fashion.REPOS, fashion.CLASSES)
    assert not silence.is_set()


def test_a_process_ends_though_its_question_is_still_open() -> None:
    code = """
import socket, threading
from miniai.catalog import _network
socket.getaddrinfo = lambda *a, **k: threading.Event().wait()
print(_network.refusal("https://hub.invalid/", 0.05))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("no answer within 0.05 s\n", "")


class Answer(BaseHTTPRequestHandler):
    """Answers 503 to paths that end in /busy, else 200, and notes what was asked for."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_response(503 if self.path.endswith("/busy") else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        server.asked = []  # type: ignore[attr-defined]
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        yield server
        server.shutdown()
        serving.join()


def test_a_server_that_answers_is_there_and_one_that_is_busy_or_gone_is_not(server: ThreadingHTTPServer) -> None:
    here = f"http://127.0.0.1:{server.server_port}"
    assert _network.refusal(f"{here}/api", 30) is None
    assert _network.refusal(f"{here}/busy", 30) == "it answered 503 Service Unavailable"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        why = _network.refusal(f"http://127.0.0.1:{taken.getsockname()[1]}/", 30)
    assert why == "Connection refused"
    assert _network.refusal("file:///etc/hostname") == "file:///etc/hostname is not a web address"


def test_the_question_goes_through_the_users_proxy_and_around_it(
    server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = server.asked  # type: ignore[attr-defined]
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{server.server_port}")
    assert _network.refusal("http://hub.invalid/api", 30) is None
    assert asked == ["http://hub.invalid/api"]
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert _network.refusal(f"http://127.0.0.1:{server.server_port}/api", 30) is None
    assert asked[1:] == ["/api"]
