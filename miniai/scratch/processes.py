"""The third DataLoader: batches are loaded by several processes at once."""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from itertools import islice
from types import TracebackType
from typing import Any

from miniai.errors import DataError, UsageError
from miniai.loader import draw_seed
from miniai.scratch.crew import Crew
from miniai.scratch.data import Batches, Indexed, collate
from miniai.scratch.transport import pack
from miniai.scratch.worker import Loaded, Task

__all__ = ["ProcessLoader"]


class ProcessLoader:
    """`DataLoader(ds, batches, collate_fn)`, its batches loaded by `n_workers` processes: the same, in the same order.

    At most `n_workers * prefetch` batches are loaded, or being loaded, before they are asked for. Processes are
    started (by `spawn`: a script needs its `if __name__ == "__main__":`) at the first batch of an epoch and are gone
    when it ends, however it ends; with `persistent` they stay for the next epoch, until `close()`, the end of a `with`
    block or that of the loader, and keep the dataset as it was when they started.

    Random numbers that items draw do not depend on `n_workers`: torch, numpy and random are seeded for each batch from
    the one number that the epoch takes from torch's global generator. (In one process they come from there.)

    Iterating raises DataError, naming the item, if one cannot be loaded, and if a process dies.
    """

    def __init__(
        self,
        ds: Indexed,
        batches: Batches[Any],
        n_workers: int = 2,
        collate_fn: Callable[[list[Any]], Any] = collate,
        *,
        prefetch: int = 2,
        persistent: bool = False,
    ) -> None:
        if n_workers < 1 or prefetch < 1:
            raise UsageError(f"n_workers and prefetch must be at least 1, not {n_workers} and {prefetch}")
        self.ds, self.batches, self.n_workers, self.collate_fn = ds, batches, n_workers, collate_fn
        self.prefetch, self.persistent = prefetch, persistent
        self._idle: Crew | None = None  # kept from the last epoch

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Any]:
        # The generator's `finally` is what cleans up: it runs at the last batch, at a break, at close(), at an
        # exception and when the iterator is thrown away.
        return self._batches(draw_seed())

    def _batches(self, seed: int) -> Iterator[Any]:
        crew, self._idle = self._idle, None
        done = False
        try:
            if crew is None:
                useful = self.n_workers if self.persistent else min(self.n_workers, len(self.batches))
                crew = Crew(self._payload(), useful)
            tasks = (Task(list(indices), seed + k) for k, indices in enumerate(self.batches))
            # Indices are drawn here, in the loop's own thread: a sampler may use the global generator.
            ahead: deque[Future[Loaded]] = deque(map(crew.submit, islice(tasks, self.n_workers * self.prefetch)))
            while ahead:
                batch = ahead.popleft().result().batch
                ahead.extend(map(crew.submit, islice(tasks, 1)))
                yield batch
            done = True
        finally:
            self._release(crew, done)

    def _release(self, crew: Crew | None, done: bool) -> None:
        if crew is None:
            return
        if not done:
            crew.abandon()
        elif self.persistent and self._idle is None:
            self._idle = crew
        else:
            crew.dismiss()

    def _payload(self) -> bytes:
        try:
            return pack((self.ds, self.collate_fn))
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise DataError(
                f"the dataset cannot be sent to other processes ({error}): define its classes and functions at the "
                "top of a module, without lambdas and open files, or use a DataLoader"
            ) from error

    def close(self) -> None:
        """End the processes that are waiting for a next epoch."""
        crew, self._idle = self._idle, None
        if crew is not None:
            crew.dismiss()

    def __enter__(self) -> ProcessLoader:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()
