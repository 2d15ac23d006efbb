"""Image sets in the idx format of the MNIST family: four files, each plain or packed with gzip.

The format: a big-endian magic number (two zero bytes, 8 for unsigned bytes, the number of dimensions), one 32-bit
size a dimension, then the bytes, the last dimension running fastest.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from miniai.catalog._images import Progress, Tensors
from miniai.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["STEMS", "find", "read"]

STEMS = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
"""The four files' names without `.gz`, in the order of `Tensors`."""

CHUNK = 4 << 20
"""Bytes read between two reports of progress."""


def find(folder: Path) -> tuple[Path, ...] | None:
    """The four files of `folder`, plain before packed; None if one is missing or the folder cannot be read."""
    found = []
    for stem in STEMS:
        path = next((p for p in (folder / stem, folder / f"{stem}.gz") if _is_file(p)), None)
        if path is None:
            return None
        found.append(path)
    return tuple(found)


def read(files: tuple[Path, ...], classes: int, progress: Progress) -> Tensors:
    """Read what `find` found. Raises `DataError` that names the file and what is wrong with it."""
    train_images, train_labels, valid_images, valid_labels = files
    (train, *shape), (valid, *valid_shape) = (_dimensions(path, 3) for path in (train_images, valid_images))
    if shape != valid_shape:
        raise DataError(
            f"{valid_images}: its images have {_size(valid_shape)} pixels, those of training {_size(shape)}"
        )
    total = train + valid

    def advance(before: int, images: int) -> None:
        progress("reading data", before + images, total)

    progress("reading data", 0, total)
    return Tensors(
        _images(train_images, (train, *shape), lambda n: advance(0, n)),
        _labels(train_labels, train, classes),
        _images(valid_images, (valid, *valid_shape), lambda n: advance(train, n)),
        _labels(valid_labels, valid, classes),
    )


def _images(path: Path, size: tuple[int, ...], advance: Callable[[int], None]) -> Tensor:
    """uint8 (n, 1, height, width)."""
    n, height, width = size
    pixels = height * width
    return _bytes(path, size, lambda done: advance(done // pixels)).view(n, 1, height, width)


def _labels(path: Path, images: int, classes: int) -> Tensor:
    """int64 (n,), all of them below `classes`."""
    import torch

    (n,) = _dimensions(path, 1)
    if n != images:
        raise DataError(f"{path}: {n} labels for {images} images")
    labels = _bytes(path, (n,), lambda _: None).to(torch.int64)
    wrong = (labels >= classes).nonzero()
    if len(wrong):
        first = int(wrong[0])
        raise DataError(f"{path}: label {int(labels[first])} of item {first} is out of range, 0 to {classes - 1}")
    return labels


def _dimensions(path: Path, count: int) -> tuple[int, ...]:
    """The sizes that the header of `path` names; there must be `count`, none of them zero."""
    with _opened(path) as file:
        header = _exactly(file, 4 + 4 * count)
    magic, *sizes = struct.unpack(f">I{count}I", header)
    expected = 0x0800 + count
    if magic != expected:
        raise DataError(f"{path}: not an idx file of {count} dimensions (magic 0x{magic:08x}, not 0x{expected:08x})")
    if 0 in sizes:
        raise DataError(f"{path}: there is nothing in it ({_size(sizes)})")
    return tuple(sizes)


def _bytes(path: Path, size: tuple[int, ...], advance: Callable[[int], None]) -> Tensor:
    """The data behind the header, flat; the file must hold exactly what its header names."""
    import torch

    expected = math.prod(size)
    data = bytearray()
    with _opened(path) as file:
        _exactly(file, 4 + 4 * len(size))
        while len(data) < expected:
            data += _exactly(file, min(CHUNK, expected - len(data)))
            advance(len(data))
        if file.read(1):
            raise DataError(f"{path}: it goes on after the {_size(size)} bytes that its header names")
    return torch.frombuffer(data, dtype=torch.uint8)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """`path` opened for reading, unpacked if it is `.gz`; what goes wrong in the block becomes a `DataError`."""
    try:
        with cast("IO[bytes]", gzip.open(path) if path.suffix == ".gz" else path.open("rb")) as file:
            yield file
    except EOFError as error:
        raise DataError(f"{path}: it ends too early, fetch it again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: damaged, or not a gzip file ({error})") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error


def _exactly(file: IO[bytes], count: int) -> bytes:
    """The next `count` bytes; raises `EOFError` if there are fewer."""
    data = file.read(count)
    if len(data) < count:
        raise EOFError
    return data


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder that may not be entered
        return False


def _size(size: Sequence[int]) -> str:
    return "x".join(str(n) for n in size)
