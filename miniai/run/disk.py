"""Files that are on the disk once they are written, and files that are what they seem."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from miniai.errors import RunError

__all__ = ["is_utf8", "plain_file", "sync_file", "sync_folder", "synced"]

_NO_SUCH_THING = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
"""What a file system answers that cannot bring folders to the disk by themselves."""


@contextmanager
def synced(path: Path) -> Iterator[BinaryIO]:
    """A new private file, on the disk once it is closed."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def sync_file(path: Path) -> None:
    """Bring a file that is there to the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Bring a folder's names to the disk; OSError if that fails, but not where the file system does not offer it.

    Some network file systems and drivers refuse it for every folder: there the order in which names reach the disk is
    theirs, and a power cut may take the newest ones.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in _NO_SUCH_THING:
            raise
    finally:
        os.close(fd)


def is_utf8(path: Path) -> bool:
    """Whether a path can be written as text: on Linux a name may be any bytes."""
    try:
        os.fspath(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def plain_file(path: Path, most: int | None = None) -> Path:
    """`path` itself; RunError if that is no file (reading a pipe would wait for ever) or larger than `most` bytes."""
    there = os.lstat(path)
    if not stat.S_ISREG(there.st_mode):
        raise RunError(f"{path} is no file")
    if most is not None and there.st_size > most:
        raise RunError(f"{path} is too large")
    return path
