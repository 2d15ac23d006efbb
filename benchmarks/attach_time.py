"""How long `miniai-tui attach` takes to show a long run whole, and how large a long run's journal is.

`python benchmarks/attach_time.py [--steps 1000000] [--runs 3] [--quick]`

The journals are synthetic but written by the real `Journal`, with the trainer's own encoding (`miniai.run.events`) and
at its rates: five lines a second of each series and four of where the run is for ten minutes of training, then one a
second; a batch takes 5 ms. One journal holds 2 series (loss and a learning rate that a schedule changes at every step)
and is weighed; the other holds 4 (two more metrics at every step) and is opened on a screen of 120x40 in a
pseudo-terminal, as a run that is over: the time is from the start of the command until the end of the run is shown.

Bounds: 2 series, 1e6 steps <= 25 MB; 4 series, 1e6 steps: the full screen after <= 3 s.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from pty_screen import PtyScreen, command
from table import show

from miniai.config import RunConfig
from miniai.run import events as ev
from miniai.run.directory import RunDir, create_run
from miniai.run.journal import Journal

BATCHES, BATCH_SECONDS, BS = 2_000, 0.005, 512
LIVELY, OFTEN, RARELY = 600.0, 0.2, 1.0
"""Seconds of training with lines at the full rate; seconds between two lines of a series then, and after that."""


class Values:
    """Plausible values of four series at a step."""

    def __init__(self, steps: int) -> None:
        self.steps, self.dice = steps, random.Random(0)

    def of(self, name: str, step: int) -> float:
        """The value of one series."""
        level = 2 * math.exp(-5 * step / self.steps) + 0.3
        if name == "lr":
            return 0.1 * (1 + math.cos(math.pi * step / self.steps)) / 2
        loss = level + 0.05 * self.dice.random()
        return {"loss": loss, "accuracy": 1 - loss / 3, "grad_norm": 4 * loss}[name]


def facts(run_id: str, steps: int, series: tuple[str, ...]) -> Iterator[ev.Fact]:
    """A run of so many train steps and its end."""
    values, epochs = Values(steps), max(steps // BATCHES, 1)
    yield ev.RunStarted(
        at=0, schema=ev.SCHEMA, run=run_id, wall=time.time(), dataset="fashion", model="conv", epochs=epochs, pid=1,
        host="box",
    )  # fmt: skip
    yield ev.DataLoaded(
        at=1, dataset="fashion", source="synthetic", sample=False, train=BATCHES * BS, valid=10_000,
        shape=(1, 28, 28), classes=[f"class {i}" for i in range(10)],
    )  # fmt: skip
    yield ev.FitStarted(
        at=2, epochs=epochs, model="conv", parameters=30_154, device="cpu", batch_size=BS, train_batches=BATCHES,
        valid_batches=20, lr=0.1, opt="sgd", metrics=["accuracy"], layers=[], sched="cosine",
    )  # fmt: skip
    for epoch in range(epochs):
        yield from _half(epoch, min(BATCHES, steps), series, values)
        at, step = round(2 + (epoch + 1) * min(BATCHES, steps) * BATCH_SECONDS, 3), (epoch + 1) * min(BATCHES, steps)
        yield ev.EpochStarted(at=at, epoch=epoch, phase="valid", batches=20, step=step)
        yield _ended(at, epoch, "valid", 20, step, values)
    yield ev.FitEnded(at=2 + steps * BATCH_SECONDS, reason="done", step=epochs * min(BATCHES, steps))


def _half(epoch: int, batches: int, series: tuple[str, ...], values: Values) -> Iterator[ev.Fact]:
    first = epoch * batches
    yield ev.EpochStarted(at=2 + first * BATCH_SECONDS, epoch=epoch, phase="train", batches=batches, step=first)
    done = 0
    while done < batches:
        seconds = (first + done) * BATCH_SECONDS
        n = min(round((OFTEN if seconds < LIVELY else RARELY) / BATCH_SECONDS), batches - done)
        step, done = first + done + 1, done + n
        at = round(2 + (first + done) * BATCH_SECONDS, 3)
        for name in series:
            told = [ev.number(values.of(name, step + i)) for i in range(n)]
            yield ev.Scalars(at=at, name=name, first=step, values=told)
        loss = ev.number(values.of("loss", step))
        yield ev.Progressed(
            at=at, epoch=epoch, phase="train", batch=done, samples=done * BS, seconds=round(done * BATCH_SECONDS, 4),
            waited=round(done * 1e-5, 4), metrics={"loss": loss, "accuracy": ev.number(values.of("accuracy", step))},
        )  # fmt: skip
    yield _ended(at, epoch, "train", batches, first + batches, values)


def _ended(at: float, epoch: int, phase: ev.Phase, batches: int, step: int, values: Values) -> ev.EpochEnded:
    metrics = {name: ev.number(values.of(name, step)) for name in ("loss", "accuracy")}
    return ev.EpochEnded(
        at=at, epoch=epoch, phase=phase, metrics=metrics, batches=batches, of=batches, samples=batches * BS,
        seconds=round(batches * BATCH_SECONDS, 4), step=step,
    )  # fmt: skip


def write(root: Path, steps: int, series: tuple[str, ...]) -> RunDir:
    """Make a run directory with such a journal."""
    run = create_run(root, RunConfig(model="conv"))
    journal = Journal(run.journal)
    for fact in facts(run.id, steps, series):
        journal.write(fact)
    journal.close()
    run.update_info(ended="done")
    return run


def open_run(run: RunDir, folder: Path) -> tuple[float, float]:
    """Attach: seconds until the end is shown, and CPU seconds until then."""
    screen = PtyScreen(command("attach", str(run.path)), folder)
    screen.watch("✓ done")
    try:
        seconds = screen.wait(0, 120) - screen.started
        cpu = screen.cpu()
        screen.press("q")
    finally:
        screen.close()
    return seconds, cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a smoke run: 1e5 steps, once")
    args = parser.parse_args()
    steps, runs = (100_000, 1) if args.quick else (args.steps, args.runs)
    with tempfile.TemporaryDirectory() as folder:
        two = write(Path(folder), steps, ("loss", "lr")).journal.stat().st_size
        run = write(Path(folder), steps, ("loss", "lr", "accuracy", "grad_norm"))
        times = [open_run(run, Path(folder)) for _ in range(runs)]
        four = run.journal.stat().st_size
    seconds = statistics.median(s for s, _ in times)
    rows = [
        ("journal with 2 series", f"{two / 1e6:.1f} MB", "<= 25 MB"),
        ("journal with 4 series", f"{four / 1e6:.1f} MB", ""),
        ("attach: full screen after", f"{seconds:.2f} s  ({min(times)[0]:.2f} to {max(times)[0]:.2f})", "<= 3 s"),
        ("CPU until then", f"{statistics.median(c for _, c in times):.2f} s", ""),
    ]
    show(f"{steps:,} steps", rows)


if __name__ == "__main__":
    main()
