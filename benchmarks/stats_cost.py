"""What activation statistics cost: the conv net trained with them against without, one torch thread.

`python benchmarks/stats_cost.py [--pairs 20] [--seconds 1.5] [--only every-batch ...] [--quick]`

All ten leaf layers, exact: means, deviations and 40-bin histograms. The cost is the share of a step that is added, in
time and in CPU time, each the median of the pairs with its 95 % interval. `plain` is what the same numbers cost by the
textbook: `mean`, `std` and `histc` of each layer.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from typing import Any

import torch
from pairs import compare, median_interval
from table import show
from torch import nn
from torch.nn import functional as F

from miniai import models, optimizers
from miniai.activations import ActivationStats
from miniai.callbacks.clock import TrainingClock
from miniai.callbacks.layers import LayerStatsCB
from miniai.catalog import load
from miniai.datasets import DataLoaders
from miniai.hooks import HooksCallback
from miniai.learner import Callback, Learner, TrainCB
from miniai.loader import MemoryLoader
from miniai.models.conv import DEFAULTS
from miniai.run.events import Fact


@torch.no_grad()
def plain(hook: Any, _module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
    """The definitions, word by word."""
    hook.kept = output.mean(), output.std(), output.abs().histc(40, 0, 10)


def unheard(_fact: Fact) -> None:
    """A listener that does not listen."""


BATCHES = 24
"""Of one fit: short enough for windows of a second or two, and a multiple of eight."""

KINDS: dict[str, tuple[Callable[[TrainingClock], Callback], str]] = {
    "every-batch": (lambda clock: ActivationStats(clock=clock), "<= 60 %"),
    "every-8th": (lambda clock: ActivationStats(every=8, clock=clock), "<= 12 %"),
    "budget": (lambda clock: ActivationStats(budget=0.03, clock=clock), "<= 3 %"),
    "monitor": (lambda clock: LayerStatsCB(unheard, clock=clock), "<= 3 %"),
    "plain": (lambda clock: HooksCallback(plain), ""),  # noqa: ARG005
}


def learner(make: Callable[[TrainingClock], Callback] | None, data: Any) -> Callable[[], int]:
    """An epoch of 24 batches, from the same weights each; a budget's clock stands still while the other one trains."""
    clock = TrainingClock()
    cbs = [TrainCB()] if make is None else [TrainCB(), make(clock)]
    torch.manual_seed(0)
    model = models.build("conv", data.shape, len(data.classes))
    rows = torch.arange(BATCHES * DEFAULTS.bs) % len(data.train_x)
    dls = DataLoaders(MemoryLoader(data.train_x[rows], data.train_y[rows], DEFAULTS.bs, shuffle=True), ())
    learn = Learner(model, dls, F.cross_entropy, DEFAULTS.lr, cbs, optimizers.get(DEFAULTS.opt))

    clock.stop()

    def epoch() -> int:
        clock.go()
        learn.fit(1, valid=False)
        clock.stop()
        return len(dls.train)

    return epoch


def added(ratios: list[float]) -> str:
    """What a ratio of speeds says of the cost, in percent of a step."""
    costs = [100 * (1 / ratio - 1) for ratio in ratios]
    low, high = median_interval(costs)
    return f"{statistics.median(costs):5.1f} % [{low:.1f}, {high:.1f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--only", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--quick", action="store_true", help="a smoke run: two short pairs")
    args = parser.parse_args()
    pairs, seconds = (2, 0.1) if args.quick else (args.pairs, args.seconds)
    torch.set_num_threads(1)
    data = load("fashion")
    rows = []
    for name in args.only:
        make, bound = KINDS[name]
        ratios = compare(learner(make, data), learner(None, data), pairs, seconds)
        step = statistics.median(1000 / window.rate for window in ratios.b)
        measured = f"{added(ratios.values)}  cpu {added(ratios.cpu_values)}  of {step:.1f} ms, {pairs} pairs"
        rows.append((name, measured, bound))
        print(*rows[-1], flush=True)
    show(f"added to a step of {DEFAULTS.bs} images ({data.source})", rows)


if __name__ == "__main__":
    main()
