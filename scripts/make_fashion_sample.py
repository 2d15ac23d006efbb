"""Make the embedded sample of Fashion-MNIST from the four idx files.

    python scripts/make_fashion_sample.py [FOLDER_OF_THE_IDX_FILES] [--out FOLDER]

Writes `fashion-train.parquet` (600 images a class) and `fashion-valid.parquet` (100 images a class): PNG pictures
and labels with class names, typed by the `Image` and `ClassLabel` features of `datasets`. The choice of images is
evenly spread over each class's images in the order of the files, and the rows keep that order: the same input
gives the same files.
"""

from __future__ import annotations

import argparse
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture
from torch import Tensor

from miniai.catalog import _idx
from miniai.catalog._images import silent
from miniai.catalog.fashion import CLASSES, DEBIAN, SAMPLE

PER_CLASS = {"train": 600, "valid": 100}
"""Images of each class in each split."""


def chosen(labels: NDArray[np.int64], per_class: int) -> NDArray[np.intp]:
    """Rows of `per_class` images of each class, evenly spread over the class, in ascending order."""
    rows = []
    for number, name in enumerate(CLASSES):
        (of_class,) = np.nonzero(labels == number)
        if len(of_class) < per_class:
            raise SystemExit(f"only {len(of_class)} images of {name}: {per_class} are needed")
        rows.append(of_class[np.arange(per_class) * len(of_class) // per_class])
    return np.sort(np.concatenate(rows))


def png(pixels: NDArray[np.uint8]) -> bytes:
    """One grey image of (height, width) as the bytes of a small PNG file."""
    packed = BytesIO()
    Picture.fromarray(pixels).save(packed, "png", optimize=True)
    return packed.getvalue()


def write(path: Path, images: Tensor, labels: Tensor, per_class: int) -> None:
    """Write the chosen images of one split: uint8 (n, 1, height, width) and int64 (n,)."""
    import datasets

    x, y = images.numpy()[:, 0], labels.numpy()
    rows = chosen(y, per_class)
    features = datasets.Features(image=datasets.Image(), label=datasets.ClassLabel(names=list(CLASSES)))
    columns = {"image": [{"bytes": png(x[i]), "path": None} for i in rows], "label": y[rows].tolist()}
    datasets.disable_progress_bars()
    datasets.Dataset.from_dict(columns, features=features).to_parquet(path)
    print(f"{path}: {len(rows):,} images, {path.stat().st_size:,} bytes")


def main() -> None:
    """Read the arguments, then write both files."""
    parser = argparse.ArgumentParser(description="Make the embedded sample of Fashion-MNIST from its idx files.")
    parser.add_argument("folder", nargs="?", type=Path, default=DEBIAN, help="folder of the idx files (%(default)s)")
    parser.add_argument("--out", type=Path, default=SAMPLE, help="folder to write to (%(default)s)")
    args = parser.parse_args()
    files = _idx.find(args.folder)
    if files is None:
        raise SystemExit(f"{args.folder} does not hold {', '.join(_idx.STEMS)}, plain or .gz")
    data = _idx.read(files, len(CLASSES), silent)
    write(args.out / "fashion-train.parquet", data.train_x, data.train_y, PER_CLASS["train"])
    write(args.out / "fashion-valid.parquet", data.valid_x, data.valid_y, PER_CLASS["valid"])


if __name__ == "__main__":
    main()
