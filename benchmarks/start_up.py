"""From the command to the first frame and to the first batch on the screen, against the bare imports.

`python benchmarks/start_up.py [--model mlp conv] [--pairs 20] [--threads 1] [--cold] [--quick]`

Each pair: `miniai-tui fit fashion` in a pseudo-terminal of 120x40 (all 60,000 images, data cached: warm; one start
that does not count comes first; `--cold`: every start unpacks the images anew, as the first of a user's does), and a
bare Python that imports `textual.app` and then, in another process, `torch`. The first frame is there when the title
has come out of the terminal, the first batch when the status word says so; what lies between is read from the journal.
Modules are compiled once, as an installation does it, whatever PYTHONDONTWRITEBYTECODE says.
Windows are single starts: one takes about a second.

Bounds: first frame <= 0.5 s, first batch on the screen (warm) <= 6 s.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from live_fit import LiveFit
from table import show, spread

from miniai.run.directory import RunDir
from miniai.run.events import RunStarted, StageReached, decode


@dataclass(frozen=True)
class Start:
    """Seconds and CPU seconds of one start, and of the imports beside it."""

    frame: float
    batch: float
    frame_cpu: float
    """CPU seconds of the screen's process up to its first frame: what it would take on an idle machine."""
    torch_loaded: float
    """Until the trainer has torch."""
    prepared: float
    """Until it has data, model and callbacks, and begins with the first batch."""
    trainer_cpu: float
    """CPU seconds of the trainer up to about its first batch."""
    textual: float
    torch: float


def bare(module: str) -> float:
    """Seconds of a process that imports one module."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
    return time.perf_counter() - start


def start(folder: Path, model: str, threads: int, cold: bool) -> Start:
    """One start of the product, stopped at its first batch, and the imports."""
    if cold:
        os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(dir=folder)
    with LiveFit(folder, model, threads) as fit:
        frame = fit.screen.wait(0) - fit.screen.started
        cpu = fit.screen.cpu()
        fit.wait_for_training()
        trainer_cpu = sum(fit.trainer.cpu_times()[:2])
        batch = fit.screen.wait(1) - fit.screen.started
        loaded, prepared = (when - fit.screen.started for when in told(fit.run))
    return Start(frame, batch, cpu, loaded, prepared, trainer_cpu, bare("textual.app"), bare("torch"))


def told(run: RunDir) -> tuple[float, float]:
    """When the trainer had torch and when it was at its first batch, in seconds since 1970."""
    began, at = 0.0, dict[str, float]()
    for line in run.journal.read_bytes().splitlines(keepends=True):
        match decode(line) if line.endswith(b"\n") else None:
            case RunStarted(wall=wall):
                began = wall
            case StageReached(stage=stage, at=seconds):
                at.setdefault(stage, began + seconds)
    return at["looking for data"], at["first batch"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs="+", choices=["mlp", "conv"], default=["mlp", "conv"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--cold", action="store_true", help="no decoded images are cached")
    parser.add_argument("--quick", action="store_true", help="a smoke run: one start of the mlp")
    args = parser.parse_args()
    if args.quick:
        args.model, args.pairs = ["mlp"], 1
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    rows = []
    for model in args.model:
        with tempfile.TemporaryDirectory() as folder:
            if not args.quick:
                start(Path(folder), model, args.threads, args.cold)
            starts = [start(Path(folder), model, args.threads, args.cold) for _ in range(args.pairs)]
        rows += [
            (f"{model}: first frame", spread([s.frame for s in starts], " s"), "<= 0.5 s"),
            (f"{model}: CPU up to the first frame", spread([s.frame_cpu for s in starts], " s"), ""),
            (
                f"{model}: first frame / import textual.app",
                spread([s.frame / s.textual for s in starts], decimals=2),
                "",
            ),
            (f"{model}: the trainer has torch", spread([s.torch_loaded for s in starts], " s", 2), ""),
            (f"{model}: it begins with the first batch", spread([s.prepared for s in starts], " s", 2), ""),
            (f"{model}: CPU of the trainer until then", spread([s.trainer_cpu for s in starts], " s", 2), ""),
            (f"{model}: first batch on the screen", spread([s.batch for s in starts], " s", 2), "<= 6 s"),
            (f"{model}: first batch / import torch", spread([s.batch / s.torch for s in starts], decimals=2), ""),
        ]
    show(f"start, {'cold' if args.cold else 'warm'}, 120x40", rows)


if __name__ == "__main__":
    main()
