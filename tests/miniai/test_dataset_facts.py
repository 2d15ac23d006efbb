"""Facts of a dataset equal what numpy and `datasets` themselves say."""

from __future__ import annotations

from pathlib import Path

import datasets
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from miniai import catalog
from miniai.catalog import ImageData, fashion
from miniai.datasets import as_dd
from miniai.facts import describe, facts_of, facts_of_dd


def images(n: int, channels: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 256, (n, channels, 3, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def made(channels: int = 1, labels: tuple[int, ...] = (0, 2, 2), name: str = "dots") -> ImageData:
    y = torch.tensor(labels)
    x = images(len(y), channels)
    return ImageData(name, "a drawer", True, x, y, x[:2], y[:2], ["ant", "bee", "cow"], note="no hub")


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 6), channels=st.integers(1, 4), seed=st.integers(0, 99))
def test_pixel_statistics_are_those_of_numpy(n: int, channels: int, seed: int) -> None:
    x, y = images(n, channels, seed), torch.zeros(n, dtype=torch.int64)
    pixels = facts_of(ImageData("d", "", False, x, y, x, y, ["a"])).splits[0].pixels
    shares = x.numpy().astype(np.float64) / 255
    assert pixels is not None
    over = (0, 2, 3)
    np.testing.assert_allclose(pixels.mean, shares.mean(over), rtol=1e-12)
    np.testing.assert_allclose(pixels.deviation, shares.std(over), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(pixels.lowest, shares.min(over))
    np.testing.assert_allclose(pixels.highest, shares.max(over))


def test_a_loaded_dataset_of_the_catalog() -> None:
    facts = facts_of(made())
    assert (facts.name, facts.source, facts.sample, facts.note) == ("dots", "a drawer", True, "no hub")
    assert facts.features == {"image": "4x3 pixels, grey, 8 bits", "label": "one of 3 classes"}
    assert [(split.name, split.items, split.classes, split.unlabelled) for split in facts.splits] == [
        ("train", 3, [1, 0, 2], 0),
        ("valid", 2, [1, 0, 1], 0),
    ]
    assert facts.classes == ["ant", "bee", "cow"]
    assert facts.description == ""
    assert facts_of(made(3)).features["image"] == "4x3 pixels, RGB, 8 bits"


@pytest.mark.parametrize("name", catalog.names())
def test_each_dataset_is_described_in_a_sentence(name: str) -> None:
    text = describe(name)
    assert 20 < len(text) < 300
    assert "\n" not in text
    assert facts_of(made(name=name)).description == text


def test_fashion_by_its_facts(tmp_path: Path) -> None:
    """The numbers that everybody normalises Fashion-MNIST with."""
    looks = fashion.places()[1:2]
    if looks[0]() is None:
        pytest.skip("Debian's dataset-fashion-mnist is not installed")
    facts = facts_of(fashion.load(looks=looks, cache_dir=tmp_path))
    train = facts.splits[0]
    assert train.pixels is not None
    assert (round(train.pixels.mean[0], 4), round(train.pixels.deviation[0], 4)) == (0.2860, 0.3530)
    assert (train.items, train.classes) == (60_000, [6_000] * 10)


def test_a_dataset_dict() -> None:
    facts = facts_of_dd(as_dd(made()))
    assert facts.name == "dots"
    assert facts.features == {"image": "image", "label": "one of 3 classes"}
    assert [(split.name, split.items, split.classes) for split in facts.splits] == [
        ("train", 3, [1, 0, 2]),
        ("test", 2, [1, 0, 1]),
    ]
    assert facts.classes == ["ant", "bee", "cow"]
    assert facts_of_dd(as_dd(made()), "mine").name == "mine"


def test_a_format_or_a_selection_does_not_deceive_the_count() -> None:
    def never(batch: object) -> object:
        raise AssertionError("a transform was run")

    ds = as_dd(made())["train"].select([2, 1]).with_transform(never)
    (split,) = facts_of_dd(ds).splits
    assert (split.name, split.items, split.classes) == ("all", 2, [0, 0, 2])


def test_items_without_a_label_are_counted_apart() -> None:
    features = datasets.Features(kind=datasets.ClassLabel(names=["a", "b"]), text=datasets.Value("string"))
    ds = datasets.Dataset.from_dict({"kind": [0, -1, None, 1, 1], "text": list("vwxyz")}, features)
    facts = facts_of_dd(ds)
    assert facts.features == {"kind": "one of 2 classes", "text": "string"}
    assert [(split.classes, split.unlabelled) for split in facts.splits] == [([1, 2], 2)]


def test_what_has_no_classes_or_no_length_says_so() -> None:
    ds = datasets.Dataset.from_dict({"x": [1.0, 2.0], "y": [[1], [2, 3]]})
    facts = facts_of_dd(ds)
    assert facts.features["x"] == "float64"
    assert facts.classes == []
    assert [(split.items, split.classes) for split in facts.splits] == [(2, None)]
    streamed = facts_of_dd({"train": as_dd(made())["train"].to_iterable_dataset()})
    assert [(split.name, split.items, split.classes) for split in streamed.splits] == [("train", None, None)]
    assert streamed.classes == ["ant", "bee", "cow"]


class Never(datasets.GeneratorBasedBuilder):  # type: ignore[misc]
    """A builder that has not built anything."""

    def _info(self) -> datasets.DatasetInfo:
        features = datasets.Features(image=datasets.Image(), label=datasets.ClassLabel(names=["x", "y"]))
        splits = [{"name": "train", "num_examples": 12, "dataset_name": "never"}]
        return datasets.DatasetInfo(description=" Two kinds. ", features=features, splits=splits)

    def _split_generators(self, manager: object) -> list[object]:
        raise AssertionError("asked to build")

    def _generate_examples(self, **_: object) -> object:
        raise AssertionError("asked to build")


def test_a_builder_tells_without_building(tmp_path_factory: pytest.TempPathFactory) -> None:
    facts = facts_of_dd(Never(cache_dir=str(tmp_path_factory.mktemp("hf"))), "never")
    assert (facts.name, facts.description, facts.classes) == ("never", "Two kinds.", ["x", "y"])
    assert [(split.name, split.items, split.classes) for split in facts.splits] == [("train", 12, None)]
