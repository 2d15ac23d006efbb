"""A very long run opened by `miniai-tui attach`: how long it takes, and what memory it takes, against a short one.

`python benchmarks/long_run.py [--steps 2000 1000000 10000000] [--quick]`

The journals are synthetic but made of the real facts at the trainer's rates: every second a line of 200 training
losses, where the run is, and the layers; an epoch has 2,000 batches. The run is over ("done"), so that the end of
reading can be seen on a screen of 120x40 in a pseudo-terminal.

Bounds: memory of the screen's process at 1e7 steps <= 150 MB; opening 1e6 steps takes seconds.
"""

from __future__ import annotations

import argparse
import math
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from pty_screen import PtyScreen, command
from table import show

from miniai.config import RunConfig
from miniai.run import events as ev
from miniai.run.directory import RunDir, create_run

BATCHES, PER_LINE, BATCH_SECONDS, LAYERS, BS = 2_000, 200, 0.005, 10, 512


def facts(run_id: str, steps: int) -> Iterator[ev.Fact]:
    """A run of so many train steps and its end."""
    dice = random.Random(0)
    epochs = max(steps // BATCHES, 1)
    yield ev.RunStarted(
        at=0, schema=ev.SCHEMA, run=run_id, wall=time.time(), dataset="fashion", model="conv", epochs=epochs, pid=1,
        host="box",
    )  # fmt: skip
    yield ev.DataLoaded(
        at=1, dataset="fashion", source="synthetic", sample=False, train=BATCHES * BS, valid=10_000,
        shape=(1, 28, 28), classes=[f"class {i}" for i in range(10)],
    )  # fmt: skip
    layers = [ev.Layer(f"{i}.0", "Conv2d", "8>16") for i in range(LAYERS)]
    yield ev.FitStarted(
        at=2, epochs=epochs, model="conv", parameters=30_154, device="cpu", batch_size=BS, train_batches=BATCHES,
        valid_batches=20, lr=0.1, opt="sgd", metrics=["accuracy"], layers=layers,
    )  # fmt: skip
    for epoch in range(epochs):
        yield from _epoch(epoch, min(BATCHES, steps), steps, dice)
    yield ev.FitEnded(at=2 + steps * BATCH_SECONDS, reason="done", step=epochs * min(BATCHES, steps))


def _epoch(epoch: int, batches: int, steps: int, dice: random.Random) -> Iterator[ev.Fact]:
    first = epoch * batches
    yield ev.EpochStarted(at=first * BATCH_SECONDS, epoch=epoch, phase="train", batches=batches, step=first)
    for done in range(0, batches, PER_LINE):
        step, size = first + done, min(PER_LINE, batches - done)
        at = round((step + size) * BATCH_SECONDS, 3)
        level = 2 * math.exp(-step / (steps / 5)) + 0.3
        losses = [ev.number(level + 0.05 * dice.random()) for _ in range(size)]
        yield ev.Scalars(at=at, name="loss", first=step + 1, values=losses)
        numbers = [ev.number(dice.random()) for _ in range(LAYERS)]
        yield ev.LayersMeasured(
            at=at, step=step + size, means=numbers, stds=numbers, near_zero=numbers, nonfinite=[0] * LAYERS
        )
        yield ev.Progressed(
            at=at, epoch=epoch, phase="train", batch=done + size, samples=(done + size) * BS,
            seconds=(done + size) * BATCH_SECONDS, waited=0.01, metrics={"loss": ev.number(level), "accuracy": 0.9},
        )  # fmt: skip
    at, step = round((first + batches) * BATCH_SECONDS, 3), first + batches
    phases: tuple[ev.Phase, ...] = ("train", "valid")
    for phase in phases:
        n = batches if phase == "train" else 20
        if phase == "valid":
            yield ev.EpochStarted(at=at, epoch=epoch, phase=phase, batches=n, step=step)
        metrics: dict[str, ev.Number] = {"loss": ev.number(0.3 + dice.random()), "accuracy": ev.number(dice.random())}
        yield ev.EpochEnded(
            at=at, epoch=epoch, phase=phase, metrics=metrics, batches=n, of=n, samples=n * BS, seconds=10.0, step=step
        )


def write(root: Path, steps: int) -> RunDir:
    """Make a run directory with such a journal."""
    run = create_run(root, RunConfig(model="conv"))
    with run.journal.open("wb") as file:
        part: list[bytes] = []
        for fact in facts(run.id, steps):
            part.append(ev.encode(fact) + b"\n")
            if len(part) >= 10_000:
                file.write(b"".join(part))
                part.clear()
        file.write(b"".join(part))
    run.update_info(ended="done")
    return run


def open_run(run: RunDir, folder: Path) -> tuple[float, float, int, int]:
    """Attach: seconds until the end is shown, CPU seconds until then, resident bytes then, and their peak."""
    screen = PtyScreen(command("attach", str(run.path)), folder)
    screen.watch("✓ done")
    try:
        seconds = screen.wait(0, 600) - screen.started
        cpu = screen.cpu()
        time.sleep(2)  # charts and pictures are loaded and drawn
        memory, peak = screen.memory(), screen.peak_memory()
        screen.press("q")
    finally:
        screen.close()
    return seconds, cpu, memory, peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", nargs="+", type=int, default=[2_000, 1_000_000, 10_000_000])
    parser.add_argument("--quick", action="store_true", help="a smoke run: 1e5 steps")
    args = parser.parse_args()
    rows = []
    for steps in [2_000, 100_000] if args.quick else args.steps:
        with tempfile.TemporaryDirectory() as folder:
            run = write(Path(folder), steps)
            size = run.journal.stat().st_size / 1e6
            seconds, cpu, memory, peak = open_run(run, Path(folder))
        name, bound = f"{steps:,} steps ({size:.1f} MB)", "<= 150 MB" if steps >= 10_000_000 else ""
        rows += [
            (f"{name}: until the end is shown", f"{seconds:.2f} s, {cpu:.2f} s of CPU", ""),
            (f"{name}: memory, and its peak", f"{memory / 1e6:.0f} MB, {peak / 1e6:.0f} MB", bound),
        ]
    show("attach to a long run that is over, 120x40", rows)


if __name__ == "__main__":
    main()
