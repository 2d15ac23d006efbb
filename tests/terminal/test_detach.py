"""`fit --detach`: the trainer in the background, the shell back at once, and nothing of the terminal held open."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import time

import psutil
import pytest

from tests.terminal.place import Place, eventually


def read_to_the_end(master: int, timeout: float = 20.0) -> bytes:
    """All that is written to a terminal until nobody holds its other side any more."""
    end, data = time.monotonic() + timeout, b""
    while True:
        assert select.select([master], [], [], max(0.0, end - time.monotonic()))[0], f"still held open; said: {data!r}"
        try:
            data += os.read(master, 65_536)
        except OSError:  # EIO: everybody has closed it
            return data


def test_the_shell_comes_back_and_the_terminal_is_let_go(place: Place) -> None:
    master, slave = os.openpty()
    try:
        process = place.process(place.fit("--detach", epochs=2), stdin=slave, stdout=slave, stderr=slave)
        os.close(slave)
        said = read_to_the_end(master).decode()
    finally:
        os.close(master)
    assert process.wait(10) == 0
    assert "\x1b" not in said
    run = f"runs/{place.run.name}"
    first, *rest = said.splitlines()
    assert first == f"{place.run.name} trains in the background (process {place.trainer().pid})"
    assert rest == [
        f"  directory  {run}",
        f"  watch it   miniai-tui attach {run}",
        f"  pause it   miniai-tui ctl {run} pause",
        f"  stop it    miniai-tui ctl {run} stop",
    ]
    trainer = place.trainer()
    assert trainer.terminal() is None
    assert os.getsid(trainer.pid) == trainer.pid
    held = [os.readlink(f"/proc/{trainer.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{trainer.pid}/fd")]
    assert [name for name in held if name.startswith(("/dev/pts", "/dev/tty", "/dev/ptmx"))] == []
    eventually(lambda: place.ended == "done", "the run's own end", 60)
    assert [fact["ended"] for fact in place.facts("EpochEnded")] == ["complete"] * 4


def test_in_a_script(place: Place) -> None:
    """Pipes end too, no terminal is needed, and what a script wants to know is one line of JSON."""
    process = place.process(place.fit("--detach", "--log-format", "json", epochs=1), "slow:0.005")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, b"")
    said = json.loads(out)
    assert said == {"run": place.run.name, "directory": str(place.run), "pid": place.trainer().pid}
    assert place.info()["pid"] == said["pid"]  # it listens: what is asked of it now reaches it
    eventually(lambda: place.ended == "done", "the run's own end", 60)


@pytest.mark.usefixtures("forked")
def test_a_detached_run_is_found_controlled_and_stopped(place: Place) -> None:
    process = place.process(place.fit("--detach"))
    assert process.wait(30) == 0
    eventually(lambda: place.step > 5, "some batches")
    term = place.term(place.command("attach", "last"))
    term.wait("● training")
    term.send(" ")
    term.wait("‖ paused at step [0-9]+")
    step = place.step
    term.send(" ")
    term.until(lambda: place.step > step, "more batches")
    term.stop()
    assert term.exit() == 0
    assert term.sane
    assert place.ended == "stopped"
    eventually(place.trainer_is_gone, "the trainer's end")


@pytest.mark.usefixtures("forked")
def test_a_stopped_run_goes_on_in_the_background(place: Place) -> None:
    """What is waited for is a word of the new trainer: the journal is full of the old one's."""
    assert place.process(place.fit("--detach", epochs=2), "slow:0.01").wait(30) == 0
    eventually(lambda: place.step > 20, "some batches")
    assert place.process(place.command("ctl", "last", "stop"), "").wait(30) == 0
    eventually(place.trainer_is_gone, "the trainer's end")
    argv = place.command("fit", "--resume", "last", "--detach", "--log-format", "json")
    out, err = place.process(argv, "slow:0.001").communicate(timeout=30)
    assert err == b""
    (resumed,) = place.facts("RunResumed")
    assert json.loads(out)["pid"] == resumed["pid"] == place.info()["pid"] != place.facts("RunStarted")[0]["pid"]
    eventually(lambda: place.ended == "stoppeddone", "the run's own end", 60)


def test_a_trainer_that_dies_at_once(place: Place) -> None:
    process = place.process(place.fit("--detach"), "mute")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (1, b"")
    first, *rest = err.decode().splitlines()
    assert first == (
        "miniai-tui: the trainer ended with exit code 3 before it could say why; "
        f"the end of its log (runs/{place.run.name}/log.txt):"
    )
    assert rest == ["  poisoned: this trainer says nothing to anybody"]


def test_a_trainer_that_cannot_be_started(place: Place) -> None:
    process = place.process(place.fit("--detach"), "lost")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (1, b"")
    assert err == b"miniai-tui: the trainer could not be started: No such file or directory\n"


def test_ctrl_c_before_its_first_word_takes_it_back(place: Place) -> None:
    process = place.process(place.fit("--detach"), "late:60")
    eventually(place.trainers, "a trainer process")
    (trainer,) = place.trainers()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, b"")
    assert err == b"miniai-tui: interrupted: the run was stopped before it began\n"
    assert not psutil.pid_exists(trainer.pid)


def test_nobody_reads_what_it_says(place: Place) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    process = place.process(place.fit("--detach", epochs=1), "slow:0.005", stdout=writer)
    os.close(writer)
    assert process.wait(30) == 0
    assert process.stderr is not None
    assert process.stderr.read() == b""
    eventually(lambda: place.ended == "done", "the run's own end", 60)


@pytest.mark.parametrize(
    ("options", "words"),
    [(["--headless"], "--headless trains in the foreground"), (["--worker", "thread"], "needs --worker process")],
)
def test_what_does_not_go_together(place: Place, options: list[str], words: str) -> None:
    process = place.process(place.fit("--detach", *options))
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (2, b"")
    assert re.fullmatch(f"miniai-tui: .*{words}.*\n", err.decode())
    assert not place.runs.exists()
