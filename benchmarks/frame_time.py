"""Time of one frame of each pane against the length of the run: `python benchmarks/frame_time.py [WIDTH HEIGHT]`.

A frame must cost the same at a thousand and at ten million steps. Prints milliseconds per frame, median of several,
and the ratio of the longest run to the shortest. Then the heatmap of a model of 500 layers against one of 8, drawing
alone and the whole frame: drawn, compared with the frame before, and written as a terminal gets it.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.style import Style
from textual.strip import Strip

from miniai.run import events as ev
from miniai.run.packed import pack
from tui.colors import PALETTES, style
from tui.panes.header import header
from tui.panes.heatmap import heatmap, on_screen
from tui.panes.images import images
from tui.panes.layer import layer_view
from tui.panes.lines import Frame, changed
from tui.panes.loss import loss_chart
from tui.panes.loss_view import View
from tui.panes.preview import Preview
from tui.panes.table import table
from tui.state import RunState

LENGTHS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
LAYERS = 10
FEW, MANY = 8, 500
"""Layers whose heatmaps are compared; bound 1.5."""
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


def model_of(layers: int, steps: int = 3_000) -> RunState:
    """A model of so many layers, each of which goes its own way."""
    state, random = RunState(), np.random.default_rng(0)
    state.apply(
        ev.FitStarted(
            at=0, epochs=1, model="deep", parameters=100 * layers, device="cpu", batch_size=512, train_batches=steps,
            valid_batches=10, lr=0.1, opt="sgd", metrics=[],
            layers=[ev.Layer(f"{i}.0", "Conv2d", "8>16", 100) for i in range(layers)],
        )
    )  # fmt: skip
    for step in range(1, steps + 1):
        numbers: list[ev.Number] = random.normal(0, 1, layers).tolist()
        sizes: list[ev.Number] = np.abs(random.normal(0, 1, layers)).tolist()
        state.apply(
            ev.LayersMeasured(
                at=1, step=step, means=numbers, stds=sizes, near_zero=[0.5] * layers, nonfinite=[0] * layers,
                grads=list(sizes), ratios=list(sizes),
            )
        )  # fmt: skip
        if step % 30 == 0:
            packed = [pack(row) for row in random.integers(0, 9_000, (layers, 42)).tolist()]
            state.apply(ev.HistogramsMeasured(at=1, step=step, layers=packed))
    return state


def whole_frame(draw: Callable[[int], list[Strip]], background: Style) -> Callable[[], None]:
    """Draws two frames by turns, as after a measurement, and does with each what the pane and Textual do."""
    console = Console(color_system="truecolor", force_terminal=True)
    shown = [draw(0), draw(1)]
    turn = [0]

    def frame() -> None:
        turn[0] = 1 - turn[0]
        old, shown[turn[0]] = shown[1 - turn[0]], draw(turn[0])
        for y, (a, b) in enumerate(zip(old, shown[turn[0]], strict=True)):
            if span := changed(a, b):
                on_screen(b, y, background).crop(*span).render(console)

    return frame


def by_turns(one: Callable[[], object], other: Callable[[], object]) -> tuple[float, float]:
    """Median milliseconds of both, measured by turns: what else the machine does strikes both."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(4 * FRAMES):
        for draw, taken in zip((one, other), times, strict=True):
            start = time.perf_counter()
            draw()
            taken.append(1000 * (time.perf_counter() - start))
    return statistics.median(times[0]), statistics.median(times[1])


def compare_layers(frame: Frame) -> None:
    """Print the heatmap of many layers against that of few."""
    ground = style(bg=frame.colors.background)
    few, many = model_of(FEW), model_of(MANY)
    gc.freeze()  # as the app does: the collector's walks through a large state are no part of a frame
    print(f"\nheatmap, ms {FEW:>12} layers {MANY:>4} layers   ratio (bound for the frame 1.5)")
    for statistic in ("mean", "grad"):
        kinds: dict[str, Callable[[RunState], Callable[[], object]]] = {
            "drawing": lambda s: lambda: heatmap(s, frame, statistic),  # noqa: B023
            "frame": lambda s: whole_frame(lambda turn: heatmap(s, frame, statistic if turn else "std"), ground),  # noqa: B023
        }
        for kind, make in kinds.items():
            a, b = by_turns(make(few), make(many))
            print(f"{statistic + ', ' + kind:<14}{a:>15.2f}{b:>12.2f}{b / a:>8.2f}")
    print(f"one layer opened{milliseconds(lambda: layer_view(many, frame, 7)):>13.2f}")


def main() -> None:
    """Print a table: a row per pane, a column per length."""
    width, height = (int(a) for a in sys.argv[1:3]) if len(sys.argv) > 2 else (60, 17)
    frame = Frame(width, height, PALETTES["miniai-dark"])
    pixels = np.random.default_rng(0).integers(0, 255, (32, 1, 28, 28), np.uint8)
    preview = Preview("p", pixels, [0] * 32, [1] * 32, [0.9] * 32)
    panes: dict[str, Callable[[RunState], object]] = {
        "header": lambda s: header(s, 2 * width, frame.colors),
        "loss": lambda s: loss_chart(s, frame),
        "loss, log y": lambda s: loss_chart(s, frame, View(log=True)),
        "metrics": lambda s: table(s, frame),
        "layers": lambda s: heatmap(s, frame),
        "images": lambda s: images(preview, s, frame),
    }
    runs = {steps: run_of(steps) for steps in LENGTHS}
    print(f"ms per frame at {width}x{height}".ljust(26) + "".join(f"{n:>12,}" for n in LENGTHS) + "   last/first")
    for name, draw in panes.items():
        times = [milliseconds(lambda s=s, d=draw: d(s)) for s in runs.values()]  # type: ignore[misc]
        print(name.ljust(26) + "".join(f"{t:>12.2f}" for t in times) + f"{times[-1] / times[0]:>13.2f}")
    compare_layers(frame)


if __name__ == "__main__":
    main()
