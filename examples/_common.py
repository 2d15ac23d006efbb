"""What the examples share: options, images, what is noted of a fit, a table, and pictures of several figures."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from miniai import Callback, DataLoaders, Hook, Learner, MemoryLoader
from miniai.activations import get_min
from miniai.catalog import ImageData, fashion

__all__ = ["Curve", "Options", "loaders", "near_zero", "options", "save", "save_sheet", "show_table"]


class Options(NamedTuple):
    """What the user asked for."""

    epochs: int
    seed: int
    out: Path
    """Where the figure goes."""


def options(script: str, words: str | None, *, epochs: int, quick: int, argv: Sequence[str] | None = None) -> Options:
    """Read the command line of `script`, a path; one torch thread and no window from here on.

    `words` is the help, `epochs` are done by default, `quick` with `--quick`.
    """
    name = Path(script).stem
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(f"python examples/{name}.py", description=words, formatter_class=form)
    parser.add_argument("--epochs", type=int, help=f"epochs of each fit ({epochs})")
    parser.add_argument("--seed", type=int, default=2, help="for weights and batches (2)")
    parser.add_argument("--out", type=Path, default=Path(f"{name}.png"), help=f"the figure ({name}.png)")
    parser.add_argument("--quick", action="store_true", help=f"a short run: {quick} epochs")
    args = parser.parse_args(argv)
    if args.epochs is not None and args.epochs < 1:
        parser.error("--epochs must be at least 1")
    if not args.out.parent.is_dir():
        parser.error(f"--out: there is no folder {args.out.parent}")
    torch.set_num_threads(1)  # nets this small are no faster on more
    mpl.use("agg")
    mpl.rcParams.update({"figure.dpi": 110, "axes.grid": True, "grid.alpha": 0.25, "axes.titlesize": "medium"})
    return Options(args.epochs or (quick if args.quick else epochs), args.seed, args.out)


def loaders(bs: int = 128, normalise: bool = False) -> DataLoaders:
    """The 6,000 + 1,000 images of Fashion-MNIST that come with the package, (batch, 1, 28, 28), 0 to 1.

    `normalise`: with the mean 0 and the standard deviation 1 instead, measured on the training images.
    """
    data = _images()
    train, valid = data.train_x.float() / 255, data.valid_x.float() / 255
    if normalise:
        mean, std = train.mean(), train.std()
        train, valid = (train - mean) / std, (valid - mean) / std
    return DataLoaders(MemoryLoader(train, data.train_y, bs, shuffle=True), MemoryLoader(valid, data.valid_y, 1000))


@cache
def _images() -> ImageData:
    # not in the user's cache, which has room for one kind of the data only: the full one, it may be
    with tempfile.TemporaryDirectory() as folder:
        return fashion.load(looks=fashion.places()[-1:], cache_dir=Path(folder))


class Curve(Callback):
    """Notes loss and metrics after each epoch's validation; give it after MetricsCB."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def after_epoch(self, learn: Learner, /) -> None:
        """Note them."""
        if not learn.training:
            self.rows.append(learn.metrics.values())

    def of(self, name: str) -> list[float]:
        """One value an epoch: "loss" or a metric's name."""
        return [row[name] for row in self.rows]


def near_zero(hook: Hook) -> Tensor:
    """Share of activations near zero for each batch, (batches,); NaN where some were NaN or infinite."""
    broken = torch.stack(hook.nonfinite) > 0
    return get_min(hook).masked_fill(broken, torch.nan)


def show_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print the rows below the header: the first column to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    print(f"\n{title}\n")
    for row in [header, ["-" * width for width in widths], *rows]:
        first, *others = (text.rjust(width) for text, width in zip(row, widths, strict=True))
        print("  ".join([first.strip().ljust(widths[0]), *others]))
    print()


def save(figure: Figure, path: Path) -> None:
    """Save one figure and close it."""
    save_sheet([[figure]], path)


def save_sheet(rows: Sequence[Sequence[Figure]], path: Path) -> None:
    """Save figures as one picture, row by row; those in a row have one height, all rows one width."""
    pixels = np.vstack([np.hstack([_drawn(figure) for figure in row]) for row in rows])
    from matplotlib import pyplot

    pyplot.imsave(path, pixels)
    pyplot.close("all")
    print(f"figure: {path}")


def _drawn(figure: Figure) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The figure's pixels, (height, width, 4)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba())
