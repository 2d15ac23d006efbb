"""Time of one frame of each pane against the length of the run: `python benchmarks/frame_time.py [WIDTH HEIGHT]`.

A frame must cost the same at a thousand and at ten million steps. Prints milliseconds per frame, median of several,
and the ratio of the longest run to the shortest.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from miniai.run import events as ev
from tui.colors import PALETTES
from tui.panes.header import header
from tui.panes.images import images
from tui.panes.layers import heatmap
from tui.panes.lines import Frame
from tui.panes.loss import loss_chart
from tui.panes.metrics import table
from tui.panes.preview import Preview
from tui.state import RunState

LENGTHS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
LAYERS = 10
EPOCHS = 200
FRAMES = 15


def run_of(steps: int) -> RunState:
    """A run of so many steps, with epochs, layers and a schedule's worth of noise."""
    state, random = RunState(), np.random.default_rng(0)
    layers = [ev.Layer(f"{i}.0", "Conv2d", "8>16") for i in range(LAYERS)]
    batches = max(steps // EPOCHS, 1)
    state.apply(
        ev.FitStarted(
            at=0, epochs=EPOCHS, model="conv", parameters=30_154, device="cpu", batch_size=512,
            train_batches=batches, valid_batches=10, lr=0.1, opt="sgd", metrics=["accuracy"], layers=layers,
        )
    )  # fmt: skip
    part = 100_000
    for first in range(1, steps + 1, part):
        at = np.arange(first, min(first + part, steps + 1))
        values: list[ev.Number] = (2 * np.exp(-at / (steps / 5)) + 0.3 + random.normal(0, 0.05, len(at))).tolist()
        state.apply(ev.Scalars(at=1, name="loss", first=first, values=values))
    for epoch in range(EPOCHS):
        end = {"batches": batches, "of": batches, "samples": 60_000, "seconds": 5.0, "step": (epoch + 1) * batches}
        for phase in ("train", "valid"):
            half: ev.Phase = "train" if phase == "train" else "valid"
            metrics: dict[str, ev.Number] = {"loss": 1 / (epoch + 1), "accuracy": 0.9}
            state.apply(ev.EpochStarted(at=1, epoch=epoch, phase=half, batches=batches, step=epoch * batches))
            state.apply(ev.EpochEnded(at=1, epoch=epoch, phase=half, metrics=metrics, **end))  # type: ignore[arg-type]
    for step in np.unique(np.linspace(1, steps, 3_000).astype(int)).tolist():
        numbers: list[ev.Number] = random.normal(0, 1, LAYERS).tolist()
        state.apply(
            ev.LayersMeasured(
                at=1, step=step, means=numbers, stds=numbers, near_zero=[0.5] * LAYERS, nonfinite=[0] * LAYERS
            )
        )
    return state


def milliseconds(draw: Callable[[], object]) -> float:
    """Median time of one call, after one that fills caches."""
    draw()
    times = []
    for _ in range(FRAMES):
        start = time.perf_counter()
        draw()
        times.append(1000 * (time.perf_counter() - start))
    return statistics.median(times)


def main() -> None:
    """Print a table: a row per pane, a column per length."""
    width, height = (int(a) for a in sys.argv[1:3]) if len(sys.argv) > 2 else (60, 17)
    frame = Frame(width, height, PALETTES["miniai-dark"])
    pixels = np.random.default_rng(0).integers(0, 255, (32, 1, 28, 28), np.uint8)
    preview = Preview("p", pixels, [0] * 32, [1] * 32, [0.9] * 32)
    panes: dict[str, Callable[[RunState], object]] = {
        "header": lambda s: header(s, 2 * width, frame.colors),
        "loss": lambda s: loss_chart(s, frame),
        "loss, log y": lambda s: loss_chart(s, frame, log=True),
        "metrics": lambda s: table(s, frame),
        "layers": lambda s: heatmap(s, frame),
        "images": lambda s: images(preview, s, frame),
    }
    runs = {steps: run_of(steps) for steps in LENGTHS}
    print(f"ms per frame at {width}x{height}".ljust(26) + "".join(f"{n:>12,}" for n in LENGTHS) + "   last/first")
    for name, draw in panes.items():
        times = [milliseconds(lambda s=s, d=draw: d(s)) for s in runs.values()]  # type: ignore[misc]
        print(name.ljust(26) + "".join(f"{t:>12.2f}" for t in times) + f"{times[-1] / times[0]:>13.2f}")


if __name__ == "__main__":
    main()
