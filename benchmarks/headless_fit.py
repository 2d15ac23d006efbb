"""A real `miniai-tui fit --headless` that can be held still and let go on, and is stopped in the end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path

import psutil
from live_fit import until
from pty_screen import command

from miniai.run.directory import RunDir

__all__ = ["HeadlessFit"]


class HeadlessFit:
    """A fit without end, its log to the null device, in a process group of its own; a context that stops it."""

    def __init__(self, folder: Path, model: str, threads: int = 1) -> None:
        root = folder / "headless"
        options = ["--model", model, "--epochs", "1000000", "--headless", "--run-dir", str(root)]
        options += ["--threads", str(threads)] if threads else []
        self._process = subprocess.Popen(
            command("fit", "fashion", *options), cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        self.trainer = psutil.Process(self._process.pid)
        until(lambda: any(root.glob("*/events.jsonl")), 30, "no run directory was made")
        self.run = RunDir(next(root.glob("*/events.jsonl")).parent)

    def wait_for_training(self, deadline: float = 120.0) -> None:
        """Until batches were reported."""
        until(lambda: b'"Progressed"' in self.run.journal.read_bytes(), deadline, "no batch was reported")

    def freeze(self) -> None:
        """Hold it still: it gets no CPU."""
        os.killpg(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        os.killpg(self._process.pid, signal.SIGCONT)

    def __enter__(self) -> HeadlessFit:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it in order, by force if it does not."""
        self.thaw()
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(20)
            return
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
