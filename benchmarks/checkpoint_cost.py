"""What checkpoints cost: the conv net with one at the end of each epoch against without, one torch thread.

`python benchmarks/checkpoint_cost.py [--pairs 20] [--seconds 1.5] [--folder DIR] [--quick]`

An epoch is a whole one of Fashion-MNIST, validation included, with the metrics and facts of `miniai-tui fit`. The cost
is the share of an epoch that is added, in time and in CPU time, each the median of the pairs with its 95 % interval;
beside it the time that training stood still for the saving, as the facts tell it (the best one's copy included).
`--folder` is the disk that is written to.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from pairs import compare, median_interval
from table import show
from torch.nn import functional as F

from miniai import models, optimizers
from miniai.callbacks.base import Callback
from miniai.callbacks.checkpoint import CheckpointCB
from miniai.callbacks.report import ReportCB
from miniai.catalog import load
from miniai.datasets import DataLoaders
from miniai.learner import Learner, MetricsCB, TrainCB
from miniai.loader import MemoryLoader
from miniai.metrics import Accuracy
from miniai.models.conv import DEFAULTS
from miniai.run.events import Fact, Saved


def learner(data: Any, folder: Path | None, heard: Callable[[Fact], object], batches: int) -> Callable[[], int]:
    """One epoch, from the same weights on; with checkpoints in `folder`, if there is one."""
    report = ReportCB(heard)
    cbs: list[Callback] = [TrainCB(), MetricsCB(accuracy=Accuracy()), report]
    if folder is not None:
        cbs.append(CheckpointCB(heard, folder, flush=report.flush, best="accuracy"))
    torch.manual_seed(0)
    model = models.build("conv", data.shape, len(data.classes))
    rows = slice(batches * DEFAULTS.bs)
    train = MemoryLoader(data.train_x[rows], data.train_y[rows], DEFAULTS.bs, shuffle=True)
    dls = DataLoaders(train, MemoryLoader(data.valid_x[rows], data.valid_y[rows], 2 * DEFAULTS.bs))
    learn = Learner(model, dls, F.cross_entropy, DEFAULTS.lr, cbs, optimizers.get(DEFAULTS.opt))

    def epoch() -> int:
        learn.fit(1)
        return len(train)

    return epoch


def added(ratios: list[float]) -> str:
    """What a ratio of speeds says of the cost, in percent."""
    costs = [100 * (1 / ratio - 1) for ratio in ratios]
    low, high = median_interval(costs)
    return f"{statistics.median(costs):5.2f} % [{low:.2f}, {high:.2f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--folder", type=Path, help="where checkpoints are written (default: the temporary folder)")
    parser.add_argument("--quick", action="store_true", help="a smoke run: two pairs of short epochs")
    args = parser.parse_args()
    pairs, seconds, batches = (2, 0.05, 4) if args.quick else (args.pairs, args.seconds, 10**6)
    torch.set_num_threads(1)
    data = load("fashion")
    saved: list[Saved] = []

    def hear(fact: Fact) -> None:
        if isinstance(fact, Saved):
            saved.append(fact)

    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        saving = learner(data, Path(folder), hear, batches)
        ratios = compare(saving, learner(data, None, hear, batches), pairs, seconds)
    epoch = statistics.median(window.seconds / window.items for window in ratios.b) * saving()
    whole = [fact.seconds for fact in saved if fact.why == "epoch"]
    copies = [fact.seconds for fact in saved if fact.why == "best"]
    still = statistics.median(whole)
    rows = [
        ("added to an epoch", f"{added(ratios.values)}  cpu {added(ratios.cpu_values)}  {pairs} pairs", "<= 2 %"),
        ("stood still", f"{1000 * still:5.1f} ms, {100 * still / epoch:.2f} % of {epoch:.2f} s", "<= 2 %"),
        ("the best one's copy", f"{1000 * statistics.median(copies):5.1f} ms", "") if copies else ("", "", ""),
        ("one checkpoint", f"{saved[0].bytes:,} bytes", ""),
    ]
    show(f"a checkpoint an epoch, {DEFAULTS.bs} images a batch ({data.source})", rows)


if __name__ == "__main__":
    main()
