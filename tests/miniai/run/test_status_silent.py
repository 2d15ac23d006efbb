"""How a run stands whose socket is silent: told as far as it can be known."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from miniai.run import events as ev
from miniai.run import status as module
from miniai.run.directory import RunDir
from miniai.run.status import status
from tests.miniai.run.journals import BEGUN, END, began, told


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


def test_a_socket_that_listens_and_is_silent_is_not_called_crashed(run: RunDir, child: subprocess.Popen[bytes]) -> None:
    """Also where its process id is another's by now: people kill what does not answer."""
    told(run, began(run), BEGUN)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(run.path / "control.sock"))
        server.listen()
        run.update_info(pid=child.pid, pid_started=psutil.Process(child.pid).create_time() - 1000)
        how = status(run, deadline=0.1)
        assert (how.state, how.pid) == ("not answering", 0)
        note(run, child)
        assert status(run, deadline=0.1).pid == child.pid


@pytest.mark.parametrize(("same", "state"), [(True, "not answering"), (False, "crashed")])
def test_when_its_process_started_is_known_at_the_latest(
    run: RunDir, child: subprocess.Popen[bytes], same: bool, state: str
) -> None:
    """By what it wrote itself; and by what was noted, of the same process only."""
    note(run, child)
    if not same:
        run.update_info(pid=1)
    told(run, began(run, child.pid, psutil.Process(child.pid).create_time() - 1000))
    assert status(run).state == state


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


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7199, "119 min"),
        (7200, "2 h"),
        (172_800, "2 d"),
        (9e7, "1,041 d"),
    ],
)
def test_a_time_in_the_largest_unit_of_which_there_are_two(seconds: float, words: str) -> None:
    assert module._span(seconds) == words


def test_before_the_first_word(run: RunDir) -> None:
    assert status(run).state == "starting"
    run.update_info(created=time.time() - 20)  # torch is slow to load from a cold disk
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
