"""Which place Fashion-MNIST comes from, what is said about it, and the cache of decoded images."""

from __future__ import annotations

import gzip
import os
import struct
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from miniai.catalog import ImageData, _cache, _hub, _idx, fashion
from miniai.catalog._found import Found, Look
from miniai.errors import DataError


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without Hugging Face caches, offline, with an own cache folder."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    for name in ("HF_DATASETS_CACHE", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))


def idx_folder(folder: Path, shade: int) -> Path:
    """The four files, with two images of one shade of grey each."""
    folder.mkdir(exist_ok=True)
    for split in ("train", "t10k"):
        x = struct.pack(">4I", 0x803, 2, 2, 2) + bytes([shade]) * 8
        (folder / f"{split}-images-idx3-ubyte.gz").write_bytes(gzip.compress(x))
        (folder / f"{split}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 0x801, 2) + b"\x01\x09")
    return folder


def found(folder: Path, source: str) -> Found:
    files = _idx.find(folder)
    assert files is not None
    return Found(source, files, partial(_idx.read, files, 10))


def shade(data: ImageData) -> int:
    return int(data.train_x[0, 0, 0, 0])


def broken(why: str) -> Found | None:
    raise DataError(why)


def test_the_first_place_that_has_the_data_gives_it_and_the_next_are_not_asked(tmp_path: Path) -> None:
    def never() -> Found | None:
        raise AssertionError("asked")

    first = found(idx_folder(tmp_path / "a", 11), "the first")
    nothing: Look = lambda: None  # noqa: E731
    data = fashion.load(looks=[nothing, lambda: first, never])
    assert (shade(data), data.source, data.note, data.sample) == (11, "the first", "", False)
    assert data.valid_y.tolist() == [1, 9]
    assert data.classes == list(fashion.CLASSES)


def test_a_named_folder_goes_before_everything(tmp_path: Path) -> None:
    other = found(idx_folder(tmp_path / "a", 11), "another")
    data = fashion.load(data_dir=idx_folder(tmp_path / "b", 22), looks=[lambda: other])
    assert shade(data) == 22


def test_what_was_wrong_with_better_places_is_noted(tmp_path: Path) -> None:
    last = found(idx_folder(tmp_path / "a", 11), "the last")
    data = fashion.load(looks=[lambda: broken("the disk is on fire"), lambda: broken("the hub sleeps"), lambda: last])
    assert data.source == "the last"
    assert data.note == "the disk is on fire; the hub sleeps"
    with pytest.raises(DataError, match=r"^the disk is on fire$"):
        fashion.load(looks=[lambda: broken("the disk is on fire")])
    with pytest.raises(DataError, match="--data-dir"):
        fashion.load(looks=[])


def test_the_order_is_hugging_faces_cache_then_debian_then_the_hub_then_the_sample(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    debian = idx_folder(tmp_path / "debian", 33)
    cache, installed, hub, sample = fashion.places(debian=debian)
    assert cache() is None
    assert (at_debian := installed()) is not None
    assert (embedded := sample()) is not None
    assert (at_debian.source, at_debian.sample) == ("Debian's dataset-fashion-mnist", False)
    assert (embedded.source, embedded.sample) == ("the embedded sample", True)
    with pytest.raises(DataError, match="hub was not asked: the environment says to stay offline"):
        hub()
    assert shade(fashion.load(looks=fashion.places(debian=debian))) == 33
    monkeypatch.setattr(_hub, "look", lambda *_: found(idx_folder(tmp_path / "hub", 44), "the hub"))
    assert shade(fashion.load(looks=fashion.places(debian=tmp_path / "none"))) == 44


def test_a_broken_installed_copy_is_passed_over_and_named(tmp_path: Path) -> None:
    debian = idx_folder(tmp_path / "debian", 33)
    (debian / "t10k-images-idx3-ubyte.gz").write_bytes(b"junk")
    data = fashion.load(looks=fashion.places(debian=debian), cache_dir=tmp_path / "cache")
    assert data.sample
    assert f"{debian}/t10k-images-idx3-ubyte.gz: damaged" in data.note
    assert "stay offline" in data.note


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return idx_folder(tmp_path / "data", 50)


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one item whenever the files are decoded."""
    calls: list[int] = []
    read = _idx.read

    def counted(*args: object) -> object:
        calls.append(1)
        return read(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(_idx, "read", counted)
    return calls


def test_the_second_load_comes_from_the_users_cache(tmp_path: Path, folder: Path, decodings: list[int]) -> None:
    first, second = fashion.load(data_dir=folder), fashion.load(data_dir=folder)
    assert len(decodings) == 1
    assert [path.name for path in (tmp_path / "xdg" / "miniai-tui").iterdir()] == ["fashion.safetensors"]
    for name in ("train_x", "train_y", "valid_x", "valid_y"):
        a, b = getattr(first, name), getattr(second, name)
        assert a.dtype == b.dtype
        assert torch.equal(a, b)
    second.train_x.zero_()  # what is done to the tensors stays with them
    assert shade(fashion.load(data_dir=folder)) == 50


def test_a_changed_source_is_read_anew(folder: Path, decodings: list[int]) -> None:
    fashion.load(data_dir=folder)
    path = idx_folder(folder, 60) / "train-images-idx3-ubyte.gz"
    os.utime(path, ns=(1, 1))
    assert shade(fashion.load(data_dir=folder)) == 60
    os.utime(path, ns=(2, 2))  # the same size and bytes, but written again
    fashion.load(data_dir=folder)
    assert len(decodings) == 3


@pytest.mark.parametrize("damage", ["empty", "short", "flipped", "text", "other", "folder"])
def test_a_corrupt_cache_is_made_anew(tmp_path: Path, folder: Path, decodings: list[int], damage: str) -> None:
    fashion.load(data_dir=folder)
    path = tmp_path / "xdg" / "miniai-tui" / "fashion.safetensors"
    data = path.read_bytes()
    if damage == "other":
        save_file({"x": torch.zeros(1)}, path, {"key": _cache.identity(_idx.find(folder) or ())})
    elif damage == "folder":
        path.unlink()
        path.mkdir()
    else:
        flipped = data[:-1] + bytes([data[-1] ^ 1])
        path.write_bytes({"empty": b"", "short": data[:-3], "text": b"hello" * 99, "flipped": flipped}[damage])
    assert shade(fashion.load(data_dir=folder)) == 50
    assert len(decodings) == 2
    if damage != "folder":  # which nothing can replace
        assert len(load_file(path)) == 4
    assert list(path.parent.glob("*.part")) == []


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert shade(fashion.load(data_dir=folder, cache_dir=tmp_path / "file" / "cache")) == 50


def test_a_full_disk_leaves_no_half_written_file(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    assert shade(fashion.load(data_dir=folder, cache_dir=tmp_path / "c")) == 50
    assert list((tmp_path / "c").iterdir()) == []


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert _cache.default_folder() == Path("/somewhere/miniai-tui")
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", "/home/me")
    assert _cache.default_folder() == Path("/home/me/.cache/miniai-tui")


def test_a_user_without_a_home_gets_the_data_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def homeless() -> Path:
        raise RuntimeError("no home")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", homeless)
    data = fashion.load(looks=[lambda: found(idx_folder(tmp_path / "a", 70), "there")])
    assert np.all(data.train_x.numpy() == 70)
