"""A run whose folder was copied, renamed, or given a name that is no text: who trains where."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from miniai.run import events as ev
from miniai.run.directory import RunDir
from miniai.run.listener import Listener
from miniai.run.status import status
from tests.miniai.run.journals import BEGUN, began, told


@pytest.fixture
def listener(run: RunDir) -> Iterator[Listener]:
    """The run, live in this process."""
    told(run, began(run, pid=os.getpid()), BEGUN)
    listener = Listener(run, lambda request: None)
    run.update_info(socket=listener.address, pid=os.getpid(), pid_started=psutil.Process().create_time())
    yield listener
    listener.close()


def copied(run: RunDir, short: Path) -> RunDir:
    """As `cp -r` leaves it, but for the socket, at whose copy nobody listens."""
    shutil.copytree(run.path, short / "copy", ignore=shutil.ignore_patterns("control.sock"))
    return RunDir(short / "copy")


@pytest.mark.usefixtures("listener")
def test_a_copy_of_a_live_run_is_not_live(run: RunDir, short: Path) -> None:
    copy = copied(run, short)
    assert status(run).alive
    how = status(copy)
    assert (how.state, how.alive, how.address) == ("elsewhere", False, "")
    assert how.words.startswith(f"a copy of the folder in which process {os.getpid()} trains, last sign ")


def test_a_suspended_trainer_is_not_killed_by_way_of_a_copy(run: RunDir, short: Path) -> None:
    child = subprocess.Popen([sys.executable, "-SIc", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    try:
        told(run, began(run, pid=child.pid), BEGUN)
        run.update_info(pid=child.pid, pid_started=psutil.Process(child.pid).create_time())
        assert status(run).state == "not answering"
        assert status(copied(run, short)).state == "elsewhere"
    finally:
        child.communicate(timeout=10)


def test_a_copy_of_a_dead_run_is_as_dead(run: RunDir, short: Path) -> None:
    child = subprocess.Popen([sys.executable, "-SIc", ""])
    child.wait(10)
    told(run, began(run, pid=child.pid), BEGUN)
    run.update_info(pid=child.pid, pid_started=1.0)
    assert status(run).state == status(copied(run, short)).state == "crashed"


def test_a_copy_that_is_trained_itself_is_live(run: RunDir, short: Path) -> None:
    copy = copied(run, short)
    told(copy, began(run), BEGUN)
    second = Listener(copy, lambda request: None)
    copy.update_info(socket=second.address, folder=copy.inode)
    try:
        assert (status(copy).state, status(copy).address) == ("running", second.address)
    finally:
        second.close()


@pytest.mark.usefixtures("listener")
def test_a_renamed_folder_is_still_where_it_trains(run: RunDir, short: Path) -> None:
    run.path.rename(short / "renamed")
    how = status(RunDir(short / "renamed"))
    assert (how.state, how.address) == ("running", str(short / "renamed" / "control.sock"))


@pytest.mark.parametrize("name", [b"renamed", b"caf\xe9"])
def test_a_renamed_run_answers_when_it_is_trained_again(run: RunDir, short: Path, name: bytes) -> None:
    path = Path(os.fsdecode(os.fsencode(short) + b"/" + name))
    run.path.rename(path)
    again = RunDir(path)
    told(again, began(run), BEGUN, ev.RunResumed(at=9, step=5, pid=os.getpid()))
    second = Listener(again, lambda request: None)
    try:
        again.update_info(socket=second.address)
        assert status(again).state == "running"
    finally:
        second.close()
