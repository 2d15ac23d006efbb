"""Fashion-MNIST: 60,000 + 10,000 grey images of 28x28 pixels of ten kinds of clothing (Xiao, Rasul, Vollgraf 2017).

Looked for in this order: the folder that the user names, the Hugging Face cache, Debian's package
dataset-fashion-mnist, the Hugging Face hub, and a sample of 6,000 + 1,000 of the images that lies beside this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from miniai.catalog import _encoded, _hf_cache, _hub, _idx
from miniai.catalog._found import Found, Look, first
from miniai.catalog._images import ImageData, Progress, silent
from miniai.errors import DataError

__all__ = ["CLASSES", "DEBIAN", "REPOS", "SAMPLE", "load", "places"]

CLASSES = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip
"""Names of the classes by their number in the idx files."""

DEBIAN = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package installs."""

REPOS = ("zalando-datasets/fashion_mnist", "fashion_mnist")
"""The dataset's names on the Hugging Face hub, the one of today first."""

SAMPLE = Path(__file__).parent / "data"
"""The folder of the embedded sample."""


def load(
    *,
    data_dir: Path | None = None,
    progress: Progress = silent,
    cache_dir: Path | None = None,
    sample: bool = False,
    looks: Sequence[Look] | None = None,
) -> ImageData:
    """Load Fashion-MNIST from `data_dir`, or else from the first of `looks` (`places()`) that has it.

    `sample`: the embedded sample of 6,000 + 1,000 images, whatever else is there. Raises `DataError` if the folder
    that the user named does not hold it whole, or is named where the sample is asked for.
    """
    if sample:
        if data_dir is not None:
            raise DataError(f"the embedded sample was asked for and the folder {data_dir} too: name only one of them")
        looks = [partial(_embedded, SAMPLE)]
    if data_dir is not None:
        looks = [partial(_in_folder, data_dir.expanduser())]
    elif looks is None:
        looks = places(progress=progress)
    return first("fashion", CLASSES, looks, progress=progress, cache_dir=cache_dir)


def places(*, debian: Path = DEBIAN, sample: Path = SAMPLE, progress: Progress = silent) -> list[Look]:
    """Where to look when the user names no folder, best place first."""
    return [
        partial(_hf_cache.look, REPOS, CLASSES),
        partial(_at_debian, debian),
        partial(_hub.look, REPOS, CLASSES, progress),
        partial(_embedded, sample),
    ]


def _in_folder(folder: Path) -> Found:
    files = _idx.find(folder)
    if files is None:
        what = "is not a folder" if not folder.is_dir() else "does not hold the Fashion-MNIST files"
        raise DataError(f"{folder} {what}: --data-dir expects {', '.join(_idx.STEMS)}, plain or .gz, in one folder")
    return Found(f"the folder {folder}", files, partial(_idx.read, files, len(CLASSES)))


def _at_debian(folder: Path) -> Found | None:
    files = _idx.find(folder)
    if files is None:
        return None
    return Found("Debian's dataset-fashion-mnist", files, partial(_idx.read, files, len(CLASSES)))


def _embedded(folder: Path) -> Found:
    splits = [folder / f"fashion-{split}.parquet" for split in ("train", "valid")]
    read = partial(_encoded.read, [splits[0]], [splits[1]], CLASSES)
    return Found("the embedded sample", tuple(splits), read, sample=True)
