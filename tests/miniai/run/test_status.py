"""How a run stands: alive means that its socket answers; over is what its journal says."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from miniai.config import RunConfig
from miniai.run import events as ev
from miniai.run.directory import RunDir, create_run
from miniai.run.listener import Listener
from miniai.run.status import RunStatus, status, statuses
from tests.miniai.run.journals import BEGUN, END, PAUSED, began, told


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
    told(run, began(run), BEGUN, PAUSED, progressed(4), progressed(5))
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
