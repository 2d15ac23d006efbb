"""Read a preview file: images of one batch with their labels, predictions and confidences."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Preview", "load"]


@dataclass(frozen=True, eq=False)
class Preview:
    """Images and what was said of them."""

    file: str
    pixels: NDArray[np.uint8]
    """(images, channels, height, width)"""
    labels: list[int]
    predictions: list[int]
    confidences: list[float]


def load(run_dir: Path, file: str) -> Preview | None:
    """Read one file of the run directory; None if it is gone, half-written or not what a preview should be."""
    import numpy as np
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    path = (run_dir / file).resolve()
    if run_dir.resolve() not in path.parents:
        return None
    try:
        held = load_file(path)
        pixels = np.ascontiguousarray(held["pixels"], np.uint8)
        lists = [held[name].ravel().tolist() for name in ("labels", "predictions", "confidences")]
    except (OSError, KeyError, ValueError, SafetensorError):
        return None
    good = pixels.ndim == 4 and pixels.size > 0 and all(len(x) == len(pixels) for x in lists)
    return Preview(file, pixels, lists[0], lists[1], lists[2]) if good else None
