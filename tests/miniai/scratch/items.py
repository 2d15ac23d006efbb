"""Datasets for the loader with several processes. No torch in here: processes that need none start at once."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path
from typing import Any


class Squares:
    """Item i is i * i, once it is not told otherwise."""

    def __init__(self, n: int, **special: Any) -> None:
        self.n, self.special = n, special

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> Any:
        if i == self.special.get("bad"):
            raise ValueError(f"the file of item {i} is broken\nin its second line")
        if i == self.special.get("killed"):
            os.kill(os.getpid(), signal.SIGKILL)
        if i == self.special.get("quits"):
            os._exit(7)
        if i == self.special.get("unsendable"):
            return lambda: i
        return i * i


class Meeting:
    """Items 0 and 1 wait for each other at a named pipe: opening either of its ends waits for the other."""

    def __init__(self, pipe: Path) -> None:
        self.pipe = pipe

    def __len__(self) -> int:
        return 2

    def __getitem__(self, i: int) -> tuple[int, int]:
        signal.alarm(60)  # should they never meet, the process ends
        with open(self.pipe, "rb" if i else "wb"):
            return i, os.getpid()


class Noise:
    """Items are random numbers."""

    def __len__(self) -> int:
        return 12

    def __getitem__(self, i: int) -> float:
        return random.random()


class Endless:
    """Item 1 says that it has begun, and never ends."""

    def __init__(self, begun: Path) -> None:
        self.begun = begun

    def __len__(self) -> int:
        return 2

    def __getitem__(self, i: int) -> int:
        if i:
            with open(self.begun, "wb"):
                signal.pause()
        return i


class Stubborn(Endless):
    """Does not even end when it is asked to."""

    def __getitem__(self, i: int) -> int:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        return super().__getitem__(i)


class Lost:
    """Cannot be made again in another process."""

    def __init__(self, n: int) -> None:
        self.n = n

    def __reduce__(self) -> Any:
        return _refuse, ()

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> int:
        return i


def _refuse() -> None:
    raise OSError("no such archive")


def as_list(items: list[Any]) -> list[Any]:
    """A batch that is only a list."""
    return items


def sum_of(items: list[int]) -> int:
    """A batch that is one number; fails at 0."""
    if not sum(items):
        raise ZeroDivisionError("nothing to add")
    return sum(items)
