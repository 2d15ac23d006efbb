"""Training with four viewers on it, one of them stalled, against training with none, in one and the same run.

`python benchmarks/viewers.py [--model conv mlp] [--pairs 20] [--seconds 3] [--quick]`

A real `miniai-tui fit fashion --detach --threads 1`, and four `miniai-tui attach`, each in a pseudo-terminal of 120x40
with all panes at default rates. The fourth asks for a pause and for its end, so that it is connected to the trainer,
and is then stopped by SIGSTOP for good: it reads neither its keyboard nor its socket. Windows with the other three and
without them take turns (A B, B A, ...). Without means that they are stopped too: they get no CPU, and the trainer,
which waits for nobody, trains as if there were none. That this is so is the last row: the last of those windows over
windows after all four have gone. The first half second after each switch does not count. The trainer's speed is read
from its own journal, a validation batch counted at its cost.

What is measured is the whole cost on this machine: the viewers' own drawing takes CPU from the same cores. The
trainer's CPU time an image shows what they cost the trainer itself.

Bound: speed with / without >= 0.97.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
from journal_time import Timeline
from live_fit import GOING, until
from pairs import Ratios, Window
from pty_screen import PtyScreen, command
from table import show, spread

from miniai.run.client import ControlClient
from miniai.run.control import new_id
from miniai.run.directory import RunDir
from miniai.run.requests import Stop

BOUND = 0.97
SETTLE = 0.5
"""Seconds after a switch that do not count."""


@dataclass(frozen=True)
class Stretch:
    """One window: when it was, CPU seconds of the trainer and of all viewers in it, and the bytes that these drew."""

    start: float
    end: float
    trainer: float
    viewers: float
    drawn: float

    def window(self, timeline: Timeline) -> Window:
        """What was trained in it."""
        images, spent = timeline.images(self.start, self.end)
        return Window(images, spent, self.trainer * spent / (self.end - self.start))


class Viewers:
    """Three viewers that can be stopped and let go on, and one that is stopped for good."""

    def __init__(self, run: RunDir, folder: Path) -> None:
        self.screens = [PtyScreen(command("attach", str(run.path)), folder) for _ in range(4)]
        for screen in self.screens:
            screen.watch(GOING)
        for screen in self.screens:
            screen.wait()
        stalled = self.screens[3]
        for answer in ("‖ paused", GOING):
            stalled.press(" ", answer)
            stalled.wait()
        stalled.process.send_signal(signal.SIGSTOP)

    def switch(self, on: bool) -> None:
        """Let three of them go on, or stop them."""
        for screen in self.screens[:3]:
            screen.process.send_signal(signal.SIGCONT if on else signal.SIGSTOP)

    def cpu(self) -> float:
        """CPU seconds of all of them so far."""
        return sum(screen.cpu() for screen in self.screens)

    def drawn(self) -> int:
        """Bytes that they have drawn so far."""
        return sum(screen.received for screen in self.screens)

    def close(self) -> None:
        """End all four."""
        for screen in self.screens:
            screen.process.send_signal(signal.SIGCONT)
            screen.process.send_signal(signal.SIGTERM)
        for screen in self.screens:
            screen.close()


def started(folder: Path, model: str) -> tuple[RunDir, psutil.Process]:
    """A run in the background that trains."""
    options = ["--model", model, "--epochs", "1000000", "--threads", "1", "--log-format", "json"]
    done = subprocess.run(command("fit", "fashion", "--detach", *options), cwd=folder, capture_output=True, check=True)
    said = json.loads(done.stdout)
    run = RunDir(Path(said["directory"]))
    until(lambda: b'"is":"Progressed"' in run.journal.read_bytes(), 120, "it does not train")
    return run, psutil.Process(said["pid"])


def stretch(trainer: psutil.Process, viewers: Viewers | None, seconds: float) -> Stretch:
    """Let it settle, and let a window pass."""

    def so_far() -> tuple[float, float, float]:
        times = trainer.cpu_times()
        own = times.user + times.system
        return (own, 0.0, 0.0) if viewers is None else (own, viewers.cpu(), viewers.drawn())

    time.sleep(SETTLE)
    start, before = time.time(), so_far()
    time.sleep(seconds)
    end, after = time.time(), so_far()
    return Stretch(start, end, *(b - a for a, b in zip(before, after, strict=True)))


@dataclass(frozen=True)
class Measured:
    """Windows of the three kinds."""

    watched: list[Stretch]
    still: list[Stretch]
    alone: list[Stretch]
    timeline: Timeline

    def ratios(self) -> Ratios:
        """With viewers over without."""
        return Ratios([s.window(self.timeline) for s in self.watched], [s.window(self.timeline) for s in self.still])

    def proof(self) -> Ratios:
        """Stopped viewers over none: as many of the last windows as there are of the others."""
        n = len(self.alone)
        last = [s.window(self.timeline) for s in self.still[-n:]]
        return Ratios(last, [s.window(self.timeline) for s in self.alone])


def measure(folder: Path, model: str, pairs: int, seconds: float) -> Measured:
    """All windows in one run, which is stopped in order."""
    run, trainer = started(folder, model)
    try:
        viewers = Viewers(run, folder)
        try:
            watched: list[Stretch] = []
            still: list[Stretch] = []
            for i in range(pairs):
                for on in (True, False) if i % 2 else (False, True):
                    viewers.switch(on)
                    (watched if on else still).append(stretch(trainer, viewers, seconds))
        finally:
            viewers.close()
        alone = [stretch(trainer, None, seconds) for _ in range(max(2, pairs // 4))]
    finally:
        client = ControlClient(lambda: run.read_info().socket, heard=bool, failed=print)
        client.send(Stop(id=new_id()))
        client.close()
        trainer.wait(20)
    return Measured(watched, still, alone, Timeline(run.journal))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs="+", choices=["mlp", "conv"], default=["conv", "mlp"])
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of a window, at least 1.5")
    parser.add_argument("--quick", action="store_true", help="a smoke run: 3 pairs, conv")
    args = parser.parse_args()
    if args.quick:
        args.model, args.pairs, args.seconds = ["conv"], 3, 1.5
    for model in args.model:
        with tempfile.TemporaryDirectory() as folder:
            done = measure(Path(folder), model, args.pairs, args.seconds)
        ratios = done.ratios()
        share = [s.viewers / (s.end - s.start) for s in done.watched]
        drawn = [s.drawn / (s.end - s.start) / 1024 for s in done.watched]
        rate = statistics.median(w.rate for w in ratios.b)
        rows = [
            ("speed with four viewers / without", spread(ratios.values), f">= {BOUND}"),
            ("trainer's CPU an image, without / with", spread(ratios.cpu_values), ""),
            (f"viewers' CPU, cores of {os.cpu_count()}", spread(share), ""),
            ("drawn by the viewers, KiB a second", spread(drawn, decimals=1), ""),
            ("images a second without", f"{rate:,.0f}", ""),
            ("stopped viewers / none at all", spread(done.proof().values), "about 1"),
        ]
        show(f"{model}, one torch thread: three viewers and a stalled one", rows)


if __name__ == "__main__":
    main()
