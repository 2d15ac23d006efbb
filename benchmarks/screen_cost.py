"""What the screen costs while a run goes on and while it is paused: CPU, bytes to the terminal, memory.

`python benchmarks/screen_cost.py [--model mlp conv] [--windows 20] [--seconds 1.5] [--threads 1] [--calm] [--quick]`

A real `miniai-tui fit fashion` under a screen of 120x40 in a pseudo-terminal, all panes, default rates. Shares are CPU
seconds of the screen's process over seconds of the window. Windows start 2 s after the first batch (the first ones,
in which the chart's axes still move, are in the sum), and 6 s after the pause (a notice stands for 4 s).

Bounds: CPU <= 0.30 of a core at default rates, <= 0.02 paused; bytes <= 60 KiB/s, paused <= 1 KiB/s;
with `--calm` (for slow links) <= 8 KiB/s.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from live_fit import LiveFit
from table import show, spread


@dataclass(frozen=True)
class Cost:
    """One window."""

    cpu: float
    """Share of a core."""
    rate: float
    """KiB a second to the terminal."""


def windows(fit: LiveFit, count: int, seconds: float) -> list[Cost]:
    """Let `count` windows pass."""
    costs = []
    for _ in range(count):
        start, cpu, received = time.time(), fit.screen.cpu(), fit.screen.received
        time.sleep(seconds)
        spent = time.time() - start
        costs.append(Cost((fit.screen.cpu() - cpu) / spent, (fit.screen.received - received) / 1024 / spent))
    return costs


def measure(
    folder: Path, model: str, threads: int, count: int, seconds: float, calm: bool
) -> list[tuple[str, str, str]]:
    """Rows of one run."""
    with LiveFit(folder, model, threads, ["--calm"] if calm else []) as fit:
        fit.wait_for_training()
        time.sleep(2)
        going = windows(fit, count, seconds)
        memory, peak = fit.screen.memory(), fit.screen.peak_memory()
        fit.screen.press(" ", "paused at step")
        fit.screen.wait()
        time.sleep(6)
        paused = windows(fit, count, seconds)
    return [
        (f"{model}: CPU, share of a core", spread([c.cpu for c in going]), "<= 0.30"),
        (f"{model}: CPU paused", spread([c.cpu for c in paused], decimals=4), "<= 0.02"),
        (f"{model}: bytes to the terminal", _rates(going), f"<= {8 if calm else 60} KiB/s"),
        (f"{model}: bytes paused", _rates(paused), "<= 1 KiB/s"),
        (f"{model}: memory, and its peak", f"{memory / 1e6:.0f} MB, {peak / 1e6:.0f} MB", ""),
    ]


def _rates(costs: list[Cost]) -> str:
    rates = [c.rate for c in costs]
    return f"{spread(rates, ' KiB/s', 1)}, mean {sum(rates) / len(rates):.1f}, worst {max(rates):.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs="+", choices=["mlp", "conv"], default=["mlp", "conv"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--windows", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--calm", action="store_true", help="the rates for slow links")
    parser.add_argument("--quick", action="store_true", help="a smoke run: 3 windows of each kind, mlp")
    args = parser.parse_args()
    if args.quick:
        args.model, args.windows = ["mlp"], 3
    rows = []
    for model in args.model:
        with tempfile.TemporaryDirectory() as folder:
            rows += measure(Path(folder), model, args.threads, args.windows, args.seconds, args.calm)
    show(f"the screen's cost, 120x40, all panes, {'--calm' if args.calm else 'default rates'}", rows)


if __name__ == "__main__":
    main()
