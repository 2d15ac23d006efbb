"""Read a preview file: images of one batch with their labels, predictions and confidences."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Preview", "load", "paired"]


@dataclass(frozen=True, eq=False)
class Preview:
    """Images and what was said of them."""

    file: str
    pixels: NDArray[np.uint8]
    """(images, channels, height, width)"""
    labels: list[int]
    predictions: list[int]
    confidences: list[float]
    losses: list[float] = field(default_factory=list)
    """One for each image, or none at all."""
    before: NDArray[np.uint8] | None = None
    """The first images as the loader gave them, where a batch transform has changed them."""
    words: list[str] = field(default_factory=list)
    """What is said below each image in place of what it was taken for."""


def load(run_dir: Path, file: str) -> Preview | None:
    """Read one file of the run directory; None if it is gone, half-written or not what a preview should be."""
    import numpy as np
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        path = (run_dir / file).resolve()
        if run_dir.resolve() not in path.parents or not path.is_file():
            return None
        held = load_file(path)
        pixels = np.ascontiguousarray(held["pixels"], np.uint8)
        lists = [held[name].ravel().tolist() for name in ("labels", "predictions", "confidences")]
        losses = held["losses"].ravel().tolist() if "losses" in held else []
        before = np.ascontiguousarray(held["before"], np.uint8) if "before" in held else None
    except (OSError, KeyError, RuntimeError, ValueError, SafetensorError):
        return None
    good = pixels.ndim == 4 and pixels.size > 0 and all(len(x) == len(pixels) for x in lists)
    if not good or len(losses) not in (0, len(pixels)):
        return None
    if before is not None and (before.shape[1:] != pixels.shape[1:] or not 0 < len(before) <= len(pixels)):
        before = None  # a transform that changes the size: the two do not go side by side
    return Preview(file, pixels, lists[0], lists[1], lists[2], losses, before)


def paired(preview: Preview) -> Preview | None:
    """Each image before its batch transform and after it, side by side; None if that is not known."""
    import numpy as np

    before = preview.before
    if before is None:
        return None
    n = len(before)
    pixels = np.stack([before, preview.pixels[:n]], 1).reshape(2 * n, *before.shape[1:])
    labels = [label for label in preview.labels[:n] for _ in range(2)]
    sure = [1.0] * (2 * n)
    words = ["before", "after"] * n
    return replace(preview, pixels=pixels, labels=labels, predictions=labels, confidences=sure, losses=[], words=words)
