"""Pictures in parquet and Arrow files: labels by name, damage named, nothing printed, no request made."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from miniai.catalog import ImageData, _encoded, _hf_cache, fashion
from miniai.catalog._images import silent
from miniai.errors import DataError

REPO = "zalando-datasets/fashion_mnist"


def png(shade: int, size: tuple[int, int] = (4, 3), mode: str = "L") -> bytes:
    packed = BytesIO()
    Image.new("L", size, shade).convert(mode).save(packed, "png")
    return packed.getvalue()


def table(pictures: list[bytes | None], labels: list[int], names: list[str] | None = None) -> Any:
    label = datasets.ClassLabel(names=names or list(fashion.CLASSES))
    features = datasets.Features(image=datasets.Image(), label=label)
    rows = [None if data is None else {"bytes": data, "path": None} for data in pictures]
    return datasets.Dataset.from_dict({"image": rows, "label": labels}, features=features)


@contextmanager
def no_bars() -> Iterator[None]:
    """For the writing of test files only: what reads them must be quiet by itself."""
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        datasets.enable_progress_bars()


def parquet(path: Path, *columns: Any) -> Path:
    with no_bars():
        table(*columns).to_parquet(path)
    return path


def read(path: Path, **options: Any) -> Any:
    return _encoded.read([path], [path], fashion.CLASSES, silent, **options)


def test_pixels_and_labels_are_those_of_the_file(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    path = parquet(tmp_path / "a.parquet", [png(i % 256) for i in range(1200)], [i % 10 for i in range(1200)])
    data = _encoded.read([path], [path], fashion.CLASSES, lambda *step: told.append(step))
    assert data.train_x.shape == (1200, 1, 3, 4)
    assert data.train_x[:, 0, 1, 1].tolist() == [i % 256 for i in range(1200)]
    assert data.valid_y.tolist() == [i % 10 for i in range(1200)]
    assert [step[1:] for step in told[1:]] == sorted((n, 2400) for n in (0, 500, 1000, 1200, 1200, 1700, 2200, 2400))


def test_labels_are_mapped_by_name_whatever_their_number_case_and_spaces(tmp_path: Path) -> None:
    names = sorted(fashion.CLASSES)  # as a set of folders would be numbered
    names[names.index("T-shirt/top")] = "t - Shirt / top"
    path = parquet(tmp_path / "a.parquet", [png(1)] * 10, list(range(10)), names)
    expected = [fashion.CLASSES.index(name) for name in sorted(fashion.CLASSES)]
    assert read(path).train_y.tolist() == expected


@pytest.mark.parametrize(
    ("pictures", "labels", "names", "words"),
    [
        ([png(1), b"no png"], [0, 1], None, "image 1 is not a readable picture"),
        ([png(1), png(2)[:-25]], [0, 1], None, "image 1 is not a readable picture"),
        ([png(1), None], [0, 1], None, "image 1 is not there"),
        ([png(1), png(1, (5, 5))], [0, 1], None, "image 1 has another size than image 0"),
        ([png(1), png(1)], [0, -1], None, "label -1 of image 1 is out of range, 0 to 9"),
        ([png(1)], [0], ["cat", "dog"], "its classes are not T-shirt/top, Trouser"),
        ([], [], None, "not a readable set of images and labels"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, pictures: Any, labels: Any, names: Any, words: str) -> None:
    path = parquet(tmp_path / "a.parquet", pictures, labels, names)
    with pytest.raises(DataError, match=f"{path}: .*{words}" if "image 1 is" in words else words) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_an_empty_arrow_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "empty.arrow"
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, table([], []).data.schema):
        pass
    with pytest.raises(DataError, match=f"{path}: there are no images in it"):
        read(path)


def test_files_that_hold_no_images_and_labels_are_named(tmp_path: Path) -> None:
    junk = tmp_path / "junk.parquet"
    junk.write_bytes(b"PAR1 not really")
    other = tmp_path / "other.parquet"
    with no_bars():
        datasets.Dataset.from_dict({"text": ["a"]}).to_parquet(other)
    for path in (junk, other, tmp_path / "none.parquet", tmp_path / "none.arrow"):
        with pytest.raises(DataError, match=f"{path}: not a readable set of images and labels") as caught:
            read(path)
        assert "\n" not in str(caught.value)


def test_splits_of_different_sizes_and_wrong_counts_are_refused(tmp_path: Path) -> None:
    small = parquet(tmp_path / "a.parquet", [png(1)], [0])
    large = parquet(tmp_path / "b.parquet", [png(1, (9, 9))], [0])
    with pytest.raises(DataError, match="of another size"):
        _encoded.read([small], [large], fashion.CLASSES, silent)
    with pytest.raises(DataError, match=r"holds 1 \+ 1 images, not 60000 \+ 10000"):
        read(small, sizes=(60_000, 10_000))


def prepared(home: Path, folder: str, shade: int) -> Path:
    """A dataset as `load_dataset` leaves it behind: Arrow files and `dataset_info.json`."""
    where = home / "datasets" / folder / "fashion_mnist" / "0.0.0" / ("a" * 40)
    data = table([png(shade), png(shade)], [3, 4])
    sizes = {split: {"name": split, "num_examples": 2} for split in ("train", "test")}
    for split in sizes:
        with no_bars():
            data.save_to_disk(home / "work")
        (arrow,) = (home / "work").glob("*.arrow")
        where.mkdir(parents=True, exist_ok=True)
        shutil.move(arrow, where / f"fashion_mnist-{split}.arrow")
    (where / "dataset_info.json").write_text(json.dumps({"splits": sizes}))
    return where


def snapshot(home: Path, shade: int, shards: int = 1) -> Path:
    """A dataset as the hub's own cache keeps it: parquet files in a snapshot."""
    where = home / "hub" / "datasets--zalando-datasets--fashion_mnist" / "snapshots" / ("b" * 40) / "fashion_mnist"
    where.mkdir(parents=True)
    for split in ("train", "test"):
        for i in range(shards):
            parquet(where / f"{split}-{i:05d}-of-{shards:05d}.parquet", [png(shade + i)], [i])
    return where


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("HF_DATASETS_CACHE", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a request was made")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    return tmp_path


def load(tmp_path: Path) -> ImageData:
    return fashion.load(looks=fashion.places()[:1], cache_dir=tmp_path / "cache")


@pytest.mark.parametrize("folder", ["zalando-datasets___fashion_mnist", "fashion_mnist"])
def test_the_arrow_files_of_a_former_download_are_found(
    home: Path, folder: str, capfd: pytest.CaptureFixture[str]
) -> None:
    prepared(home, folder, 80)
    data = load(home)
    assert data.source == "the Hugging Face cache"
    assert set(data.train_x.flatten().tolist()) == {80}
    assert data.valid_y.tolist() == [3, 4]
    assert capfd.readouterr() == ("", "")


def test_the_parquet_files_of_a_former_download_are_found(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    snapshot(home, 90, shards=2)
    data = load(home)
    assert data.source == "the Hugging Face cache"
    assert data.train_x[:, 0, 0, 0].tolist() == [90, 91]
    assert capfd.readouterr() == ("", "")
    assert not (home / "datasets").exists()  # reading leaves nothing behind


def test_a_download_that_was_cut_short_is_not_taken(home: Path) -> None:
    where = snapshot(home, 90, shards=3)
    (where / "train-00001-of-00003.parquet").unlink()
    arrow = prepared(home, "fashion_mnist", 80)
    (arrow / "dataset_info.json").unlink()
    assert _hf_cache.look([REPO, "fashion_mnist"], fashion.CLASSES) is None


def test_an_arrow_file_that_lost_its_end_is_passed_over_with_a_note(home: Path) -> None:
    arrow = prepared(home, "fashion_mnist", 80) / "fashion_mnist-train.arrow"
    arrow.write_bytes(arrow.read_bytes()[: arrow.stat().st_size // 2])
    data = fashion.load(looks=[fashion.places()[0], fashion.places()[-1]], cache_dir=home / "cache")
    assert data.sample
    assert str(arrow.parent) in data.note


def test_the_settings_of_datasets_are_as_before(home: Path) -> None:
    snapshot(home, 90)
    before = datasets.logging.get_verbosity()
    load(home / "once")
    assert not datasets.are_progress_bars_disabled()
    with no_bars():
        load(home / "twice")
        assert datasets.are_progress_bars_disabled()
    assert datasets.logging.get_verbosity() == before


def test_the_folders_follow_the_environment() -> None:
    look = _hf_cache.folders
    assert look({"HF_HOME": "/h"}) == (Path("/h/datasets"), Path("/h/hub"))
    assert look({"XDG_CACHE_HOME": "/x"}) == (Path("/x/huggingface/datasets"), Path("/x/huggingface/hub"))
    assert look({"HF_HOME": "/h", "HF_DATASETS_CACHE": "/d", "HF_HUB_CACHE": "/c"}) == (Path("/d"), Path("/c"))
    assert look({}) == tuple(Path.home() / ".cache" / "huggingface" / name for name in ("datasets", "hub"))


def test_colour_pictures_become_grey(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", [png(77, mode="RGB")], [0])
    assert np.unique(read(path).train_x.numpy()).tolist() == [77]
