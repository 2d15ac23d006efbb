"""Named datasets, one module each: the module's file name is what `fit` takes.

A dataset's module has `load(*, data_dir, progress, cache_dir) -> ImageData` and imports torch inside functions
only, so that `--help` can list the names at once; `load(sample=True)` where a sample comes with it. Modules whose
name starts with an underscore are helpers.
"""

from __future__ import annotations

import inspect
import pkgutil
from importlib import import_module
from pathlib import Path
from typing import cast

from miniai.catalog._images import ImageData, Progress, Stage, silent
from miniai.errors import UsageError

__all__ = ["ImageData", "Progress", "Stage", "load", "names"]


def names() -> list[str]:
    """The datasets' names, sorted: the files of this folder, none of them imported."""
    return sorted(m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_"))


def load(
    name: str,
    *,
    data_dir: Path | None = None,
    progress: Progress = silent,
    cache_dir: Path | None = None,
    sample: bool = False,
) -> ImageData:
    """Load a dataset by name, from `data_dir` if that is given, else from the best place that has it.

    `sample`: the small sample that comes with the package instead, the same on every machine. `cache_dir` keeps the
    decoded images for the next time; None means the user's own cache folder. Raises `UsageError` for a name, or a
    sample, that is not there, `DataError` for data that is missing or broken.
    """
    if name not in names():
        raise UsageError(f"no dataset is named {name!r}: choose one of {', '.join(names())}")
    module = import_module(f"{__name__}.{name}")
    if not sample:
        return cast(ImageData, module.load(data_dir=data_dir, progress=progress, cache_dir=cache_dir))
    if "sample" not in inspect.signature(module.load).parameters:
        raise UsageError(f"the dataset {name!r} has no sample that comes with the package")
    return cast(ImageData, module.load(data_dir=data_dir, progress=progress, cache_dir=cache_dir, sample=True))
