"""`ctl` and `runs` from another shell, on a real run: what is asked happens, once, and is written down."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from typing import Any

import pytest

from tests.terminal.place import BATCHES, Place, eventually

pytestmark = pytest.mark.usefixtures("forked")


def shell(place: Place, *words: str) -> tuple[int, str, str]:
    """Run a command of ours to its end."""
    process = place.process(place.command(*words), "")
    out, err = process.communicate(timeout=30)
    return process.returncode, out.decode(), err.decode()


def ctl(place: Place, *words: str) -> tuple[int, str]:
    code, out, err = shell(place, "ctl", "last", *words, "--timeout", "20")
    return code, out or err


@pytest.fixture
def going(place: Place) -> subprocess.Popen[bytes]:
    """A headless run that has trained some batches."""
    process = place.process(place.fit("--headless", epochs=50), stdout=subprocess.DEVNULL)
    eventually(lambda: place.step > 5, "some batches")
    return process


def state(place: Place) -> Any:
    code, out, _ = shell(place, "runs", "--json")
    assert code == 0
    (run,) = json.loads(out)
    return run["status"]["state"]


def test_a_run_is_controlled_from_another_shell(place: Place, going: subprocess.Popen[bytes]) -> None:
    assert state(place) == "running"
    code, said = ctl(place, "pause")
    step = place.facts("Paused")[-1]["step"]
    assert (code, said) == (0, f"paused at step {step}\n")
    assert ctl(place, "pause") == (1, "miniai-tui: refused: the run is paused already, or about to be\n")
    assert state(place) == "paused"
    assert ctl(place, "step") == (0, f"paused at step {step + 1}\n")
    assert ctl(place, "skip-batch")[0] == 0
    assert ctl(place, "lr", "x0.5") == (0, "learning rate x0.5: 0.01 > 0.005\n")
    assert ctl(place, "lr", "x0.5") == (0, "learning rate x0.5: 0.005 > 0.0025\n")
    assert ctl(place, "epochs", "+1") == (0, "epochs 50 > 51\n")
    assert ctl(place, "validation", "off") == (0, "validation off from epoch 2\n")
    code, said = ctl(place, "status")
    assert code == 0
    assert said.startswith(f"paused at step {step + 1}, epoch 1/51, training, batch {step + 1}/{BATCHES}, ")
    assert ctl(place, "skip-epoch") == (0, f"training skipped at {step + 1}/{BATCHES}, on to validation\n")
    assert ctl(place, "resume")[0] == 0
    assert ctl(place, "stop", "--after", "epoch")[0] == 0
    assert going.wait(60) == 0
    assert place.ended == state(place) == "stopped"
    assert [fact["new"] for fact in place.facts("Changed")] == [0.005, 0.0025, 51, 0]
    assert len(place.facts("BatchSkipped")) == len(place.facts("EpochSkipped")) == 1
    code, said = ctl(place, "pause")
    assert (code, said) == (1, f"miniai-tui: {place.run.name} is not running: stopped\n")


def test_stop_returns_when_it_has_stopped(place: Place, going: subprocess.Popen[bytes]) -> None:
    code, said = ctl(place, "stop")
    assert (code, said) == (0, f"stopped after {place.step} steps\n")
    assert going.wait(20) == 0


def test_a_suspended_trainer_is_not_called_dead_and_can_be_killed(place: Place, going: subprocess.Popen[bytes]) -> None:
    os.kill(going.pid, signal.SIGSTOP)
    assert state(place) == "not answering"
    code, said = ctl(place, "pause")
    assert code == 1
    assert f"process {going.pid} is suspended" in said
    assert ctl(place, "kill")[0] == 0
    assert going.wait(20) == -signal.SIGKILL
    assert state(place) == "crashed"


def test_kill_leaves_nothing(place: Place, going: subprocess.Popen[bytes]) -> None:
    assert ctl(place, "kill") == (0, "killed\n")
    assert going.wait(20) == -signal.SIGKILL
    assert state(place) == "crashed"
