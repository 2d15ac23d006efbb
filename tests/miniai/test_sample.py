"""The embedded sample: real images, evenly by class, small, licensed, made by the script that is in the project."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest
import torch

from miniai import catalog
from miniai.catalog import ImageData, fashion, load
from miniai.errors import DataError, UsageError

SCRIPT = Path(__file__).parents[2] / "scripts" / "make_fashion_sample.py"


def embedded(sample: Path, cache: Path) -> ImageData:
    return fashion.load(looks=fashion.places(sample=sample)[-1:], cache_dir=cache)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> ImageData:
    return embedded(fashion.SAMPLE, tmp_path_factory.mktemp("cache"))


def test_it_has_600_and_100_images_of_each_class(sample: ImageData) -> None:
    assert sample.sample
    assert sample.source == "the embedded sample"
    assert sample.shape == (1, 28, 28)
    assert sample.train_y.bincount().tolist() == [600] * 10
    assert sample.valid_y.bincount().tolist() == [100] * 10
    assert sample.classes[0] == "T-shirt/top"
    assert sample.classes[9] == "Ankle boot"


def test_it_is_had_by_name_beside_the_full_data(sample: ImageData, tmp_path: Path) -> None:
    """Each is kept in a file of its own: neither is decoded again because the other was asked for."""
    mine = load("fashion", sample=True, cache_dir=tmp_path)
    assert mine.sample
    assert torch.equal(mine.train_x, sample.train_x)
    assert torch.equal(mine.valid_y, sample.valid_y)
    assert [path.name for path in tmp_path.iterdir()] == ["fashion-sample.safetensors"]
    with pytest.raises(DataError, match="only one of them"):
        load("fashion", sample=True, data_dir=tmp_path)


def test_a_dataset_without_one_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "digits.py").write_text("def load(*, data_dir, progress, cache_dir): raise RuntimeError")
    monkeypatch.setattr(catalog, "__path__", [*catalog.__path__, str(tmp_path)])
    with pytest.raises(UsageError, match="'digits' has no sample"):
        load("digits", sample=True)
    del sys.modules["miniai.catalog.digits"]


def test_it_is_small_and_its_licence_lies_beside_it() -> None:
    files = {path.name: path for path in fashion.SAMPLE.iterdir() if not path.name.startswith("__")}
    assert set(files) == {"fashion-train.parquet", "fashion-valid.parquet", "LICENSE.fashion-mnist"}
    assert sum(path.stat().st_size for path in files.values()) < 3_800_000
    notice = files["LICENSE.fashion-mnist"].read_text()
    assert "Copyright (c) 2017 Zalando SE" in notice
    assert "The above copyright notice and this permission notice shall be included" in " ".join(notice.split())


def test_its_images_are_those_of_the_full_data_with_the_same_labels(sample: ImageData, tmp_path: Path) -> None:
    full = fashion.load(looks=fashion.places()[1:2], cache_dir=tmp_path)
    for split in ("train", "valid"):
        x, y = getattr(sample, f"{split}_x"), getattr(sample, f"{split}_y")
        all_x, all_y = getattr(full, f"{split}_x"), getattr(full, f"{split}_y")
        label = {image.numpy().tobytes(): number for image, number in zip(all_x, all_y.tolist(), strict=True)}
        assert [label[image.numpy().tobytes()] for image in x] == y.tolist()
        assert len({image.numpy().tobytes() for image in x}) == len(x)


def test_the_script_makes_it_again(
    sample: ImageData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), "--out", str(tmp_path)])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    assert "6,000 images" in capsys.readouterr().out
    again = embedded(tmp_path, tmp_path / "cache")
    for name in ("train_x", "train_y", "valid_x", "valid_y"):
        assert torch.equal(getattr(again, name), getattr(sample, name))
