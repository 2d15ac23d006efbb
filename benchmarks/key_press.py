"""From a key press to its answer on the screen, and to its effect in the trainer.

`python benchmarks/key_press.py [--model mlp] [--threads 1] [--presses 300] [--quick]`

A real `miniai-tui fit fashion` trains under a screen of 120x40 in a pseudo-terminal; the raw bytes are searched.

- `space` while it trains: until the status word answers ("pausing ..." or already "paused"), until it is fact
  ("paused at step N"), and until the trainer's own `Paused`. The last holds the rest of the running batch, which is
  on average half of one: its time is shown beside it.
- `space` while it stands still: the same for going on. There is no running batch to wait for: the time to the
  trainer's `Continued` is the way of a request alone.
- `m` while it trains: until the layers' title names the next statistic.

Bound: answer on the screen while training, 99th percentile <= 300 ms. Presses come at random moments.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from journal_time import Timeline
from live_fit import GOING, LiveFit
from table import quantile, show

from miniai.run.events import Continued, Paused
from tui.panes.layer_words import TITLES

STATISTICS = [title[:18] for title in TITLES.values()]
"""How the pane's titles begin, in the order in which `m` goes through them."""


@dataclass
class Presses:
    """Wall-clock moments of one kind of press."""

    at: list[float] = field(default_factory=list)
    answered: list[float] = field(default_factory=list)
    """Until the first answer is on the screen, in seconds."""
    shown: list[float] = field(default_factory=list)
    """Until the fact is on the screen, in seconds."""

    def add(self, fit: LiveFit, key: str, answer: str, fact: str) -> None:
        """Press, and wait for the answer and the fact."""
        at = fit.screen.press(key, answer, fact)
        shown = fit.screen.wait(1)
        self.at.append(at)
        self.answered.append(fit.screen.wait(0) - at)
        self.shown.append(shown - at)

    def effect(self, moments: list[float]) -> list[float]:
        """Seconds to the trainer's facts, press by press; empty if they are not one to one."""
        return [m - a for a, m in zip(self.at, moments, strict=True)] if len(self.at) == len(moments) else []


def run(fit: LiveFit, presses: int, dice: random.Random) -> tuple[Presses, Presses, Presses]:
    """Press `m`, and then `space` twice, so many times each."""
    pause, go_on, statistic = Presses(), Presses(), Presses()
    fit.wait_for_training()
    time.sleep(3)
    for i in range(presses):
        time.sleep(dice.uniform(0.05, 0.6))
        title = STATISTICS[(i + 1) % len(STATISTICS)]
        statistic.add(fit, "m", title, title)
    for _ in range(presses):
        time.sleep(dice.uniform(0.2, 0.8))
        pause.add(fit, " ", "pausing …|paused at step", "paused at step")
        time.sleep(dice.uniform(0.02, 0.3))
        go_on.add(fit, " ", f"going on …|{GOING}", GOING)
    return pause, go_on, statistic


def row(what: str, seconds: list[float], bound: str = "") -> tuple[str, str, str]:
    """Median, 99th percentile and the worst, in ms."""
    if not seconds:
        return what, "not one fact a press", bound
    ms = [1000 * s for s in seconds]
    text = f"median {quantile(ms, 0.5):5.0f}   p99 {quantile(ms, 0.99):5.0f}   worst {max(ms):5.0f} ms   n={len(ms)}"
    return what, text, bound


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=["mlp", "conv"], default="mlp")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--presses", type=int, default=300, help="of each kind")
    parser.add_argument("--quick", action="store_true", help="a smoke run: 10 presses of each kind")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with LiveFit(Path(folder), args.model, args.threads) as fit:
            presses = 10 if args.quick else args.presses
            pause, go_on, statistic = run(fit, presses, random.Random(0))
        line = Timeline(fit.run.journal)
    batch = 1000 * line.train_batch
    bound = "p99 <= 300 ms"
    rows = [
        row("space while training: answer on the screen", pause.answered, bound),
        row("space while training: 'paused' on the screen", pause.shown),
        row(
            f"space while training: effect (with the rest of a batch of {batch:.0f} ms)",
            pause.effect(line.moments(Paused)),
        ),
        row("space while paused: answer on the screen", go_on.answered),
        row("space while paused: 'training' on the screen", go_on.shown),
        row("space while paused: effect (no batch to wait for)", go_on.effect(line.moments(Continued))),
        row("m while training: answer on the screen", statistic.answered, bound),
    ]
    show(f"key presses, {args.model}, {args.threads} torch thread(s), 120x40, all panes", rows)


if __name__ == "__main__":
    main()
