"""Processes that load batches, seen from the process that wants them."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
import weakref
from concurrent.futures import Future
from typing import TypeAlias

from miniai.scratch.link import Link
from miniai.scratch.worker import Loaded, Task

__all__ = ["Crew"]

GRACE = 5.0
"""Seconds that all processes together have to end before they are killed."""

_Tasks: TypeAlias = "queue.SimpleQueue[tuple[Task, Future[Loaded]] | None]"


class Crew:
    """`n` processes that get `payload`, the packed (dataset, collate function), and then tasks.

    Each has a thread here that hands it one task after the other and waits for the answer: a process is never left
    waiting for a training step to end, and one that dies is noticed at once. Crews that are thrown away, or are there
    when the program ends, are abandoned.
    """

    def __init__(self, payload: bytes, n: int) -> None:
        self._tasks: _Tasks = queue.SimpleQueue()
        self._links: list[Link] = []
        self._threads: list[threading.Thread] = []
        # a finalizer and not __del__: at the end of the program it runs while threads can still be joined
        self._finish = weakref.finalize(self, _abandon, os.getpid(), self._tasks, self._links, self._threads)
        try:
            for _ in range(n):
                self._links.append(Link())
            for link in self._links:
                thread = threading.Thread(target=_attend, args=(link, payload, self._tasks), name="loader", daemon=True)
                thread.start()
                self._threads.append(thread)
        except BaseException:
            self.abandon()
            raise

    def submit(self, task: Task) -> Future[Loaded]:
        """Have some process load this batch; tasks are begun in the order in which they are given."""
        future: Future[Loaded] = Future()
        self._tasks.put((task, future))
        return future

    def dismiss(self) -> None:
        """End the processes when all tasks are done; returns when they are gone."""
        for link in self._links:
            self._tasks.put(None)
            if not link.ready:  # still starting, and not needed any more
                link.process.terminate()
        _await_end(self._links, self._threads)
        self._finish.detach()

    def abandon(self) -> None:
        """End the processes at once, whatever they are doing; returns when they are gone."""
        self._finish()


def _abandon(pid: int, tasks: _Tasks, links: list[Link], threads: list[threading.Thread]) -> None:
    if os.getpid() != pid:
        return  # a fork's copy: the processes are not its own
    with contextlib.suppress(queue.Empty):
        while (given := tasks.get_nowait()) is not None:
            given[1].cancel()  # whoever waits for it learns that it will not come
    for link in links:
        tasks.put(None)
        link.process.terminate()
    _await_end(links, threads)


def _await_end(links: list[Link], threads: list[threading.Thread]) -> None:
    deadline = time.monotonic() + GRACE
    for link in links:
        link.end(max(0.0, deadline - time.monotonic()))
    for thread in threads:
        if thread is not threading.current_thread():  # garbage is collected in whatever thread is running
            thread.join()
    for link in links:
        link.connection.close()


def _attend(link: Link, payload: bytes, tasks: _Tasks) -> None:
    """The thread: hand over tasks until there is None. The link to a process that is gone fails each at once."""
    link.prepare(payload)
    while (given := tasks.get()) is not None:
        task, future = given
        try:
            future.set_result(link.load(task))
        except Exception as error:  # noqa: BLE001 - raised where the batch is awaited
            future.set_exception(error)
    link.stop()
