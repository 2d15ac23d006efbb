"""From the command to the first frame and to the first batch on the screen, against the bare imports.

`python benchmarks/start_up.py [--model mlp conv] [--pairs 20] [--threads 1] [--quick]`

Each pair: `miniai-tui fit fashion` in a pseudo-terminal of 120x40 (all 60,000 images, data cached: warm; one start
that does not count comes first), and a bare Python that imports `textual.app` and then, in another process, `torch`.
The first frame is there when the title has come out of the terminal, the first batch when the status word says so.
Windows are single starts: one takes longer than 1.5 s.

Bounds: first frame <= 0.5 s, first batch on the screen (warm) <= 6 s.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from live_fit import LiveFit
from table import show, spread


@dataclass(frozen=True)
class Start:
    """Seconds and CPU seconds of one start, and of the imports beside it."""

    frame: float
    batch: float
    frame_cpu: float
    """CPU seconds of the screen's process up to its first frame: what it would take on an idle machine."""
    textual: float
    torch: float


def bare(module: str) -> float:
    """Seconds of a process that imports one module."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
    return time.perf_counter() - start


def start(folder: Path, model: str, threads: int) -> Start:
    """One start of the product, stopped at its first batch, and the imports."""
    with LiveFit(folder, model, threads) as fit:
        frame = fit.screen.wait(0) - fit.screen.started
        cpu = fit.screen.cpu()
        fit.wait_for_training()
        batch = fit.screen.wait(1) - fit.screen.started
    return Start(frame, batch, cpu, bare("textual.app"), bare("torch"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs="+", choices=["mlp", "conv"], default=["mlp", "conv"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--quick", action="store_true", help="a smoke run: one start of the mlp")
    args = parser.parse_args()
    if args.quick:
        args.model, args.pairs = ["mlp"], 1
    rows = []
    for model in args.model:
        with tempfile.TemporaryDirectory() as folder:
            if not args.quick:
                start(Path(folder), model, args.threads)
            starts = [start(Path(folder), model, args.threads) for _ in range(args.pairs)]
        rows += [
            (f"{model}: first frame", spread([s.frame for s in starts], " s"), "<= 0.5 s"),
            (f"{model}: CPU up to the first frame", spread([s.frame_cpu for s in starts], " s"), ""),
            (
                f"{model}: first frame / import textual.app",
                spread([s.frame / s.textual for s in starts], decimals=2),
                "",
            ),
            (f"{model}: first batch on the screen", spread([s.batch for s in starts], " s", 2), "<= 6 s"),
            (f"{model}: first batch / import torch", spread([s.batch / s.torch for s in starts], decimals=2), ""),
        ]
    show("start, warm, 120x40", rows)


if __name__ == "__main__":
    main()
