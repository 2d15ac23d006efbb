"""The seam to the device: numbers leave it in batches, and nobody waits for them between the edges.

A batch's loss is pushed as it is, a 0-dim tensor on its device. Now and then `Drain.drain` copies all that was
pushed in one go. On the CPU the values are there at once; a GPU copies to pinned memory while training goes on, and
the values are read by a later call.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import groupby
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor

__all__ = ["Copy", "Drain", "start_copy"]

Tag = TypeVar("Tag")


class Copy(Protocol):
    """A copy to the CPU that may still be under way."""

    def ready(self) -> bool:
        """Whether `read` would return without waiting."""

    def read(self) -> Tensor:
        """The tensor on the CPU; waits for it."""


class _Here:
    """For the CPU, and for devices that offer no copy in the background: it is here when asked for."""

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor.detach().cpu()

    def ready(self) -> bool:
        return True

    def read(self) -> Tensor:
        return self._tensor


class _FromCuda:
    """Copied to pinned memory on the current stream; an event says when it is there."""

    def __init__(self, tensor: Tensor) -> None:
        with torch.cuda.device(tensor.device):
            self._tensor = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
            self._tensor.copy_(tensor.detach(), non_blocking=True)
            self._event = torch.cuda.Event()  # type: ignore[no-untyped-call]
            self._event.record()

    def ready(self) -> bool:
        return bool(self._event.query())  # type: ignore[no-untyped-call]

    def read(self) -> Tensor:
        self._event.synchronize()
        return self._tensor


def start_copy(tensor: Tensor) -> Copy:
    """Begin to copy a tensor, which must not change any more, to the CPU."""
    return _FromCuda(tensor) if tensor.is_cuda else _Here(tensor)


class Drain(Generic[Tag]):
    """Tagged one-element tensors go in, tagged floats come out, in the same order (as float32)."""

    def __init__(self, copy: Callable[[Tensor], Copy] = start_copy) -> None:
        self._copy = copy
        self._pushed: list[tuple[Tag, Tensor]] = []
        self._copies: deque[tuple[list[Tag], Copy]] = deque()

    def __len__(self) -> int:
        """Values that are still on their way out."""
        return len(self._pushed) + sum(len(tags) for tags, _ in self._copies)

    def push(self, tag: Tag, value: Tensor) -> None:
        """Take in one value, which must not change any more; costs a list entry."""
        self._pushed.append((tag, value))

    def drain(self) -> list[tuple[Tag, float]]:
        """Start the copy of what was pushed and return what has arrived, without waiting for a device."""
        self._start()
        out: list[tuple[Tag, float]] = []
        while self._copies and self._copies[0][1].ready():
            out += self._read_first()
        return out

    def flush(self) -> list[tuple[Tag, float]]:
        """Return everything that was pushed; waits for the device."""
        self._start()
        out: list[tuple[Tag, float]] = []
        while self._copies:
            out += self._read_first()
        return out

    def clear(self) -> None:
        """Forget what is on its way."""
        self._pushed.clear()
        self._copies.clear()

    def _start(self) -> None:
        pushed, self._pushed = self._pushed, []
        for _, group in groupby(pushed, key=_device):
            part = list(group)
            vector = torch.stack([value.detach().float().reshape(()) for _, value in part])
            self._copies.append(([tag for tag, _ in part], self._copy(vector)))

    def _read_first(self) -> list[tuple[Tag, float]]:
        tags, copy = self._copies.popleft()
        return list(zip(tags, copy.read().tolist(), strict=True))


def _device(item: tuple[Any, Tensor]) -> torch.device:
    return item[1].device
