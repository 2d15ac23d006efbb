"""Dataset, samplers, collate and the two loaders in this process: torch's batches and torch's random state."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils import data as theirs
from torch.utils.data import default_collate

from miniai.errors import DataError, UsageError
from miniai.loader import MemoryLoader
from miniai.scratch import BatchSampler, DataLoader, Dataset, Sampler, SliceLoader, collate, image_loader


def images(n: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(n)
    return torch.randint(0, 256, (n, 1, 2, 3), dtype=torch.uint8, generator=generator), torch.arange(n)


def epochs(loader: Any, takes: list[int | None], draw: int) -> Iterator[Tensor]:
    """What a run sees: of each epoch so many batches (None: all), with random numbers drawn in between."""
    for take in takes:
        batches = iter(loader)
        yield torch.get_rng_state()
        yield torch.rand(draw)
        for xb, yb in islice(batches, take):
            yield xb
            yield yb
        yield torch.get_rng_state()


def assert_same(ours: Any, other: Any, seed: int, takes: list[int | None], draw: int = 1) -> None:
    torch.manual_seed(seed)
    expected = list(epochs(other, takes, draw))
    torch.manual_seed(seed)
    got = list(epochs(ours, takes, draw))
    assert len(ours) == len(other)
    assert len(got) == len(expected)
    for a, b in zip(got, expected, strict=True):
        assert a.dtype == b.dtype
        assert torch.equal(a, b)


TAKES = st.lists(st.one_of(st.none(), st.integers(0, 5)), min_size=1, max_size=4)


@settings(max_examples=100, deadline=None)
@given(
    n=st.integers(1, 40),
    bs=st.integers(1, 45),
    shuffle=st.booleans(),
    drop_last=st.booleans(),
    seed=st.integers(0, 2**32),
    takes=TAKES,
    draw=st.integers(0, 3),
)
def test_by_samplers(
    *, n: int, bs: int, shuffle: bool, drop_last: bool, seed: int, takes: list[int | None], draw: int
) -> None:
    x, y = images(n)
    other = theirs.DataLoader(theirs.TensorDataset(x, y), bs, shuffle=shuffle, drop_last=drop_last)
    ds = Dataset(x, y)
    assert_same(DataLoader(ds, BatchSampler(Sampler(ds, shuffle), bs, drop_last)), other, seed, takes, draw)
    memory = MemoryLoader(x, y, bs, shuffle, drop_last=drop_last)
    assert_same(image_loader(x, y, bs, shuffle, drop_last=drop_last), memory, seed, takes, draw)


@settings(max_examples=50, deadline=None)
@given(n=st.integers(1, 40), bs=st.integers(1, 45), seed=st.integers(0, 2**32), takes=TAKES)
def test_by_slices(n: int, bs: int, seed: int, takes: list[int | None]) -> None:
    x, y = images(n)
    other = theirs.DataLoader(theirs.TensorDataset(x, y), bs)
    assert_same(SliceLoader(Dataset(x, y), bs), other, seed, takes)


@pytest.mark.parametrize("kind", ["slices", "samplers", "images"])
def test_changing_a_batch_does_not_change_the_data(kind: str) -> None:
    x, y = torch.zeros(4, 1, 1, 1), torch.zeros(4)
    ds = Dataset(x, y)
    loaders: dict[str, Any] = {
        "slices": SliceLoader(ds, 3),
        "samplers": DataLoader(ds, BatchSampler(Sampler(ds), 3)),
        "images": image_loader(x, y, 3),
    }
    for xb, yb in loaders[kind]:
        xb.add_(1)
        yb.add_(1)
    assert not x.any()
    assert not y.any()


def test_a_slice_of_another_kind_is_left_as_it_is() -> None:
    assert [tuple(batch) for batch in SliceLoader(["a", "b", "c"], 2)] == [("a", "b"), ("c",)]
    assert [b.tolist() for b in SliceLoader(torch.arange(3), 2)] == [[0, 1], [2]]
    assert [b.tolist() for b in SliceLoader(np.arange(3), 2)] == [[0, 1], [2]]


def test_torchs_samplers_and_datasets_fit_and_ours_fit_torchs_loader() -> None:
    x, y = images(10)
    ds, made = Dataset(x, y), theirs.TensorDataset(x, y)
    ours = DataLoader(made, theirs.BatchSampler(theirs.RandomSampler(made), 3, False))
    other: Any = theirs.DataLoader(ds, batch_sampler=BatchSampler(Sampler(ds, shuffle=True), 3))  # type: ignore[arg-type]
    assert_same(ours, theirs.DataLoader(made, 3, shuffle=True), 5, [None, 2, None])
    assert_same(other, ours, 5, [None, 2, None])


def test_dataset_takes_numbers_slices_and_lists() -> None:
    ds = Dataset(torch.arange(10).view(5, 2), np.arange(5))
    assert len(ds) == 5
    assert (ds[1][0].tolist(), ds[1][1]) == ([2, 3], 1)
    assert [part.tolist() for part in ds[1:3]] == [[[2, 3], [4, 5]], [1, 2]]
    assert [part.tolist() for part in ds[[4, 0]]] == [[[8, 9], [0, 1]], [4, 0]]
    with pytest.raises(UsageError, match="2 inputs but 3 targets"):
        Dataset([1, 2], [1, 2, 3])


def test_an_empty_dataset_has_no_batches() -> None:
    ds = Dataset([], [])
    for shuffle in (False, True):
        loader = DataLoader(ds, BatchSampler(Sampler(ds, shuffle), 2))
        assert (len(loader), list(loader)) == (0, [])
    assert (len(SliceLoader(ds, 2)), list(SliceLoader(ds, 2))) == (0, [])


@pytest.mark.parametrize("bs", [0, -1])
def test_a_batch_size_below_one_is_refused(bs: int) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        BatchSampler(Sampler([1]), bs)
    with pytest.raises(UsageError, match="at least 1"):
        SliceLoader([1], bs)


class Pair(NamedTuple):
    x: Any
    y: Any


ITEMS: list[list[Any]] = [
    [1, 2, 3],
    [True, False],
    [1.5, 2.5],
    ["a", "b"],
    [np.float32(1.5), np.float32(2)],
    [np.float64(1.5), np.float64(2)],
    [np.int16(3), np.int16(4)],
    [torch.ones(2), torch.zeros(2)],
    [np.ones(2, dtype=np.uint8), np.zeros(2, dtype=np.uint8)],
    [(torch.ones(2), 1, "a"), (torch.zeros(2), 2, "b")],
    [[1, (2.0, 3)], [4, (5.0, 6)]],
    [{"image": torch.ones(2), "label": 1}, {"image": torch.zeros(2), "label": 2}],
    [Pair(1, torch.ones(1)), Pair(2, torch.ones(1))],
]


def assert_alike(a: Any, b: Any) -> None:
    """Equal, with lists where the other has tuples."""
    if isinstance(a, Tensor):
        assert a.dtype == b.dtype
        assert torch.equal(a, b)
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            assert_alike(a[key], b[key])
    elif isinstance(a, str):
        assert a == b
    else:
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            assert_alike(one, other)


@pytest.mark.parametrize("items", ITEMS, ids=str)
def test_collate_makes_what_torch_makes(items: list[Any]) -> None:
    assert_alike(collate(items), default_collate(items))


def test_collate_keeps_named_tuples_and_names_what_does_not_fit() -> None:
    assert isinstance(collate([Pair(1, 2), Pair(3, 4)]), Pair)
    with pytest.raises(DataError, match=r"\(2,\), and \(3,\) at place 1"):
        collate([torch.ones(2), torch.ones(3)])
    with pytest.raises(DataError, match="2 and 3 parts"):
        collate([(1, 2), (1, 2, 3)])
