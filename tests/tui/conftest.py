"""Data for tests that train."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Idx files of 4,000 + 1,000 images."""
    folder = tmp_path_factory.mktemp("idx")
    random = np.random.default_rng(0)
    for name, n in (("train", 4000), ("t10k", 1000)):
        labels = (np.arange(n) % 10).astype(np.uint8)
        pixels = (labels[:, None, None] * 25 + random.integers(0, 25, (n, 28, 28))).clip(0, 255).astype(np.uint8)
        (folder / f"{name}-images-idx3-ubyte").write_bytes(struct.pack(">4i", 2051, n, 28, 28) + pixels.tobytes())
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 2049, n) + labels.tobytes())
    return folder
