"""A headless run in the places where it lives: a batch system, a container, a script; reached from other shells."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.terminal.place import Place, eventually


def start(place: Place, *options: str, epochs: int = 100) -> subprocess.Popen[bytes]:
    """A headless run that has trained some batches."""
    process = place.process(place.fit("--headless", *options, epochs=epochs))
    eventually(lambda: place.step > 5, "some batches")
    return process


def ask(place: Place, *words: str) -> str:
    """What `ctl` says to something asked of the run; it must have been done."""
    process = place.process(place.command("ctl", "last", *words), "")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, b"")
    return out.decode()


@pytest.mark.usefixtures("forked")
def test_ctl_reaches_it(place: Place) -> None:
    process = start(place)
    ask(place, "pause")
    step = place.step
    (paused,) = place.facts("Paused")
    assert paused["step"] == step
    ask(place, "resume")
    eventually(lambda: place.step > step, "more batches")
    ask(place, "stop")
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, b"")  # stopped on request, not by a signal
    lines = out.decode().splitlines()
    assert lines[1].endswith(f"  directory runs/{place.run.name}")
    assert lines[2].endswith(f"  control it with: miniai-tui ctl runs/{place.run.name} pause")
    said = "\n".join(lines)
    assert re.search(r"paused at step \d+\n.*goes on after a pause of 0:0\d\n(.*\n)*.*stopped after \d+ steps$", said)


@pytest.mark.usefixtures("forked")
def test_a_file_grows_line_by_line(place: Place) -> None:
    """What `tail -f` and `docker logs` show: whole lines, as soon as they are said, and nothing but text."""
    log = place.folder / "out"
    with log.open("wb") as file:
        process = place.process(place.fit("--headless", "--log-every", "0.2", epochs=2), stdout=file, stderr=file)
    eventually(lambda: b" left\n" in log.read_bytes(), "a line within the first epoch")
    assert not place.ended
    assert process.wait(40) == 0
    text = log.read_bytes()
    assert text.endswith(b"done after 200 steps\n")
    assert re.search(rb"[\x00-\x09\x0b-\x1f\x7f-\xff]", text) is None
    assert re.search(rb"best valid accuracy \d\.\d+ at epoch [12]\n.*done after", text)


@pytest.mark.parametrize("closed", [">&-", "<&- >&- 2>&-"])
def test_closed_descriptors_do_not_lead_into_the_journal(place: Place, closed: str) -> None:
    """The next file that is opened would get the number of what is closed, and the log would go into it."""
    argv = ["sh", "-c", f'exec "$@" {closed}', "sh", *place.fit("--headless", "--log-every", "0.1", epochs=1)]
    process = place.process(argv, "slow:0.005,talk:20")
    assert process.wait(40) == 0
    assert place.ended == "done"  # every line of the journal was read, and is a fact
    assert place.step == 100


@pytest.mark.usefixtures("forked")
def test_two_terms_are_one_stop(place: Place) -> None:
    """A batch system sends it to every process, and again when it loses patience."""
    process = start(place)
    for _ in range(3):
        process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (128 + signal.SIGTERM, b"")
    assert out.count(b"stopped after") == out.count(b"SIGTERM asked the trainer to stop") == 1
    assert place.facts("EpochEnded")[-1]["step"] == place.step


@pytest.mark.parametrize("ignored", ["TERM", "INT"])
def test_what_was_ignored_stays_ignored(place: Place, ignored: str) -> None:
    argv = ["sh", "-c", f'trap "" {ignored}; exec "$@"', "sh", *place.fit("--headless", epochs=1)]
    process = place.process(argv, "slow:0.01")
    eventually(lambda: place.step > 5, "some batches")
    process.send_signal(getattr(signal, f"SIG{ignored}"))
    assert process.wait(40) == 0
    assert place.ended == "done"


@pytest.mark.usefixtures("forked")
def test_json_tells_of_the_machine_once_a_period(place: Place) -> None:
    """One object a line, and no more of what comes many times a minute than was asked for."""
    process = place.process(place.fit("--headless", "--log-format", "json", "--log-every", "1000", epochs=2))
    out, _ = process.communicate(timeout=40)
    assert process.returncode == 0
    assert out.count(b'"is":"SystemSampled"') <= 1
    assert out.count(b'"is":"Progressed"') == 0
    assert out.count(b'"is":"EpochEnded"') == 4


@pytest.mark.usefixtures("forked")
def test_save_now(place: Place) -> None:
    """SIGUSR1, as batch systems send it some time before the end: a checkpoint, and training goes on."""
    process = start(place, epochs=2)
    process.send_signal(signal.SIGUSR1)
    eventually(lambda: place.facts("Saved"), "the checkpoint")
    saved = place.facts("Saved")[0]
    assert saved["why"] == "request"
    assert Path(place.run, "checkpoints", saved["name"], "state.json").is_file()
    assert process.poll() is None
    assert process.wait(40) == 0
    assert place.ended == "done"
