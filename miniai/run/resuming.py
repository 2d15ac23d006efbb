"""From which checkpoint a run goes on, and that only one process trains it; for the command line too, without torch."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from miniai.errors import RunError
from miniai.run import checkpoint
from miniai.run.checkpoint import CheckpointState
from miniai.run.directory import RunDir
from miniai.run.tail import lines_backwards

__all__ = ["Resumption", "alone", "last_at", "resumption"]


class Resumption(NamedTuple):
    """Where a run goes on."""

    path: Path
    """The checkpoint's folder."""
    state: CheckpointState
    broken: dict[str, str]
    """Newer checkpoints that cannot be used, by name, and why."""


def resumption(run: RunDir) -> Resumption | None:
    """The newest checkpoint of `run` that is whole; None if it never began. RunError if it has none."""
    broken: dict[str, str] = {}
    for name in reversed(checkpoint.names(run.checkpoints)):
        path = run.checkpoints / name
        try:
            return Resumption(path, checkpoint.read_state(path), broken)
        except checkpoint.NewerFormatError as error:
            if error.whole:  # nothing is broken, and an older one is not what is meant
                raise
            broken[name] = str(error)
        except RunError as error:
            broken[name] = str(error)
    if broken:
        first = next(iter(broken.values()))
        raise RunError(first if len(broken) == 1 else f"no checkpoint of {run.id} can be used: {first}")
    if run.begun:
        raise RunError(f"{run.id} has no checkpoint to go on from")
    return None


def last_at(journal: Path) -> float:
    """Seconds of the run at the journal's last complete fact; 0 without one."""
    for line in lines_backwards(journal):
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
            return max(0.0, msgspec.json.decode(line, type=_Timed).at)
    return 0.0


class _Timed(msgspec.Struct):
    at: float


@contextmanager
def alone(run: RunDir) -> Iterator[None]:
    """Be the only process that trains `run`; RunError if another does.

    By a lock that no child inherits and that ends with the process. It only keeps two from starting at once: where a
    file system has no locks the run trains without.
    """
    try:
        fd = os.open(run.path / "trainer.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError:
        yield
        return
    try:
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            raise RunError(f"another process trains {run.id}: attach to it, or stop it first") from error
        except OSError:  # a network file system without locks
            pass
        yield
    finally:
        os.close(fd)
