"""Calls that may hang, made in a thread of their own: whoever asks waits only so long."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

__all__ = ["Deadline"]

T = TypeVar("T")


class _Job:
    def __init__(self, function: Callable[[], Any]) -> None:
        self.function = function
        self.done = threading.Event()
        self.value: Any = None
        self.error: Exception | None = None


class Deadline:
    """Calls functions one after another in a daemon thread; each may take `seconds`.

    While a call that came too late is still under way, further ones are refused at once, and no more threads pile
    up. A thread that hangs in C code hinders neither its process's end nor anybody else.
    """

    def __init__(self, seconds: float, name: str) -> None:
        self.seconds, self._name = seconds, name
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._last: _Job | None = None
        self._thread: threading.Thread | None = None

    @property
    def hangs(self) -> bool:
        """Whether a call is under way that came too late."""
        return self._last is not None and not self._last.done.is_set()

    def __call__(self, function: Callable[..., T], *args: Any) -> T:
        """The function's result, or what it raises; TimeoutError if it takes too long."""
        if self.hangs:
            raise TimeoutError(f"{self._name}: the call before has not come back")
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        self._last = job = _Job(lambda: function(*args))
        self._jobs.put(job)
        if not job.done.wait(self.seconds):
            raise TimeoutError(f"{self._name}: no answer in {self.seconds:g} s")
        if job.error is not None:
            raise job.error
        result: T = job.value
        return result

    def close(self) -> None:
        """Let the thread end, once what it does has come back; the next call starts a new one."""
        if self._thread is not None:
            self._jobs.put(None)
            self._jobs, self._thread = SimpleQueue(), None

    def _work(self) -> None:
        jobs = self._jobs
        while (job := jobs.get()) is not None:
            try:
                job.value = job.function()
            except Exception as error:  # noqa: BLE001  # whoever asked gets it
                job.error = error
            job.done.set()
