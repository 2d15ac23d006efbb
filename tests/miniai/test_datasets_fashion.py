"""Real Fashion-MNIST in Hugging Face's form: its pixels, its batches, a short fit on them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from miniai import catalog
from miniai.catalog import ImageData, fashion
from miniai.datasets import DataLoaders, as_dd, inplace
from miniai.errors import DataError
from miniai.learner import Learner, MetricsCB, TrainCB
from miniai.loader import MemoryLoader
from miniai.metrics import Accuracy
from miniai.seed import set_seed


def tensors(batch: dict[str, Any]) -> None:
    """PIL images to float32 (1, height, width) in [0, 1]."""
    batch["image"] = [torch.from_numpy(np.array(image))[None] / 255 for image in batch["image"]]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> ImageData:
    """The first 2,000 + 500 images of Debian's package, or where that is not installed of the embedded sample."""
    looks = fashion.places()
    looks = [looks[1], looks[-1]]
    full = fashion.load(looks=looks, cache_dir=tmp_path_factory.mktemp("cache"))
    order = torch.randperm(len(full.train_x), generator=torch.Generator().manual_seed(0))[:2000]
    return ImageData(
        full.name, full.source, full.sample,
        full.train_x[order], full.train_y[order], full.valid_x[:500], full.valid_y[:500], full.classes,
    )  # fmt: skip


def test_fashion_as_hugging_face_has_it(data: ImageData) -> None:
    dd = as_dd(data)
    assert {name: ds.num_rows for name, ds in dd.items()} == {"train": 2000, "test": 500}
    assert dd["train"].features["label"].names == data.classes
    for i in (0, 777, 1999):
        item = dd["train"][i]
        assert item["image"].mode == "L"
        assert np.array_equal(np.asarray(item["image"]), data.train_x[i, 0].numpy())
        assert dd["train"].features["label"].int2str(item["label"]) == data.classes[int(data.train_y[i])]


def test_colour_images_too() -> None:
    x = torch.randint(0, 256, (3, 3, 4, 5), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    y = torch.tensor([0, 1, 1])
    dd = as_dd(ImageData("dots", "here", False, x, y, x[:1], y[:1], ["a", "b"]))
    got = [np.asarray(item["image"]) for item in dd["train"]]
    assert np.array_equal(np.stack(got), x.permute(0, 2, 3, 1).numpy())


def test_the_pipeline_gives_the_batches_of_the_memory_loader(data: ImageData) -> None:
    dls = DataLoaders.from_dd(as_dd(data).with_transform(inplace(tensors)), 256)
    mine = DataLoaders(
        MemoryLoader(data.train_x, data.train_y, 256, shuffle=True), MemoryLoader(data.valid_x, data.valid_y, 512)
    )
    for half in ("train", "valid"):
        torch.manual_seed(3)
        theirs: list[tuple[Tensor, Tensor]] = list(getattr(dls, half))
        torch.manual_seed(3)
        batches = list(getattr(mine, half))
        assert len(theirs) == len(batches)
        for (xa, ya), (xb, yb) in zip(theirs, batches, strict=True):
            assert torch.allclose(xa, xb)
            assert torch.equal(ya, yb)


def test_a_short_fit_on_real_images_learns(data: ImageData) -> None:
    set_seed(1)
    dls = DataLoaders.from_dd(as_dd(data).with_transform(inplace(tensors)), 64)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 50), nn.ReLU(), nn.Linear(50, 10))
    metrics = MetricsCB(accuracy=Accuracy())
    Learner(model, dls, F.cross_entropy, lr=0.1, cbs=[TrainCB(), metrics]).fit(3)
    assert metrics.values()["accuracy"] > 0.65


def test_undecoded_images_are_an_error_that_says_what_to_do(data: ImageData) -> None:
    with pytest.raises(DataError, match=r"feature 'image' .*with_transform\(inplace\(f\)\)"):
        next(iter(DataLoaders.from_dd(as_dd(data), 8).train))


def test_the_catalogs_dataset_needs_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `as_dd` is given in a notebook: `catalog.load("fashion")`, here with every place but the sample closed."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.setattr(fashion, "DEBIAN", tmp_path)
    data = catalog.load("fashion", cache_dir=tmp_path)
    few: dict[str, Any] = {name: value[:5] for name, value in vars(data).items() if isinstance(value, Tensor)}
    dd = as_dd(replace(data, **few))
    assert (dd["train"].num_rows, dd["train"].info.dataset_name) == (5, "fashion")
