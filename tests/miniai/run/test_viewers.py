"""Several viewers at one control socket: answers find who asked, and one that stalls or dies costs nobody anything."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from miniai.config import RunConfig
from miniai.run import listener as listener_module
from miniai.run.directory import RunDir, create_run
from miniai.run.events import Alerted, Continued, Paused
from miniai.run.exchange import exchange
from miniai.run.listener import Listener
from miniai.run.requests import AnyRequest, Continue, Pause

NOBODY = 65534
PAUSED = Paused(at=3, epoch=0, phase="train", batch=4, step=5)


class Served:
    """A listener that hears no trainer: requests wait in a queue, answers are given by hand."""

    def __init__(self, folder: Path) -> None:
        self.run: RunDir = create_run(folder, RunConfig())
        self.requests: queue.Queue[AnyRequest] = queue.Queue()
        self.listener = Listener(self.run, self.requests.put)

    def viewer(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(5)
        sock.connect(self.listener.address)
        return sock

    def answered(self, request: Pause) -> None:
        """One request is asked, heard and answered, as `ctl` does it."""
        heard = exchange(self.listener.address, request, time.monotonic() + 5)
        said = (line for line in heard if "is" not in line)
        assert next(said) == {"run": self.run.id, "pid": os.getpid()}
        assert next(said) == {"got": request.id}
        assert self.requests.get(timeout=5) == request
        self.listener.answer(msgspec.structs.replace(PAUSED, request=request.id))
        assert next(said)["answer"]["request"] == request.id
        heard.close()


@pytest.fixture
def served(short: Path) -> Iterator[Served]:
    served = Served(short)
    yield served
    served.listener.close()


def lines(sock: socket.socket, count: int) -> list[Any]:
    with sock.makefile("rb") as file:
        return [msgspec.json.decode(file.readline()) for _ in range(count)]


def test_an_answer_goes_to_whoever_asked_and_to_nobody_else(served: Served) -> None:
    with served.viewer() as one, served.viewer() as two:
        one.sendall(b'{"do":"Pause","id":"1"}\n')
        two.sendall(b'{"do":"Pause","id":"2"}\n')
        assert {served.requests.get(timeout=5).id for _ in "12"} == {"1", "2"}
        served.listener.answer(msgspec.structs.replace(PAUSED, request="2"))
        served.listener.answer(msgspec.structs.replace(PAUSED, request="2"))  # answered already
        served.listener.answer(msgspec.structs.replace(PAUSED, request="of a key"))
        served.listener.answer(Continued(at=4, paused=1, request="1"))
        served.listener.say(Alerted(at=5, topic="end", text=""))
        assert [set(line) & {"answer", "got", "is"} for line in lines(one, 4)] == [set(), {"got"}, {"answer"}, {"is"}]
        greeting, got, answer, last = lines(two, 4)
        assert (greeting["pid"], got) == (os.getpid(), {"got": "2"})
        assert answer == {"answer": msgspec.to_builtins(msgspec.structs.replace(PAUSED, request="2"))}
        assert last["topic"] == "end"


def test_a_viewer_that_leaves_before_its_answer_hurts_nobody(served: Served) -> None:
    with served.viewer() as sock:
        sock.sendall(b'{"do":"Pause","id":"1"}\n')
        served.requests.get(timeout=5)
    served.listener.answer(msgspec.structs.replace(PAUSED, request="1"))
    served.answered(Pause(id="2"))


def test_only_so_many_askers_are_kept_in_mind(served: Served) -> None:
    with served.viewer() as sock, sock.makefile("rb") as said:
        for n in range(1000):
            sock.sendall(b'{"do":"Pause","id":"%d"}\n' % n)
            if n % 50 == 49:
                assert [said.readline() for _ in range(50)]
    assert len(served.listener._asked) <= 256


def test_an_exchange_ends_when_the_trainer_hangs_up(served: Served) -> None:
    said = exchange(served.listener.address, Continue(id="c"), time.monotonic() + 5)
    assert [next(said), next(said)][1] == {"got": "c"}
    served.listener.close()
    assert list(said) == []


def test_an_exchange_has_one_deadline(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "s"))
        silent.listen()
        with pytest.raises(TimeoutError):
            next(exchange(str(tmp_path / "s"), Continue(id="c"), time.monotonic() + 0.05))
        with pytest.raises(TimeoutError):
            next(exchange(str(tmp_path / "s"), Continue(id="c"), time.monotonic() - 1))


STALLED = """
import socket, sys
sock = socket.socket(socket.AF_UNIX)
sock.connect(sys.argv[1])
sock.recv(100)
print("there", flush=True)
input()
"""


@pytest.fixture
def stalled(served: Served) -> Iterator[subprocess.Popen[bytes]]:
    """A viewer in a process of its own that reads nothing more."""
    command = [sys.executable, "-I", "-c", STALLED, served.listener.address]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline() == b"there\n"
    yield process
    process.kill()
    process.wait(10)
    process.stdin.close()
    process.stdout.close()


def test_a_stalled_viewer_costs_nobody_anything(served: Served, stalled: subprocess.Popen[bytes]) -> None:
    """Its buffer fills up; saying something never waits for it, the others are answered, and it is let go."""
    alert = Alerted(at=1, topic="x", text="y" * 1000)
    slowest = 0.0
    for n in range(600):
        begun = time.perf_counter()
        served.listener.say(alert)
        slowest = max(slowest, time.perf_counter() - begun)
        if n % 200 == 0:
            served.answered(Pause(id=f"p{n}"))
    assert slowest < 0.5  # who waits for it waits for good
    served.answered(Pause(id="last"))
    assert len(served.listener._clients) <= 1, "the stalled one is kept"


def test_a_viewer_that_is_let_go_in_the_very_moment_it_speaks(served: Served) -> None:
    """It does not read, so that it is dropped, while what it has sent waits to be read."""
    with served.viewer() as mute:
        for n in range(600):
            served.listener.say(Alerted(at=1, topic="x", text="y" * 1000))
            with contextlib.suppress(OSError):
                mute.send(b'{"do":"Pause","id":"m%d"}\n' % n)
    while not served.requests.empty():
        served.requests.get()
    served.answered(Pause(id="last"))


def test_a_killed_viewer_costs_nobody_anything(served: Served, stalled: subprocess.Popen[bytes]) -> None:
    stalled.kill()
    stalled.wait(10)
    for n in range(3):
        served.listener.say(Alerted(at=1, topic="x", text="y"))
        served.answered(Pause(id=f"p{n}"))
    assert len(served.listener._clients) <= 1


# -- other users -----------------------------------------------------------------------------------------------------


def test_a_peer_of_another_user_is_hung_up_on_before_a_word(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "_peer_user", lambda client: os.geteuid() + 1)
    with served.viewer() as sock, contextlib.suppress(BrokenPipeError, ConnectionResetError):
        sock.sendall(b'{"do":"Pause","id":"1"}\n')
        assert sock.recv(100) == b""
    monkeypatch.undo()
    served.answered(Pause(id="2"))
    assert served.requests.empty()


STRANGER = """
import os, socket, sys
address, journal = sys.argv[1:]
try:
    open(journal).close()
    print("journal read")
except PermissionError:
    print("journal refused")
sock = socket.socket(socket.AF_UNIX)
sock.settimeout(5)
try:
    sock.connect(address)
    sock.sendall(b'{"do":"Pause","id":"stranger"}\\n')
    print("heard" if sock.recv(100) else "hung up")
except OSError as error:
    print("refused" if isinstance(error, PermissionError) else "hung up")
"""


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(
    ("open_folder", "said"), [(False, "journal refused\nrefused"), (True, "journal refused\nhung up")]
)
def test_another_local_user_can_neither_read_nor_control(open_folder: bool, said: str) -> None:
    """Also where the folder was opened to everybody, the socket too."""
    python = shutil.which("python3", path="/usr/bin:/bin:/usr/local/bin")
    if python is None:
        pytest.skip("no interpreter that another user may run")
    with tempfile.TemporaryDirectory(prefix="run-", dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        served = Served(Path(folder))
        served.run.journal.touch(0o600)
        if open_folder:
            os.chmod(served.run.path, 0o755)
            os.chmod(served.listener.address, 0o666)
        try:
            done = subprocess.run(
                [python, "-I", "-S", "-c", STRANGER, served.listener.address, str(served.run.journal)],
                capture_output=True, text=True, timeout=20, user=NOBODY, group=NOBODY, extra_groups=[], cwd="/",
                check=False,
            )  # fmt: skip
            assert (done.stdout.strip(), done.stderr) == (said, "")
            served.answered(Pause(id="own"))
            assert served.requests.empty()
        finally:
            served.listener.close()
