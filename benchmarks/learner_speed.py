"""Headless training through the Learner against a loop written by hand, on all 60,000 images.

`python benchmarks/learner_speed.py [--model mlp conv] [--pairs 20] [--what loop stats]`

- `loop`: the fit of `fit --headless --no-stats`, with its journal, control and previews, against the hand-written loop.
- `stats`: the same with the layer statistics at their default budget against without.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import torch
from pairs import compare
from torch import Tensor, nn, optim
from torch.nn import functional as F

from miniai.catalog import load
from miniai.config import RunConfig
from miniai.fitting import Fitting
from miniai.run.control import RunControl
from miniai.run.directory import create_run
from miniai.run.journal import Journal
from miniai.run.reporter import Reporter

BOUNDS = {("mlp", "loop"): 0.92, ("conv", "loop"): 0.97, ("mlp", "stats"): 0.97, ("conv", "stats"): 0.97}
BATCH = {"mlp": 1024, "conv": 512}
RATE = {"mlp": 0.2, "conv": 0.1}
EPOCHS = 5
"""Of one fit, as by default: what a fit costs at its beginning and its end is there once in so many."""


def model_of(name: str) -> nn.Module:
    """The two nets of the bounds, always with the same weights."""
    torch.manual_seed(0)
    if name == "mlp":
        return nn.Sequential(nn.Flatten(), nn.Linear(784, 50), nn.ReLU(), nn.Linear(50, 10))
    widths = [1, 8, 16, 32, 64, 10]
    layers: list[nn.Module] = []
    for ni, nf in pairwise(widths):
        layers += [nn.Conv2d(ni, nf, 3, stride=2, padding=1), nn.ReLU()]
    return nn.Sequential(*layers[:-1], nn.Flatten())


def by_hand(name: str, x: Tensor, y: Tensor) -> Callable[[], int]:
    """One epoch of the loop that everybody writes, with the same sums kept as tensors."""
    model, bs = model_of(name), BATCH[name]
    opt = optim.SGD(model.parameters(), RATE[name])

    def epoch() -> int:
        order = torch.randperm(len(x))
        hits, total = torch.zeros((), dtype=torch.long), torch.zeros(())
        model.train()
        for i in range(0, len(x), bs):
            rows = order[i : i + bs]
            xb, yb = x.index_select(0, rows).float().div_(255), y.index_select(0, rows)
            preds = model(xb)
            loss = F.cross_entropy(preds, yb)
            loss.backward()  # type: ignore[no-untyped-call]
            opt.step()
            opt.zero_grad()
            with torch.no_grad():
                hits += (preds.argmax(1) == yb).sum()
                total += loss * len(yb)
        return -(-len(x) // bs)

    return epoch


def learner(name: str, folder: Path, *, stats: bool = False) -> Callable[[], int]:
    """A fit as `miniai-tui fit --headless` runs it: control, metrics, previews, checkpoints, reports into a journal."""
    config = RunConfig(model=name, bs=BATCH[name], lr=RATE[name], opt="sgd", device="cpu", threads=1, stats=stats)
    run = create_run(folder, config)
    learn = Fitting(run, config, RunControl(), Reporter([Journal(run.journal).write])).prepare()

    def fit() -> int:
        learn.fit(EPOCHS, valid=False)
        return EPOCHS * len(learn.dls.train)

    return fit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs="+", choices=list(BATCH), default=list(BATCH))
    parser.add_argument("--what", nargs="+", choices=["loop", "stats"], default=["loop", "stats"])
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=1.5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    data = load("fashion")
    x, y = data.train_x, data.train_y
    print(f"{len(x):,} images ({data.source}); speed against the other, median of pairs [95 %]")
    with tempfile.TemporaryDirectory() as folder:
        for name in args.model:
            for what in args.what:
                mine = learner(name, Path(folder), stats=what == "stats")
                other = by_hand(name, x, y) if what == "loop" else learner(name, Path(folder))
                bound = BOUNDS[name, what]
                print(compare(mine, other, args.pairs, args.seconds).line(f"{name} {what} (>= {bound})"), flush=True)


if __name__ == "__main__":
    main()
