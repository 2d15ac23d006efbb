"""Training under the screen against training without one, in one and the same run.

`python benchmarks/screen_speed.py [--model mlp conv] [--threads 1 0] [--pairs 20] [--seconds 2] [--quick]`

A real `miniai-tui fit fashion` in a pseudo-terminal of 120x40, all panes, default rates. Windows with the screen and
without it take turns (A B, B A, ...). Without means that the screen is suspended by ctrl+z: its process stands
still and gets no CPU, and the trainer, which waits for nobody and writes the same journal whether it is read or not,
trains as if there were no screen. The first half second after each switch does not count (the screen catches up). The
trainer's speed is read from its own journal, a validation batch counted at its cost. `--threads 0` is as many torch
threads as there are cores.

Bounds: with one torch thread mlp >= 0.96, conv >= 0.97; with threads = cores >= 0.90 both.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from journal_time import Timeline
from live_fit import LiveFit
from pairs import Ratios, Window
from table import show, spread

BOUNDS = {("mlp", 1): 0.96, ("conv", 1): 0.97}
SETTLE = 0.5
"""Seconds after a switch that do not count."""


@dataclass(frozen=True)
class Stretch:
    """One window: whether the screen was on, when, and the CPU seconds of both processes in it."""

    on: bool
    start: float
    end: float
    trainer: float
    screen: float


def stretch(fit: LiveFit, on: bool, seconds: float) -> Stretch:
    """Switch, let it settle, and let a window pass."""
    (fit.screen.thaw if on else fit.screen.freeze)()
    time.sleep(SETTLE)
    start, trainer, screen = time.time(), fit.trainer_cpu(), fit.screen.cpu()
    time.sleep(seconds)
    end = time.time()
    return Stretch(on, start, end, fit.trainer_cpu() - trainer, fit.screen.cpu() - screen)


def measure(folder: Path, model: str, threads: int, pairs: int, seconds: float) -> tuple[Ratios, list[Stretch]]:
    """Windows of both kinds in one run."""
    with LiveFit(folder, model, threads) as fit:
        fit.wait_for_training()
        time.sleep(1.0)  # the first batches are slower
        done = [stretch(fit, on, seconds) for i in range(pairs) for on in ((True, False) if i % 2 else (False, True))]
    timeline = Timeline(fit.run.journal)
    windows: dict[bool, list[Window]] = {True: [], False: []}
    for s in done:
        images, spent = timeline.images(s.start, s.end)
        windows[s.on].append(Window(images, spent, s.trainer * spent / (s.end - s.start)))
    return Ratios(windows[True], windows[False]), done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs="+", choices=["mlp", "conv"], default=["mlp", "conv"])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 0], help="torch threads; 0: one per core")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a window, at least 1.5")
    parser.add_argument("--quick", action="store_true", help="a smoke run: 3 pairs, mlp, one thread")
    args = parser.parse_args()
    if args.quick:
        args.model, args.threads, args.pairs, args.seconds = ["mlp"], [1], 3, 1.5
    cores = os.cpu_count() or 1
    rows = []
    for threads in args.threads:
        for model in args.model:
            with tempfile.TemporaryDirectory() as folder:
                ratios, done = measure(Path(folder), model, threads or cores, args.pairs, args.seconds)
            name = f"{model}, {threads or f'{cores} (= cores)'} threads"
            rate = statistics.median(w.rate for w in ratios.b)
            share = [s.screen / (s.end - s.start) for s in done if s.on]
            rows += [
                (f"{name}: speed with / without", spread(ratios.values), f">= {BOUNDS.get((model, threads), 0.90)}"),
                (f"{name}: trainer's CPU an image, without / with", spread(ratios.cpu_values), ""),
                (f"{name}: screen's CPU, share of a core", spread(share), "<= 0.30"),
                (f"{name}: images a second without the screen", f"{rate:,.0f}", ""),
            ]
            show("fit under the screen (120x40, all panes) against no screen", rows[-4:])
    if len(rows) > 4:
        show("all", rows)


if __name__ == "__main__":
    main()
