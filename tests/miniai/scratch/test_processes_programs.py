"""Programs with a loader of several processes that are interrupted, left, killed or written wrongly."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

SCRIPT = Path(__file__).with_name("script_loader.py")
Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    for name in ("pipe", "pipe.go"):
        os.mkfifo(tmp_path / name)
    return tmp_path / "pipe"


@pytest.fixture
def start(pipe: Path) -> Iterator[Start]:
    """Start the program in a process group of its own; all of it is gone afterwards."""
    with contextlib.ExitStack() as stack:

        def begin(what: str) -> subprocess.Popen[str]:
            environment = {**os.environ, "PYTHONPATH": str(SCRIPT.parents[3]), "OMP_NUM_THREADS": "1"}
            program = subprocess.Popen(
                [sys.executable, str(SCRIPT), what, str(pipe)],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            stack.callback(_end, program)
            return program

        yield begin


def _end(program: subprocess.Popen[str]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(program.pid, signal.SIGKILL)
    program.communicate()


def test_ctrl_c_ends_all_with_one_traceback(start: Start, pipe: Path) -> None:
    program = start("wait")
    worker = int(pipe.read_text())
    os.killpg(program.pid, signal.SIGINT)  # as the terminal does it: to all of them
    _, err = program.communicate(timeout=60)
    assert program.returncode == -signal.SIGINT
    assert err.count("Traceback") == 1
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert not psutil.pid_exists(worker)


def test_a_program_that_ends_in_the_middle_of_an_epoch_just_ends(start: Start, pipe: Path) -> None:
    program = start("leave")
    worker = int(pipe.read_text())
    pipe.with_name("pipe.go").write_text("")
    _, err = program.communicate(timeout=60)
    assert (program.returncode, err) == (0, "")
    assert not psutil.pid_exists(worker)


def test_processes_of_a_killed_program_end_by_themselves(start: Start, pipe: Path) -> None:
    program = start("die")
    worker = psutil.Process(int(pipe.read_text()))
    assert program.wait(60) == -signal.SIGKILL
    worker.wait(20)
    assert program.communicate()[1] == ""


def test_a_script_without_its_guard_is_told_what_is_missing(start: Start) -> None:
    program = start("unguarded")
    out, err = program.communicate(timeout=100)
    assert (program.returncode, out) == (1, "")
    assert "a script that makes a ProcessLoader must do so under if __name__ == '__main__':" in err.splitlines()[-1]


def test_what_a_process_is_made_of_needs_no_torch() -> None:
    code = "import sys, miniai.scratch.crew; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=SCRIPT.parents[3], check=False).returncode == 0
