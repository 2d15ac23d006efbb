"""A dataset's places: where its files may lie, and loading it from the first place that has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from miniai.catalog import _cache
from miniai.catalog._images import ImageData, Progress, Tensors
from miniai.errors import DataError

__all__ = ["Found", "Look", "first"]


@dataclass(frozen=True)
class Found:
    """A dataset that is there but not read yet."""

    source: str
    """Where, in words."""
    files: tuple[Path, ...]
    """What its tensors are made of: if these do not change, the cached tensors are good."""
    read: Callable[[Progress], Tensors]
    """Decodes the files; raises `DataError`."""
    sample: bool = False


Look: TypeAlias = Callable[[], "Found | None"]
"""Looks at one place; None if there is nothing, `DataError` if the user should know why not."""


def first(
    name: str, classes: Sequence[str], looks: Sequence[Look], *, progress: Progress, cache_dir: Path | None
) -> ImageData:
    """Load from the first place that has the dataset whole; what was wrong with better ones is in `note`.

    Raises `DataError` with all that was wrong if no place has it.
    """
    progress("looking for data", 0, 0)
    wrong: list[str] = []
    for look in looks:
        try:
            found = look()
            if found is None:
                continue
            tensors = _tensors(name, found, progress, cache_dir)
        except DataError as error:
            wrong.append(str(error))
            continue
        return ImageData(name, found.source, found.sample, *tensors, classes=list(classes), note="; ".join(wrong))
    raise DataError("; ".join(wrong) or f"{name} was found nowhere: name its folder with --data-dir")


def _tensors(name: str, found: Found, progress: Progress, cache_dir: Path | None) -> Tensors:
    """From the cache if it holds these very files, else decoded and then kept."""
    folder = cache_dir or _cache.default_folder()
    try:
        key = _cache.identity(found.files)
    except OSError as error:
        raise DataError(f"{error.filename}: cannot be read ({error.strerror})") from error
    path = folder / f"{name}{'-sample' * found.sample}.safetensors" if folder else None
    kept = _cache.fetch(path, key) if path else None
    if kept is not None:
        progress("reading data", (total := len(kept.train_y) + len(kept.valid_y)), total)
        return kept
    tensors = found.read(progress)
    if path:
        _cache.keep(path, key, tensors)
    return tensors
