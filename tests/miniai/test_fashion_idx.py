"""Fashion-MNIST from idx files: read as written, and every kind of damage named."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from miniai import catalog
from miniai.catalog import fashion
from miniai.errors import DataError

TRAIN_X, TRAIN_Y, VALID_X, VALID_Y = (
    f"{split}-{kind}-ubyte" for split in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")
)


def idx(values: NDArray[np.uint8]) -> bytes:
    return struct.pack(f">I{values.ndim}I", 0x0800 + values.ndim, *values.shape) + values.tobytes()


def write(folder: Path, *, train: int = 7, valid: int = 3, height: int = 4, width: int = 5, seed: int = 0) -> None:
    """Four small idx files of random pixels; every second one packed."""
    random = np.random.default_rng(seed)
    for split, n in (("train", train), ("t10k", valid)):
        x = random.integers(0, 256, (n, height, width), dtype=np.uint8)
        y = random.integers(0, 10, n, dtype=np.uint8)
        (folder / f"{split}-images-idx3-ubyte").write_bytes(idx(x))
        (folder / f"{split}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(y)))


def load(folder: Path) -> catalog.ImageData:
    return catalog.load("fashion", data_dir=folder, cache_dir=folder / "cache")


@settings(max_examples=20, deadline=None)
@given(*[st.tuples(st.integers(1, 9), st.integers(1, 9))] * 2, st.integers(0, 99))
def test_what_was_written_is_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, counts: tuple[int, int], size: tuple[int, int], seed: int
) -> None:
    (train, valid), (height, width) = counts, size
    folder = tmp_path_factory.mktemp("idx")
    write(folder, train=train, valid=valid, height=height, width=width, seed=seed)
    for data in (load(folder), load(folder)):  # decoded, then from the cache
        assert data.shape == (1, height, width)
        assert data.source == f"the folder {folder}"
        assert not data.sample
        random = np.random.default_rng(seed)
        for x, y, n in ((data.train_x, data.train_y, train), (data.valid_x, data.valid_y, valid)):
            assert x.dtype == torch.uint8
            assert y.dtype == torch.int64
            assert np.array_equal(x.numpy()[:, 0], random.integers(0, 256, (n, height, width), dtype=np.uint8))
            assert np.array_equal(y.numpy(), random.integers(0, 10, n, dtype=np.uint8))


def test_the_real_files_of_debians_package(tmp_path: Path) -> None:
    """All 70,000 images, by the classes that everybody knows; reading them tells how far it is."""
    told: list[tuple[str, int, int]] = []
    looks = fashion.places()[1:2]
    data = fashion.load(looks=looks, cache_dir=tmp_path, progress=lambda *step: told.append(step))
    assert data.source == "Debian's dataset-fashion-mnist"
    assert data.shape == (1, 28, 28)
    assert data.train_y.bincount().tolist() == [6_000] * 10
    assert data.valid_y.bincount().tolist() == [1_000] * 10
    assert [data.classes[i] for i in data.train_y[:4]] == ["Ankle boot", "T-shirt/top", "T-shirt/top", "Dress"]
    # Zalando's own figures of the training pixels: mean 72.94, standard deviation 90.02.
    pixels = data.train_x.double()
    assert pixels.mean().item() == pytest.approx(72.94, abs=0.01)
    assert pixels.std().item() == pytest.approx(90.02, abs=0.01)
    assert told[0] == ("looking for data", 0, 0)
    done = [count for stage, count, total in told if stage == "reading data" and total == 70_000]
    assert done == sorted(done)
    assert len(done) > 5
    assert done[-1] == 70_000


def change(folder: Path, name: str, edit: Callable[[bytes], bytes]) -> None:
    path = folder / name
    path.write_bytes(edit(path.read_bytes()))


def relabel(value: int) -> Callable[[bytes], bytes]:
    return lambda packed: gzip.compress(gzip.decompress(packed)[:-1] + bytes([value]))


DAMAGE: list[tuple[str, Callable[[bytes], bytes], str]] = [
    (TRAIN_X, lambda b: b"\x00\x00\x08\x01" + b[4:], r"not an idx file of 3 dimensions \(magic 0x00000801"),
    (TRAIN_X, lambda b: b[:-1], "ends too early"),
    (TRAIN_X, lambda b: b[:9], "ends too early"),
    (TRAIN_X, lambda _: b"", "ends too early"),
    (TRAIN_X, lambda b: b + b"\x00", "goes on after the 7x4x5 bytes"),
    (TRAIN_X, lambda _: idx(np.zeros((0, 4, 5), np.uint8)), "nothing in it"),
    (TRAIN_X, lambda b: b[:4] + b"\xff\xff\xff\xff" + b[8:], "ends too early"),
    (TRAIN_X, lambda _: idx(np.zeros((6, 4, 5), np.uint8)), "7 labels for 6 images"),
    (VALID_X, lambda _: idx(np.zeros((3, 5, 5), np.uint8)), "5x5 pixels, those of training 4x5"),
    (f"{TRAIN_Y}.gz", lambda b: b[:-9], "ends too early"),
    (f"{TRAIN_Y}.gz", lambda b: b"plain" + b, "damaged, or not a gzip file"),
    (f"{TRAIN_Y}.gz", lambda b: b[:-8] + b"\xff\xff" + b[-6:], "damaged, or not a gzip file .CRC"),
    (f"{TRAIN_Y}.gz", relabel(10), "label 10 of item 6 is out of range, 0 to 9"),
    (f"{VALID_Y}.gz", relabel(255), "label 255 of item 2 is out of range, 0 to 9"),
]


@pytest.mark.parametrize(("name", "edit", "words"), DAMAGE)
def test_a_broken_file_is_named_with_what_is_wrong(
    tmp_path: Path, name: str, edit: Callable[[bytes], bytes], words: str
) -> None:
    write(tmp_path)
    change(tmp_path, name, edit)
    with pytest.raises(DataError, match=words) as caught:
        load(tmp_path)
    about = VALID_X if words.startswith("5x5") else name.split("-", maxsplit=1)[0]
    assert about in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_without_the_files_says_what_was_expected(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / VALID_X).unlink()
    with pytest.raises(DataError, match=f"{tmp_path} does not hold .*{TRAIN_X}, {TRAIN_Y}, {VALID_X}, {VALID_Y}"):
        load(tmp_path)
    with pytest.raises(DataError, match="none is not a folder"):
        load(tmp_path / "none")
    with pytest.raises(DataError, match="is not a folder"):
        load(tmp_path / TRAIN_X)


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)

    def deny(self: Path, *args: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", deny)
    with pytest.raises(DataError, match=rf"{TRAIN_X}: cannot be read \(Permission denied\)"):
        load(tmp_path)


def test_the_home_sign_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path.parent))
    assert load(tmp_path).source == catalog.load(
        "fashion", data_dir=Path("~") / tmp_path.name, cache_dir=tmp_path / "cache"
    ).source  # fmt: skip
