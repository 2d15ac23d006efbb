"""How a run stands: alive means that its socket answers; everything else is told as far as it can be known."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miniai.config import RunConfig
from miniai.run import events as ev
from miniai.run import status as module
from miniai.run.ask import Answer, ask
from miniai.run.directory import RunDir, create_run
from miniai.run.listener import Listener
from miniai.run.status import RunStatus, status, statuses
from miniai.run.tail import kind, lines_backwards, newest

BEGUN = ev.EpochStarted(at=2, epoch=0, phase="train", batches=9, step=0)
PAUSED = ev.Paused(at=3, epoch=0, phase="train", batch=4, step=1234)
END = ev.FitEnded(at=9, reason="done", step=9)


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short path, for sockets: 107 bytes are all that theirs may have."""
    with tempfile.TemporaryDirectory(prefix="run-") as folder:
        yield Path(folder)


@pytest.fixture
def run(short: Path) -> RunDir:
    return create_run(short, RunConfig())


def told(run: RunDir, *facts: ev.Fact, tail: bytes = b"") -> None:
    run.journal.write_bytes(b"".join(ev.encode(fact) + b"\n" for fact in facts) + tail)


def began(run: RunDir, pid: int = 1, wall: float = 0.0) -> ev.RunStarted:
    return ev.RunStarted(at=0, schema=1, run=run.id, wall=wall, dataset="d", model="m", epochs=3, pid=pid, host="h")


@pytest.fixture
def serve(run: RunDir) -> Iterator[Callable[[], Listener]]:
    open_: list[Listener] = []

    def make() -> Listener:
        open_.append(Listener(run, lambda request: None))
        run.update_info(socket=open_[-1].address)
        return open_[-1]

    yield make
    for listener in open_:
        listener.close()


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that does nothing until it is ended."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.wait(10)
    assert process.stdin is not None
    process.stdin.close()


def note(run: RunDir, process: subprocess.Popen[bytes]) -> None:
    run.update_info(pid=process.pid, pid_started=psutil.Process(process.pid).create_time())


# -- alive -----------------------------------------------------------------------------------------------------------


def test_a_run_whose_socket_answers_is_running(run: RunDir, serve: Callable[[], Listener]) -> None:
    listener = serve()
    told(run, began(run), BEGUN)
    how = status(run)
    assert (how.state, how.words, how.alive, how.over) == ("running", "running", True, False)
    assert (how.pid, how.address) == (os.getpid(), listener.address)


def test_a_full_disk_keeps_no_run_from_being_found_alive(run: RunDir, serve: Callable[[], Listener]) -> None:
    serve()
    run.update_info(socket="")  # the address could not be noted, and there is no journal
    assert status(run).state == "running"


def test_another_run_at_the_socket_is_not_this_one(run: RunDir, serve: Callable[[], Listener], tmp_path: Path) -> None:
    listener = serve()
    other = create_run(tmp_path / "other", RunConfig())
    other.update_info(socket=listener.address)
    assert not status(other).alive


def test_a_pause_is_told(run: RunDir, serve: Callable[[], Listener]) -> None:
    serve()
    told(run, began(run), BEGUN, PAUSED, ev.SystemSampled(at=4))
    assert status(run).words == "paused at step 1,234"
    told(run, began(run), BEGUN, PAUSED, ev.Continued(at=5, paused=2))
    assert status(run).state == "running"


def progressed(batch: int) -> ev.Progressed:
    return ev.Progressed(at=3, epoch=0, phase="train", batch=batch, samples=1, seconds=1, waited=0, metrics={})


def test_a_change_made_in_a_pause_does_not_end_it(run: RunDir, serve: Callable[[], Listener]) -> None:
    serve()
    told(run, began(run), BEGUN, PAUSED, progressed(4))
    assert status(run).state == "paused"
    told(run, began(run), BEGUN, PAUSED, progressed(5))  # `step` has no Continued
    assert status(run).state == "running"


def test_many_silent_sockets_take_one_deadline(tmp_path: Path, short: Path) -> None:
    """None of them answers, and some have a full queue."""
    runs, sockets = [], []
    for n in range(20):
        run = create_run(tmp_path / str(n), RunConfig())
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(short / str(n)))
        server.listen(0 if n % 2 else 16)
        run.update_info(socket=str(short / str(n)), pid=os.getpid(), pid_started=time.time())
        runs.append(run)
        sockets.append(server)
    begun = time.monotonic()
    assert {how.state for how in statuses(runs, deadline=0.3)} == {"not answering"}
    assert time.monotonic() - begun < 20 * 0.3, "one after the other"
    for server in sockets:
        server.close()


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


# -- over ------------------------------------------------------------------------------------------------------------


def test_the_end_is_what_the_journal_says(run: RunDir) -> None:
    told(run, began(run), BEGUN, END)
    how = status(run)
    assert how == RunStatus(state="done", words="done", host=run.read_info().host, pid=1, sign=how.sign)
    assert how.over
    told(run, ev.FitEnded(at=9, reason="failed", step=9, error="ValueError: no"))
    assert (status(run).state, status(run).words) == ("failed", "failed: ValueError: no")


def test_the_end_of_a_run_whose_journal_could_not_be_written(run: RunDir) -> None:
    told(run, began(run), BEGUN)
    run.update_info(ended="stopped", pid=2**22 + 1)
    assert status(run).state == "stopped"


def test_a_run_that_goes_on_after_its_end_is_not_over(run: RunDir, serve: Callable[[], Listener]) -> None:
    serve()
    told(run, began(run), END, ev.RunResumed(at=9, step=5, pid=os.getpid()))
    assert status(run).state == "running"


def test_a_torn_or_unknown_line_hides_nothing(run: RunDir) -> None:
    told(run, began(run), END, tail=b'{"is":"Invented","at":10}\n{"is":"Paused"}\nnonsense\n{"is":"Epo')
    assert status(run).state == "done"


# -- neither -----------------------------------------------------------------------------------------------------------


def test_crashed(run: RunDir, child: subprocess.Popen[bytes]) -> None:
    told(run, began(run), BEGUN)
    note(run, child)
    child.kill()
    child.wait(10)
    how = status(run)
    assert how.state == "crashed"
    assert how.words.startswith(f"crashed: process {child.pid} is gone without a last word, last sign 0 s ago")
    assert how.over


def test_a_zombie_is_gone(run: RunDir, child: subprocess.Popen[bytes]) -> None:
    told(run, began(run), BEGUN)
    note(run, child)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert status(run).state == "crashed"


def test_another_process_of_the_same_number_is_not_the_trainer(run: RunDir, child: subprocess.Popen[bytes]) -> None:
    told(run, began(run), BEGUN)
    run.update_info(pid=child.pid, pid_started=psutil.Process(child.pid).create_time() - 1000)
    assert status(run).state == "crashed"


def test_a_trainer_that_is_there_and_silent_is_not_called_crashed(run: RunDir, child: subprocess.Popen[bytes]) -> None:
    told(run, began(run), BEGUN)
    note(run, child)
    assert (status(run).state, status(run).over) == ("not answering", False)
    child.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, child.pid, os.WSTOPPED | os.WNOWAIT)
    assert "is suspended" in status(run).words


def test_before_the_socket_is_noted_the_journal_names_the_process(run: RunDir, child: subprocess.Popen[bytes]) -> None:
    told(run, began(run, child.pid, time.time()))
    assert (status(run).state, status(run).pid) == ("not answering", child.pid)
    told(run, began(run), END, ev.RunResumed(at=9, step=5, pid=child.pid, wall=time.time()))
    run.update_info(pid=1, pid_started=1.0)  # of the process before
    assert (status(run).state, status(run).pid) == ("not answering", child.pid)
    run.update_info(pid=child.pid)  # and when it started not yet
    assert status(run).state == "not answering"


@pytest.mark.parametrize(("field", "words"), [("host", "on gpu7, last sign"), ("boot", "before a restart, last sign")])
def test_elsewhere_nothing_is_called_crashed(run: RunDir, field: str, words: str) -> None:
    told(run, began(run), BEGUN)
    run.update_info(**{field: "gpu7"}, pid=2**22 + 1)
    os.utime(run.journal, (time.time() - 500, time.time() - 500))
    how = status(run)
    assert (how.state, how.over) == ("elsewhere", False)
    assert f"{words} 8 min ago" in how.words


def test_a_clock_set_back_gives_no_negative_time(run: RunDir) -> None:
    told(run, BEGUN)
    os.utime(run.journal, (time.time() + 1e6,) * 2)
    assert status(run).sign == 0.0


def test_before_the_first_word(run: RunDir) -> None:
    assert status(run).state == "starting"
    run.update_info(created=time.time() - 100)
    assert (status(run).state, status(run).words) == ("crashed", "crashed before its first word")


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"id":3}', b"\xff\x00"])
def test_a_damaged_folder_is_told_and_never_raised(run: RunDir, text: bytes) -> None:
    run.info_file.write_bytes(text)
    how = status(run)
    assert how.state == "damaged"
    assert "run.json" in how.words


def test_a_folder_without_anything(tmp_path: Path) -> None:
    assert status(RunDir(tmp_path / "none")).state == "damaged"


# -- reading backwards -------------------------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"")), max_size=30), st.binary(max_size=9))
def test_lines_backwards_are_the_lines_backwards(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], torn: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "lines"
    torn = torn.replace(b"\n", b"")
    path.write_bytes(b"".join(line + b"\n" for line in lines) + torn)
    for block in (1, 3, 16, 16_384):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("miniai.run.tail._BLOCK", block)
            patch.setattr("miniai.run.tail._MOST", 4 * block)
            assert list(lines_backwards(path)) == lines[::-1]


def test_only_the_end_of_a_long_journal_is_read(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    told(run, *[ev.Scalars(at=1, name="loss", first=n, values=[1.0] * 50) for n in range(20_000)], PAUSED)
    read: list[int] = []
    real = os.pread

    def pread(fd: int, n: int, at: int) -> bytes:
        read.append(n)
        return real(fd, n, at)

    monkeypatch.setattr(os, "pread", pread)
    assert module.last_edge(run) == PAUSED
    assert sum(read) < 100_000 < run.journal.stat().st_size


def test_the_newest_lines_of_some_kinds(run: RunDir) -> None:
    facts = [BEGUN, PAUSED, END, PAUSED]
    told(run, *facts, tail=b'{"is":"Paused","at"')
    lines, whole = newest(run.journal, ("Paused", "FitEnded"), 1 << 20)
    assert ([ev.decode(line) for line in lines], whole) == ([PAUSED, END, PAUSED], True)
    lines, whole = newest(run.journal, ("Paused", "EpochStarted"), 100)
    assert ([ev.decode(line) for line in lines], whole) == ([PAUSED], False)
    assert newest(run.path / "none", ("Paused",), 100) == ([], True)


def test_the_kind_of_a_line() -> None:
    assert kind(ev.encode(END)) == "FitEnded"
    assert [kind(line) for line in (b"", b"{}", b'x{"is":"A"}', b'{"is":"' + b"\xff" * 99)][:3] == ["", "", ""]
