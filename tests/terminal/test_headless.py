"""`--headless`: aligned text or JSON lines, and a reader that stalls or leaves never hurts the run."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess

import pytest

from tests.terminal.place import Place, eventually


def test_text(place: Place) -> None:
    process = place.process(place.fit("--headless", "--log-every", "0.3", epochs=2), "slow:0.01")
    out, err = process.communicate(timeout=40)
    assert process.returncode == 0
    assert err == b""
    assert re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", out) is None, "control characters"
    lines = out.decode().splitlines()
    assert all(re.match(r" *\d+:\d\d  \S", line) for line in lines)
    epochs = [line for line in lines if "epoch " in line and "loss" in line]
    assert len(epochs) > 4
    assert len({line.index("loss") for line in epochs}) == 1
    assert len({line.index("accuracy") for line in epochs}) == 1
    assert "done after 200 steps" in lines[-1]


def test_json(place: Place) -> None:
    process = place.process(place.fit("--headless", "--log-format", "json", epochs=1), "slow:0.001")
    out, err = process.communicate(timeout=40)
    assert (process.returncode, err) == (0, b"")
    facts = [json.loads(line) for line in out.decode().splitlines()]
    assert facts[0]["is"] == "RunStarted"
    assert [fact["reason"] for fact in facts if fact["is"] == "FitEnded"] == ["done"]
    journal = place.facts("EpochEnded", "FitEnded")
    said = [fact for fact in facts if fact["is"] in ("EpochEnded", "FitEnded")]
    assert [fact | {"ended": "complete"} for fact in said] == [fact | {"ended": "complete"} for fact in journal]


@pytest.mark.usefixtures("forked")
def test_a_failure_is_exit_code_1(place: Place) -> None:
    process = place.process(place.fit("--headless"), "slow:0.001,raise:20")
    out, err = process.communicate(timeout=40)
    assert process.returncode == 1
    assert b"failed after 19 steps: ValueError: poisoned in batch 20" in out
    assert err.count(b"Traceback") == 1
    assert place.ended == "failed"


def test_wrong_usage_is_exit_code_2(place: Place) -> None:
    process = place.process(place.command("fit", "fashion", "--epochs", "many", "--headless"))
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (2, b"")
    assert len(err.splitlines()) == 1
    assert not place.runs.exists()


@pytest.mark.usefixtures("forked")
def test_a_reader_that_stalls(place: Place) -> None:
    """Nobody reads: the pipe fills up, with the program's own output too, and training goes on to its end."""
    argv = place.fit("--headless", "--log-format", "json", "--log-every", "0.001", epochs=2)
    process = place.process(argv, "slow:0.02,flood:20")
    eventually(lambda: place.step > 150, "batches", 40)
    assert process.wait(30) == 0
    assert place.ended == "done"


@pytest.mark.usefixtures("forked")
def test_a_reader_that_leaves(place: Place) -> None:
    process = place.process(place.fit("--headless", "--log-every", "0.01", epochs=1), "slow:0.01,talk:50")
    for stream in (process.stdout, process.stderr):
        assert stream is not None
        if stream is process.stdout:
            assert stream.readline()
        stream.close()
    assert process.wait(40) == 0
    assert place.ended == "done"
    assert place.step == 100


def start(place: Place, *options: str, poison: str = "slow:0.02", **more: object) -> subprocess.Popen[bytes]:
    """A headless run that has trained some batches."""
    process = place.process(place.fit("--headless", *options, epochs=2), poison, **more)
    eventually(lambda: place.step > 5, "some batches")
    return process


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_at_the_batch_edge(place: Place, number: int) -> None:
    process = start(place)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 128 + number
    assert err == b""
    assert b"stopped after" in out
    assert place.ended == place.info()["ended"] == "stopped"
    last = place.facts("EpochEnded")[-1]
    assert last["ended"] == "stopped"
    assert last["step"] == place.step  # no trained batch is missing


def test_nohup(place: Place) -> None:
    process = place.process(["nohup", *place.fit("--headless", epochs=1)], "slow:0.01")
    eventually(lambda: place.step > 5, "some batches")
    process.send_signal(signal.SIGHUP)
    assert process.wait(30) == 0
    assert place.ended == "done"


@pytest.mark.usefixtures("forked")
def test_a_second_interrupt_ends_it_now(place: Place) -> None:
    process = place.process(place.fit("--headless"), "slow:0.01,stick:30")
    assert process.stderr is not None
    assert process.stderr.readline() == b"stuck\n"
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)  # it waits for the batch, which never ends
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (128 + signal.SIGINT, b"")
    assert b"stopped after 29 steps: interrupted" in out
    assert place.ended == "stopped"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_torch_is_loaded(place: Place, number: int) -> None:
    process = place.process(place.fit("--headless"))
    eventually(lambda: place.facts("StageReached"), "the first stage")
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (128 + number, b"")
    assert b"stopped after 0 steps" in out
    assert place.facts("EpochStarted") == []
    assert place.ended == "stopped"


@pytest.mark.usefixtures("forked")
def test_kill_leaves_a_readable_journal(place: Place) -> None:
    process = start(place)
    process.kill()
    process.wait(10)
    assert place.step > 5
    assert place.facts("RunStarted", "FitEnded")[-1]["is"] == "RunStarted"


@pytest.mark.usefixtures("forked")
def test_without_a_usable_terminal(place: Place) -> None:
    """Each reason is one line on stderr, and the log follows."""
    master, slave = os.openpty()
    try:
        process = place.process(place.fit(epochs=1), "slow:0.001", stdin=slave)
        out, err = process.communicate(timeout=40)
    finally:
        os.close(master)
        os.close(slave)
    assert process.returncode == 0
    assert (
        err.decode()
        == "miniai-tui: stdout and stderr are not a terminal: writing a log instead of showing the screen\n"
    )
    assert b"done after 100 steps" in out
