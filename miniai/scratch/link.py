"""One worker process and our end of the pipe to it."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import threading
from collections.abc import Iterator
from multiprocessing import resource_tracker

from miniai.errors import DataError
from miniai.scratch import worker
from miniai.scratch.transport import pack, unpack
from miniai.scratch.worker import STOP, Failed, Loaded, Task

__all__ = ["InWorker", "Link"]

GRACE = 5.0
"""Seconds in which a process that has closed its pipe is expected to end."""


class InWorker(Exception):
    """The traceback of an exception in another process; its text is that traceback."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


class Link:
    """Starts a process; `prepare` it, `load` batches, then `stop` it."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would copy locks that other threads are holding
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=worker.main, args=(theirs,), name="loader", daemon=True)
        self.ready = False
        """It has the dataset."""
        self._ending = threading.RLock()  # two threads that wait for one process could take its exit code away
        self._refusal: Failed | None = None
        with theirs, _no_interrupt():
            self.process.start()

    def prepare(self, payload: bytes) -> None:
        """Hand over the packed dataset and collate function; what goes wrong is raised by `load`."""
        with contextlib.suppress(EOFError, OSError):
            self.connection.send_bytes(payload)
            self._refusal = unpack(self.connection.recv_bytes())
            self.ready = True

    def load(self, task: Task) -> Loaded:
        """One batch; DataError if it cannot be loaded or the process is gone."""
        try:
            self.connection.send_bytes(pack(task))
            packed = self.connection.recv_bytes()
        except (EOFError, OSError):
            if self._refusal is None:
                raise self._gone(task) from None
            raise _could_not(self._refusal) from InWorker(self._refusal.trace)
        answer: Loaded | Failed = unpack(packed)
        if isinstance(answer, Failed):
            raise _could_not(answer) from InWorker(answer.trace)
        return answer

    def stop(self) -> None:
        """Have the process end."""
        with contextlib.suppress(OSError):
            self.connection.send_bytes(STOP)

    def end(self, seconds: float) -> None:
        """Wait so long for the process to end, then kill it."""
        with self._ending:
            self.process.join(seconds)
            if self.process.is_alive():
                self.process.kill()
                self.process.join()

    def _gone(self, task: Task) -> DataError:
        with self._ending:
            self.process.join(GRACE)
            code = self.process.exitcode
        what = f"while it loaded the items {worker.some(task.indices)}"
        if code is not None and code < 0:
            return DataError(
                f"a loader process was killed by {_signal(-code)} {what}: the machine may be out of memory (try fewer "
                "processes), or compiled code that the dataset uses has crashed"
            )
        if self.ready:
            return DataError(f"a loader process ended by itself (exit code {code}) {what}: its last words are above")
        return DataError(
            f"a loader process could not be started (exit code {code}): its last words are above; a script that makes "
            "a ProcessLoader must do so under if __name__ == '__main__':, because each process imports the script"
        )


def _could_not(failed: Failed) -> DataError:
    return DataError(f"{failed.where} could not be loaded: {failed.error}")


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


@contextlib.contextmanager
def _no_interrupt() -> Iterator[None]:
    """Start a process with SIGINT blocked, until it ignores it: Ctrl-C must not end it with a traceback.

    A Ctrl-C in the meantime reaches this process afterwards.
    """
    resource_tracker.ensure_running()  # it would unblock SIGINT when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
