"""Start a trainer process, and say how it went."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from miniai.run.directory import RunDir

__all__ = ["folder_for", "how_it_went", "start_trainer", "trainer_command"]


def trainer_command(run: RunDir) -> list[str]:
    """The command of a trainer process; the current folder's modules do not get in its way (Python >= 3.11)."""
    safe = ["-P"] if sys.version_info >= (3, 11) else []
    return [sys.executable, *safe, "-u", "-m", "miniai.trainer", str(run.path)]


def start_trainer(run: RunDir) -> subprocess.Popen[bytes]:
    """Start the trainer in a session of its own: no terminal, the log file as its output; OSError if it cannot be.

    In the current folder, or in the run's own where that one is gone: torch loads nothing without a current folder.
    """
    log = os.open(run.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        return subprocess.Popen(
            trainer_command(run), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            cwd=folder_for(run),
        )  # fmt: skip
    finally:
        os.close(log)


def folder_for(run: RunDir) -> Path | None:
    """The folder in which to train; None: where we are."""
    try:
        os.getcwd()
    except OSError:
        return run.path
    return None


def how_it_went(code: int) -> str:
    """Words for a trainer that ended without a last fact; `code` as `Popen.wait` returns it."""
    if code < 0:
        return f"the trainer was ended by signal {-code} ({signal.Signals(-code).name})"
    return f"the trainer ended with exit code {code} before it could say why"
