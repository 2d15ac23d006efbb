"""Encoded pictures in parquet or Arrow files, read with Hugging Face `datasets` and decoded with Pillow.

Nothing in here makes a request: `datasets` is only given files.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from miniai.catalog._images import Progress, Tensors
from miniai.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

__all__ = ["read"]

CHUNK = 500
"""Images decoded between two reports of progress."""


def read(
    train: Sequence[Path],
    valid: Sequence[Path],
    classes: Sequence[str],
    progress: Progress,
    sizes: tuple[int, int] | None = None,
) -> Tensors:
    """Decode two splits with the columns `image` and `label`, each all parquet or all Arrow files.

    Labels are mapped to `classes` by name, as another maker may have numbered them differently. `sizes` are the
    numbers of images that there must be, if they are known. Raises `DataError` that names the file, or the item
    in it, that is wrong.
    """
    progress("reading data", 0, 0)
    with tempfile.TemporaryDirectory(prefix="miniai-") as scratch, _quiet():
        splits = [_opened(files, scratch) for files in (train, valid)]
        counts = len(splits[0]), len(splits[1])
        if sizes is not None and counts != sizes:
            raise DataError(
                f"{train[0].parent}: it holds {counts[0]} + {counts[1]} images, not {sizes[0]} + {sizes[1]}"
            )
        total = sum(counts)
        tensors: list[Tensor] = []
        before = 0
        for split, files in zip(splits, (train, valid), strict=True):
            done = partial(_report, progress, before, total)
            tensors += _decode(split, files[0], classes, done)
            before += len(split)
    if tensors[0].shape[1:] != tensors[2].shape[1:]:
        raise DataError(f"{valid[0]}: its images are of another size than those of {train[0]}")
    return Tensors(*tensors)


def _report(progress: Progress, before: int, total: int, done: int) -> None:
    progress("reading data", before + done, total)


def _opened(files: Sequence[Path], scratch: str) -> Any:
    """The `datasets.Dataset` over `files`, pictures still encoded."""
    import datasets

    try:
        if files[0].suffix == ".arrow":
            data = datasets.concatenate_datasets([datasets.Dataset.from_file(str(path)) for path in files])
        else:
            paths = [str(path) for path in files]
            data = datasets.Dataset.from_parquet(paths, cache_dir=scratch, keep_in_memory=True)
        return data.select_columns(["image", "label"]).cast_column("image", datasets.Image(decode=False))
    except Exception as error:
        raise DataError(f"{files[0]}: not a readable set of images and labels ({_line(error)})") from error


def _decode(data: Any, path: Path, classes: Sequence[str], report: Callable[[int], None]) -> tuple[Tensor, Tensor]:
    """uint8 (n, channels, height, width) and int64 (n,) of one split; `report` is told how many are done."""
    import numpy as np
    import torch

    n = len(data)
    if n == 0:
        raise DataError(f"{path}: there are no images in it")
    numbers = _numbers(data.features["label"], classes, path)
    images = np.empty((n, *_pixels(data[0]["image"], f"{path}: image 0").shape), dtype=np.uint8)
    labels = np.empty(n, dtype=np.int64)
    for start in range(0, n, CHUNK):
        report(start)
        batch = data[start : start + CHUNK]
        for i, (image, label) in enumerate(zip(batch["image"], batch["label"], strict=True), start):
            pixels = _pixels(image, f"{path}: image {i}")
            if pixels.shape != images.shape[1:]:
                raise DataError(f"{path}: image {i} has another size than image 0")
            if label not in numbers:
                raise DataError(f"{path}: label {label} of image {i} is out of range, 0 to {len(numbers) - 1}")
            images[i], labels[i] = pixels, numbers[label]
    report(n)
    return torch.from_numpy(images), torch.from_numpy(labels)


def _numbers(feature: Any, classes: Sequence[str], path: Path) -> dict[int, int]:
    """Label in the file -> number of the class with the same name, whatever its case and spaces."""
    known = {_plain(name): number for number, name in enumerate(classes)}
    names = [_plain(name) for name in getattr(feature, "names", None) or ()]
    if sorted(names) != sorted(known):
        raise DataError(f"{path}: its classes are not {', '.join(classes)}")
    return {label: known[name] for label, name in enumerate(names)}


def _plain(name: str) -> str:
    return "".join(name.split()).lower()


def _pixels(image: Any, item: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """uint8 (1, height, width) of one encoded grey picture."""
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    data = image.get("bytes") if isinstance(image, dict) else None
    if data is None:
        raise DataError(f"{item} is not there")
    try:
        with Image.open(BytesIO(data)) as picture:
            return np.asarray(picture.convert("L"))[None]
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise DataError(f"{item} is not a readable picture") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """No progress bars and log lines of `datasets` inside; its settings are as before afterwards."""
    from datasets import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars
    from datasets.utils import logging

    bars, verbosity = not are_progress_bars_disabled(), logging.get_verbosity()
    logging.set_verbosity(logging.CRITICAL)
    if bars:
        disable_progress_bars()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            enable_progress_bars()


def _line(error: Exception) -> str:
    """The first line of an error's text, or its kind."""
    return next(iter(str(error).splitlines()), "") or type(error).__name__
