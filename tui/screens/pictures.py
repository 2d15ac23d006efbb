"""Images of a dataset in pages: read from a file, laid out in a grid with a caption each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from textual.strip import Strip

from tui.colors import style
from tui.panes.drawn import Drawn, in_cells
from tui.panes.lines import Frame, blank, line, message
from tui.text import fit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Pictures", "grid", "load"]

NARROWEST = 8
"""Cells of the narrowest picture: its caption must say something."""
WANTED = 12
"""Pictures that should be seen at once if they can be large enough; half as many in a low pane."""


@dataclass(frozen=True, eq=False)
class Pictures:
    """Images with the numbers of their classes."""

    pixels: NDArray[np.uint8]
    """(images, channels, height, width)"""
    labels: list[int]


def load(run_dir: Path, file: str) -> Pictures | None:
    """Read one file of the run directory; None if it is gone or not what it should be."""
    import numpy as np
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        path = (run_dir / file).resolve()
        if run_dir.resolve() not in path.parents or not path.is_file():
            return None
        held = load_file(path)
        pixels, labels = np.ascontiguousarray(held["pixels"], np.uint8), held["labels"].ravel().tolist()
    except (OSError, KeyError, RuntimeError, ValueError, SafetensorError):
        return None
    return Pictures(pixels, labels) if pixels.ndim == 4 and len(pixels) == len(labels) else None


def grid(
    pictures: Pictures, names: list[str], frame: Frame, number: int = -1, page: int = 0, drawn: Drawn | None = None
) -> tuple[list[Strip], int]:
    """The lines of a page, and how many pages there are; of the class `number` only unless it is below 0.

    In half blocks unless `drawn` draws the pictures.
    """
    chosen = [i for i, label in enumerate(pictures.labels) if number < 0 or label == number]
    if not chosen:
        return message(["no images of this class" if number >= 0 else "no images"], frame), 1
    size = _size(pictures.pixels.shape[2], pictures.pixels.shape[3], frame, len(chosen))
    if size is None:
        return message(["too small for pictures"], frame), 1
    tall, wide = size
    rows, columns = frame.height // (tall + 1), (frame.width + 1) // (wide + 1)
    if number < 0 and len(names) > 1 and columns > len(names):
        columns = len(names)  # a column for each class
    pages = -(-len(chosen) // (rows * columns))
    shown = chosen[page % pages * rows * columns :][: rows * columns]
    gap = blank(max(min((frame.width - columns * wide) // max(columns - 1, 1), 3), 1))
    cells = in_cells([pictures.pixels[i] for i in shown], tall, wide, drawn)
    lines: list[Strip] = []
    for start in range(0, len(shown), columns):
        blocks = []
        row = shown[start : start + columns]
        for i, picture in zip(row, cells[start : start + columns], strict=True):
            label = pictures.labels[i]
            name = names[label] if 0 <= label < len(names) else str(label)
            caption = line([(fit(name, wide), style(frame.colors.muted))], wide)
            blocks.append([*picture, caption])
        rows_of = (Strip.join([s for part in parts for s in (part, gap)][:-1]) for parts in zip(*blocks, strict=True))
        lines += [row.adjust_cell_length(frame.width) for row in rows_of]
    return lines, pages


def _size(height: int, width: int, frame: Frame, n: int) -> tuple[int, int] | None:
    """Cells (rows, columns) of a picture in its proportions: the largest of which WANTED fit, else the most."""
    best: tuple[int, tuple[int, int]] | None = None
    for tall in range(min(frame.height - 1, max(height, 4)), 2, -1):
        wide = max(round(2 * tall * width / height), 1)
        fits = (frame.height // (tall + 1)) * ((frame.width + 1) // (wide + 1))
        if fits < 1 or (wide < NARROWEST and best is not None):
            continue
        if best is None or fits > best[0]:
            best = fits, (tall, wide)
        if fits >= min(WANTED if frame.height > 16 else WANTED // 2, n):
            break
    return None if best is None else best[1]
