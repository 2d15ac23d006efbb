"""The scratch loader with two processes against one, on items that cost 5 ms of CPU each.

`python benchmarks/scratch_loader.py [--pairs 20] [--seconds 2] [--quick]`

The processes stay for all windows (`persistent=True`): their start, seconds for the import of torch, is not counted but
shown by itself. A window is whole epochs of 256 items in batches of 8, their collation and the way back included.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from pairs import compare
from table import show, spread
from torch import Tensor

from miniai.scratch import BatchSampler, ProcessLoader, Sampler

BOUND = 1.8


class Costly:
    """Items that take `cost` seconds of this process's CPU each, and are a small image then."""

    def __init__(self, n: int, cost: float) -> None:
        self.n, self.cost = n, cost

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        end = time.thread_time() + self.cost
        while time.thread_time() < end:
            pass
        return torch.full((1, 28, 28), i, dtype=torch.float32), i


def epoch(dl: ProcessLoader) -> int:
    """One epoch; how many items it had."""
    return sum(len(labels) for _, labels in dl)


def started(n_workers: int, items: int) -> tuple[ProcessLoader, float]:
    """A loader whose processes are running, and how long the first epoch took longer than the second."""
    ds = Costly(items, 0.005)
    dl = ProcessLoader(ds, BatchSampler(Sampler(ds, shuffle=True), 8), n_workers, persistent=True)
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        epoch(dl)
        seconds.append(time.perf_counter() - start)
    return dl, seconds[0] - seconds[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--quick", action="store_true", help="a smoke run")
    args = parser.parse_args()
    pairs, seconds, items = (2, 0.2, 32) if args.quick else (args.pairs, args.seconds, 256)
    two, start_two = started(2, items)
    one, start_one = started(1, items)
    with two, one:
        ratios = compare(lambda: epoch(two), lambda: epoch(one), pairs, seconds)
    rate = statistics.median(window.rate for window in ratios.a)
    show(
        "items of 5 ms",
        [
            ("two processes against one", spread(ratios.values), f">= {BOUND}"),
            ("items a second with two", f"{rate:,.0f} of 400", ""),
            ("start of two, of one", f"{start_two:.1f} s, {start_one:.1f} s", ""),
        ],
    )


if __name__ == "__main__":
    main()
