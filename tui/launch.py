"""Start a trainer process, before there is a screen if that is of use, and say how it went."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from miniai.run.directory import RunDir

__all__ = ["Launch", "ahead", "folder_for", "how_it_went", "start_trainer", "trainer_command"]


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


class Launch:
    """One start of a trainer, which whoever follows the run takes over."""

    def __init__(self, run: RunDir) -> None:
        self.run = run
        self._trainer: subprocess.Popen[bytes] | None = None
        self._taken = False

    @property
    def begun(self) -> bool:
        """Whether there is a process already."""
        return self._trainer is not None

    def begin(self) -> subprocess.Popen[bytes]:
        """Start the trainer, if that was not done yet; OSError if it cannot be."""
        self._trainer = self._trainer or start_trainer(self.run)
        return self._trainer

    def take(self) -> subprocess.Popen[bytes]:
        """The trainer, which is the caller's from now on; OSError if it cannot be started."""
        trainer = self.begin()
        self._taken = True
        return trainer

    def drop(self) -> None:
        """Ask a trainer to stop that nobody took."""
        if self._trainer is not None and not self._taken:
            self._trainer.terminate()


@contextlib.contextmanager
def ahead(run: RunDir, wanted: bool = True) -> Iterator[Launch]:
    """A trainer that loads torch while the screen loads Textual; if no screen comes about, it is asked to stop.

    Not where every processor has something to do: the first frame goes first. And a run that is resumed waits until
    somebody has noted where its journal ends.
    """
    launch, signals = Launch(run), _Signals()
    with signals:
        try:
            if wanted and not run.begun and _one_is_idle():
                with contextlib.suppress(OSError), signals.later():  # whoever takes it tries again, and says why
                    launch.begin()
            yield launch
        finally:
            launch.drop()


class _Signals:
    """Until a screen has handlers of its own, a signal that asks to end unwinds the stack: then the trainer ends too.

    Not SIGHUP: a run outlives its terminal. What is ignored stays ignored.
    """

    def __init__(self) -> None:
        self._before: dict[int, Any] = {}
        self._number = 0
        self._held = False

    def __enter__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                self._before[number] = signal.signal(number, self._leave)

    def __exit__(self, *_: object) -> None:
        for number, before in self._before.items():
            if signal.getsignal(number) == self._leave:
                signal.signal(number, before)

    @contextlib.contextmanager
    def later(self) -> Iterator[None]:
        """A process that is just being started must be known before anything can be done about it."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
            if self._number:
                self._leave(self._number, None)

    def _leave(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._number = number
        if self._held:
            return
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        sys.exit(128 + number)


def _one_is_idle() -> bool:
    """Whether a processor has nothing to do while this process has another."""
    try:
        processors = len(os.sched_getaffinity(0))
        running = int(Path("/proc/loadavg").read_text().split()[3].partition("/")[0])  # threads, at this moment
    except (AttributeError, OSError, ValueError, IndexError):  # not Linux, or its numbers are hidden
        return (os.cpu_count() or 1) > 1
    return running < processors


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
