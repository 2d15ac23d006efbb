"""Idx files of images whose class is their brightness: data that any model learns."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np

__all__ = ["write_idx"]


def write_idx(folder: Path, train: int = 600, valid: int = 200, packed: bool = True) -> Path:
    """The four files of Fashion-MNIST with so many images of 28x28 pixels and ten classes; `packed`: with gzip."""
    random = np.random.default_rng(0)
    opened, suffix = (gzip.open, ".gz") if packed else (open, "")
    for name, n in (("train", train), ("t10k", valid)):
        labels = (np.arange(n) % 10).astype(np.uint8)
        pixels = (labels[:, None, None] * 25 + random.integers(0, 25, (n, 28, 28))).clip(0, 255).astype(np.uint8)
        for kind, head, values in (
            ("images-idx3", (2051, n, 28, 28), pixels),
            ("labels-idx1", (2049, n), labels),
        ):
            with opened(folder / f"{name}-{kind}-ubyte{suffix}", "wb") as file:
                file.write(struct.pack(f">{len(head)}i", *head) + values.tobytes())
    return folder
