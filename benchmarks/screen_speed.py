"""Training under the screen against headless training, two runs of one configuration that take turns.

`python benchmarks/screen_speed.py [--model mlp conv] [--threads 1 0] [--pairs 20] [--seconds 2] [--quick]`

A real `miniai-tui fit fashion` in a pseudo-terminal of 120x40, all panes, default rates, and a real `miniai-tui fit
fashion --headless`. Windows of the two take turns (A B, B A, ...): while one runs the other stands still and gets no
CPU, its screen (ctrl+z) and its trainer (SIGSTOP). The first half second after each switch does not count. Speeds are
read from the trainers' own journals, a validation batch counted at its cost. `--threads 0` is as many torch threads
as there are cores.

`--against suspended` measures the screen alone: one run, whose screen is suspended by ctrl+z every other window while
its trainer goes on.

Bounds: with one torch thread mlp >= 0.96, conv >= 0.97; with threads = cores >= 0.90 both.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil
from headless_fit import HeadlessFit
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


def cpu(process: psutil.Process) -> float:
    """CPU seconds of a process so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


def stretch(fit: LiveFit, trainer: psutil.Process, on: bool, seconds: float) -> Stretch:
    """Let it settle, and let a window pass."""
    time.sleep(SETTLE)
    start, spent, screen = time.time(), cpu(trainer), fit.screen.cpu()
    time.sleep(seconds)
    end = time.time()
    return Stretch(on, start, end, cpu(trainer) - spent, fit.screen.cpu() - screen)


def measure(
    folder: Path, model: str, threads: int, pairs: int, seconds: float, headless: bool
) -> tuple[Ratios, list[Stretch]]:
    """Windows of both kinds; without a screen means another run, or the same one with its screen suspended."""
    with ExitStack() as stack:
        fit = stack.enter_context(LiveFit(folder, model, threads))
        fit.wait_for_training()
        other = None
        if headless:
            fit.hold()
            other = stack.enter_context(HeadlessFit(folder, model, threads))
            other.wait_for_training()
        time.sleep(1.0)  # the first batches are slower
        switch = _switch(fit, other)
        trainers = {True: fit.trainer, False: other.trainer if other else fit.trainer}
        done = []
        for i in range(pairs):
            for on in (True, False) if i % 2 else (False, True):
                switch(on)
                done.append(stretch(fit, trainers[on], on, seconds))
        switch(True)
    timelines = {True: Timeline(fit.run.journal)}
    timelines[False] = Timeline(other.run.journal) if other else timelines[True]
    windows: dict[bool, list[Window]] = {True: [], False: []}
    for s in done:
        images, spent = timelines[s.on].images(s.start, s.end)
        windows[s.on].append(Window(images, spent, s.trainer * spent / (s.end - s.start)))
    return Ratios(windows[True], windows[False]), done


def _switch(fit: LiveFit, other: HeadlessFit | None) -> Callable[[bool], None]:
    """What lets the run with a screen train, or the one without."""

    def to(on: bool) -> None:
        if other is None:
            (fit.screen.thaw if on else fit.screen.freeze)()
        elif on:
            other.freeze()
            fit.let_go()
        else:
            fit.hold()
            other.thaw()

    return to


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs="+", choices=["mlp", "conv"], default=["mlp", "conv"])
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 0], help="torch threads; 0: one per core")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a window, at least 1.5")
    parser.add_argument("--against", choices=["headless", "suspended"], default="headless")
    parser.add_argument("--quick", action="store_true", help="a smoke run: 3 pairs, mlp, one thread")
    args = parser.parse_args()
    if args.quick:
        args.model, args.threads, args.pairs, args.seconds = ["mlp"], [1], 3, 1.5
    cores = os.cpu_count() or 1
    rows = []
    for threads in args.threads:
        for model in args.model:
            with tempfile.TemporaryDirectory() as folder:
                headless = args.against == "headless"
                ratios, done = measure(Path(folder), model, threads or cores, args.pairs, args.seconds, headless)
            name = f"{model}, {threads or f'{cores} (= cores)'} threads"
            rate = statistics.median(w.rate for w in ratios.b)
            share = [s.screen / (s.end - s.start) for s in done if s.on]
            rows += [
                (f"{name}: speed with / without", spread(ratios.values), f">= {BOUNDS.get((model, threads), 0.90)}"),
                (f"{name}: trainer's CPU an image, without / with", spread(ratios.cpu_values), ""),
                (f"{name}: screen's CPU, share of a core", spread(share), "<= 0.30"),
                (f"{name}: images a second without the screen", f"{rate:,.0f}", ""),
            ]
            show(f"fit under the screen (120x40, all panes) against {args.against}", rows[-4:])
    if len(rows) > 4:
        show("all", rows)


if __name__ == "__main__":
    main()
