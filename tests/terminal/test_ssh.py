"""The whole path over a real ssh: a screen there, a client that dies, another one that finds the run and ends it."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.terminal.place import Place, eventually
from tests.terminal.sshd import Server, serving, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())


@pytest.fixture
def server(tmp_path: Path, place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path / "sshd", tmp_path_factory.getbasetemp().parent / "sshd.lock") as server:
        yield server
        place.clear_up()  # its clients end before their server


def test_a_client_that_dies_and_one_that_comes_back(place: Place, server: Server) -> None:
    """Kill the client: the screen there ends, the run does not. Then attach, pause, go on, stop."""
    term = place.term(server.command(place, place.fit(), "-tt"))
    term.wait("● training", 60)
    term.until(lambda: place.step > 10, "some batches")
    trainer, step = place.trainer(), place.step
    term.signal(signal.SIGKILL)
    assert term.exit() == -signal.SIGKILL
    eventually(lambda: screens(place) == [], "the end of the screen there")
    assert trainer.is_running()
    eventually(lambda: place.step > step + 20, "batches without a screen")

    term = place.term(server.command(place, place.command("attach", "last"), "-tt"))
    term.wait("● (training|validating)", 60)
    term.send(" ")
    term.wait("‖ paused at step [0-9]+")
    paused = place.step
    term.send(" ")
    term.until(lambda: place.step > paused, "more batches")
    term.wait("● (training|validating)")
    term.stop()
    assert term.exit() == 0
    assert term.sane
    assert "fashion, mlp: stopped" in term.text
    assert place.ended == place.info()["ended"] == "stopped"
    assert len(place.facts("Paused")) == len(place.facts("Continued")) == 1
    eventually(place.trainer_is_gone, "the trainer's end")


def screens(place: Place) -> list[int]:
    """Ids of the processes on the other side that show a fit of this place."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if words[1:3] == ["-m", "tui"] and str(place.data) in words:
            found.append(process.pid)
    return found


def test_a_detached_run_gives_the_ssh_back(place: Place, server: Server) -> None:
    """An ssh without a terminal ends only when nobody holds its pipes any more."""
    process = place.process(server.command(place, place.fit("--detach", epochs=2)))
    out, err = process.communicate(timeout=40)
    assert (process.returncode, err) == (0, b"")
    assert re.match(r"\S+ trains in the background \(process \d+\)\n", out.decode())
    assert not place.ended
    trainer = place.trainer()
    assert os.getsid(trainer.pid) == trainer.pid
    eventually(lambda: place.ended == "done", "the run's own end", 60)


def test_a_detached_run_in_a_terminal_there(place: Place, server: Server) -> None:
    """With a terminal the ssh ends when the terminal is let go; the hang-up that follows does not reach the run."""
    term = place.term(server.command(place, place.fit("--detach", epochs=2), "-tt"))
    assert term.exit(40) == 0
    assert "trains in the background" in term.text
    eventually(lambda: place.ended == "done", "the run's own end", 60)
    assert [fact["ended"] for fact in place.facts("EpochEnded")] == ["complete"] * 4
