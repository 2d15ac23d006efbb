"""Which alerts of a run were acknowledged: kept in the run's folder, so that they stay so for whoever looks next."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Set
from pathlib import Path

import msgspec

from miniai.errors import RunError
from miniai.run.disk import plain_file
from miniai.run.replacing import replace_file
from tui.state.alerts import AlertKey

__all__ = ["Acknowledged"]

MOST = 1_000
"""Alerts that are kept, the newest."""
LARGEST = 1 << 20
"""Bytes of a file that is read; a larger one is none of ours."""


class Acknowledged:
    """The file `acknowledged.json` of a run. What cannot be read is taken as empty."""

    def __init__(self, run_dir: Path) -> None:
        self.path = run_dir / "acknowledged.json"
        self._lock = threading.Lock()

    def read(self) -> set[AlertKey]:
        """The alerts that are acknowledged."""
        with contextlib.suppress(OSError, RunError, msgspec.DecodeError, UnicodeDecodeError):
            data = plain_file(self.path, LARGEST).read_bytes()
            return set(msgspec.json.decode(data, type=list[AlertKey]))
        return set()

    def add(self, keys: Iterable[AlertKey]) -> None:
        """These too; to be called in a thread. OSError if the folder does not take it."""
        with self._lock:
            before: Set[AlertKey] = self.read()
            if wanted := set(keys) - before:
                kept = sorted(before | wanted, key=lambda key: key[2])[-MOST:]
                replace_file(self.path, msgspec.json.encode(kept))
