"""What the Learner itself costs a batch: its loop with TrainCB, DeviceCB and MetricsCB against the bare loop.

The bare loop makes the same steps on the same batches (predict, loss, backward, step, zero_grad) and nothing else.
The model is so small that a step is mostly torch's own overhead; the difference of the two times is the cost of the
hooks, of moving the batch and of keeping loss and accuracy. With several windows of each in turns, the answer is the
median of the pairs' differences. `--cbs` leaves callbacks out, to see where the time goes.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from types import SimpleNamespace

import torch
from pairs import compare, median_interval
from table import show
from torch import Tensor, nn, optim
from torch.nn import functional as F

from miniai.callbacks.base import Callback
from miniai.learner import DeviceCB, Learner, MetricsCB, TrainCB
from miniai.metrics import Accuracy

BOUND = 150.0
"""Microseconds a batch."""

BATCHES, SIZE = 200, 64


def model() -> nn.Module:
    """The same small net each time."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 10))


def batches() -> list[tuple[Tensor, Tensor]]:
    """One epoch, in memory."""
    g = torch.Generator().manual_seed(0)
    return [(torch.rand(SIZE, 20, generator=g), torch.randint(0, 10, (SIZE,), generator=g)) for _ in range(BATCHES)]


def bare(data: list[tuple[Tensor, Tensor]]) -> Callable[[], int]:
    """One epoch of the five steps."""
    net = model()
    opt = optim.SGD(net.parameters(), 0.01)

    def epoch() -> int:
        net.train()
        for xb, yb in data:
            loss = F.cross_entropy(net(xb), yb)
            loss.backward()  # type: ignore[no-untyped-call]
            opt.step()
            opt.zero_grad()
        return len(data)

    return epoch


def learner(data: list[tuple[Tensor, Tensor]], names: list[str]) -> Callable[[], int]:
    """One epoch of a Learner with the named callbacks besides TrainCB."""
    metrics = MetricsCB(accuracy=Accuracy())
    metrics.quiet = True
    others: dict[str, Callback] = {"device": DeviceCB("cpu"), "metrics": metrics}
    cbs = [TrainCB(), *(others[name] for name in names)]
    learn = Learner(model(), SimpleNamespace(train=data), F.cross_entropy, lr=0.01, cbs=cbs)

    def epoch() -> int:
        learn.fit(1, valid=False)
        return len(data)

    return epoch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cbs", nargs="*", choices=["device", "metrics"], default=["device", "metrics"])
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--quick", action="store_true", help="a smoke run")
    args = parser.parse_args()
    pairs, seconds = (3, 0.3) if args.quick else (args.pairs, args.seconds)
    torch.set_num_threads(1)
    data = batches()
    ratios = compare(learner(data, args.cbs), bare(data), pairs, seconds)
    costs = {
        "time": [(1 / a.rate - 1 / b.rate) * 1e6 for a, b in zip(ratios.a, ratios.b, strict=True)],
        "CPU": [(a.cpu / a.items - b.cpu / b.items) * 1e6 for a, b in zip(ratios.a, ratios.b, strict=True)],
    }
    rows = []
    for name, values in costs.items():
        low, high = median_interval(values)
        measured = f"{statistics.median(values):.1f} us [{low:.1f}, {high:.1f}] n={len(values)}"
        rows.append((f"the Learner's own {name} a batch", measured, f"<= {BOUND:.0f} us"))
    rows.append(("the bare step", f"{statistics.median(1e6 / b.rate for b in ratios.b):.1f} us", ""))
    show(f"TrainCB, {', '.join(args.cbs)}; {BATCHES} batches of {SIZE}, one torch thread", rows)


if __name__ == "__main__":
    main()
