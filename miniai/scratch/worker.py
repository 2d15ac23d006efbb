"""What runs in each process of a ProcessLoader. No torch here: it is loaded if the dataset needs it."""

from __future__ import annotations

import os
import random
import signal
import sys
import traceback
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from miniai.scratch.transport import pack, unpack

__all__ = ["STOP", "Failed", "Loaded", "Task", "main", "serve", "some"]

STOP = b""
"""Sent instead of a task: the process ends."""


class Task(NamedTuple):
    """One batch to load."""

    indices: list[Any]
    seed: int


class Loaded(NamedTuple):
    """A batch."""

    batch: Any


class Failed(NamedTuple):
    """What went wrong."""

    where: str
    """"item 7", or what else was being done."""
    error: str
    """The exception's class and text."""
    trace: str


def main(connection: Connection) -> None:
    """The process: answers tasks until it is told to stop, or until the other end is gone."""
    # Ctrl-C goes to all processes of the terminal; what to do about it is the parent's affair.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    # The processes are the parallelism: threads of each would only compete. Read by torch when it is loaded;
    os.environ["OMP_NUM_THREADS"] = "1"
    if "torch" in sys.modules:  # too late where the parent's script, which was run first, has loaded it.
        sys.modules["torch"].set_num_threads(1)
    try:
        serve(connection)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the parent is gone


def serve(connection: Connection) -> None:
    """Take (dataset, collate function), say None if they arrived, then answer one task after the other."""
    packed = connection.recv_bytes()
    try:
        ds, collate_fn = unpack(packed)
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent raises it
        connection.send_bytes(pack(_failed("the dataset, on its way to another process,", error)))
        return
    connection.send_bytes(pack(None))
    while (packed := connection.recv_bytes()) != STOP:
        answer = _load(ds, collate_fn, unpack(packed))
        try:
            packed = pack(answer)
        except Exception as error:  # noqa: BLE001
            packed = pack(_failed("a batch, on its way back from another process,", error))
        connection.send_bytes(packed)


def _load(ds: Any, collate_fn: Any, task: Task) -> Loaded | Failed:
    _seed(task.seed)
    where = ""
    try:
        items = []
        for i in task.indices:
            where = f"item {i!r}"
            items.append(ds[i])
        where = f"the batch of the items {some(task.indices)}"
        return Loaded(collate_fn(items))
    except Exception as error:  # noqa: BLE001
        return _failed(where, error)


def _seed(seed: int) -> None:
    """Seed what is loaded: a batch's random numbers depend on its seed, not on the process that loads it."""
    random.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed % 2**32)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


def some(indices: list[Any]) -> str:
    """The first few indices, for a message."""
    shown = ", ".join(repr(i) for i in indices[:4])
    return shown if len(indices) <= 4 else f"{shown}, ... ({len(indices)} items)"


def _failed(where: str, error: Exception) -> Failed:
    return Failed(where, f"{type(error).__name__}: {error}", traceback.format_exc())
