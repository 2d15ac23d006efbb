"""An epoch of batches: our in-memory loader against a Hugging Face dataset with a transform.

`python benchmarks/loader_speed.py [--images 4096] [--bs 1024] [--pairs 20] [--seconds 1.5] [--quick]`

The quick side is a whole epoch of all 60,000 images. The other side is what the course builds: PNG images in a
`datasets.Dataset`, decoded by `with_transform`, batched by torch's DataLoader. It is measured on a slice of
`--images` and compared image by image; `--images 60000` measures it whole. Both shuffle, both give float32 batches.
Bound: 50 times faster.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from pairs import compare
from table import show, spread

from miniai.catalog import ImageData, load
from miniai.datasets import DataLoaders, as_dd, inplace
from miniai.loader import MemoryLoader


@inplace
def decode(batch: dict[str, Any]) -> None:
    """PIL images to float32 (1, 28, 28) in [0, 1]."""
    batch["image"] = [torch.from_numpy(np.array(image))[None] / 255 for image in batch["image"]]


def epoch(loader: Iterable[Any]) -> Callable[[], int]:
    """Run through one epoch; returns how many images came."""
    return lambda: sum(len(xb) for xb, _ in loader)


def pipeline(data: ImageData, images: int, bs: int) -> Iterable[Any]:
    """The course's way, on the first `images` of the training split."""
    few = replace(data, train_x=data.train_x[:images], train_y=data.train_y[:images], valid_x=data.valid_x[:1],
                  valid_y=data.valid_y[:1])  # fmt: skip
    train: Iterable[Any] = DataLoaders.from_dd(as_dd(few).with_transform(decode), bs).train
    return train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=4096)
    parser.add_argument("--bs", type=int, default=1024)
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--quick", action="store_true", help="a smoke run: 2 pairs of 0.1 s on 256 images")
    args = parser.parse_args()
    if args.quick:
        args.pairs, args.seconds, args.images = 2, 0.1, 256
    torch.set_num_threads(1)
    data = load("fashion")
    n = len(data.train_x)
    images = min(args.images, n)
    memory = epoch(MemoryLoader(data.train_x, data.train_y, args.bs, shuffle=True))
    ratios = compare(memory, epoch(pipeline(data, images, args.bs)), args.pairs, args.seconds)
    rows = [
        ("in memory / with_transform", spread(ratios.values, " times", 1), ">= 50 times"),
        ("the same by CPU time", spread(ratios.cpu_values, " times", 1), ""),
        (f"in memory, an epoch of {n:,}", f"{n / statistics.median(w.rate for w in ratios.a):.3f} s", ""),
        (f"with_transform, the same, from {images:,}", f"{n / statistics.median(w.rate for w in ratios.b):.1f} s", ""),
    ]
    show(f"loaders, {n:,} images ({data.source}), batches of {args.bs}, one thread", rows)


if __name__ == "__main__":
    main()
