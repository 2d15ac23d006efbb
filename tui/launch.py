"""Start a trainer process."""

from __future__ import annotations

import os
import subprocess
import sys

from miniai.run.directory import RunDir

__all__ = ["start_trainer", "trainer_command"]


def trainer_command(run: RunDir) -> list[str]:
    """The command of a trainer process; the current folder's modules do not get in its way (Python >= 3.11)."""
    safe = ["-P"] if sys.version_info >= (3, 11) else []
    return [sys.executable, *safe, "-u", "-m", "miniai.trainer", str(run.path)]


def start_trainer(run: RunDir) -> subprocess.Popen[bytes]:
    """Start the trainer in a session of its own: no terminal, the log file as its output; OSError if it cannot be."""
    log = os.open(run.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        return subprocess.Popen(
            trainer_command(run), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    finally:
        os.close(log)
