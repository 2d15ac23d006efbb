"""Files that are there whole or not at all, and never in the place of another unless that was asked for."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from miniai.errors import RunError, UsageError

__all__ = ["Place", "refuse_to_replace", "whole_file"]


class Place:
    """Where an export goes: what is written there, and whether that may replace what is there already.

    UsageError for "-", which elsewhere means the standard output.
    """

    def __init__(self, path: Path, force: bool) -> None:
        if str(path) == "-":
            raise UsageError("an export goes into files, not to the standard output: name one with --output")
        self.path, self.force = path, force
        self.written: list[Path] = []

    def folder(self, names: Sequence[str]) -> Path:
        """Make the folder; UsageError if it holds files of these names, and nothing was said of replacing them."""
        if self.path.exists() and not self.path.is_dir():
            raise UsageError(f"{self.path} is a file: name a folder with --output")
        if not self.force:
            refuse_to_replace([self.path / name for name in names])
        with _told(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        return self.path

    def file(self) -> Path:
        """Make the file's folder; UsageError if the file is there, and nothing was said of replacing it."""
        if self.path.is_dir():
            raise UsageError(f"{self.path} is a folder: name a file with --output")
        if self.path.exists() and not self.path.is_file():  # a device or a pipe would be replaced by a file
            raise UsageError(f"{self.path} is no plain file: name another with --output")
        if not self.force:
            refuse_to_replace([self.path])
        with _told(self.path.parent):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        return self.path


def refuse_to_replace(paths: Sequence[Path]) -> None:
    """UsageError if one of them is there."""
    for path in paths:
        if path.exists():
            raise UsageError(f"{path} is there already: name another place with --output, or add --force to replace it")


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write, under its name only once all is written; RunError if the system refuses.

    Whatever ends the writing, no part of it is left. Where the name is a link, what it leads to is replaced.
    """
    with _told(path):
        path = Path(os.path.realpath(path))
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with part.open("wb", buffering=1 << 20) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """The system's refusals as one line."""
    try:
        yield
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from error
