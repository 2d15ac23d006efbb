"""MemoryLoader gives what torch's DataLoader gives: the same batches, and the same random state afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.data import DataLoader, TensorDataset

from miniai.errors import UsageError
from miniai.loader import MemoryLoader


def images(n: int) -> tuple[Tensor, Tensor]:
    """`n` images of 1x2x3 pixels that are all different, and labels that name their row."""
    generator = torch.Generator().manual_seed(n)
    pixels = torch.randint(0, 256, (n, 1, 2, 3), dtype=torch.uint8, generator=generator)
    return pixels, torch.arange(n)


def epochs(loader: Any, takes: list[int | None], draws: list[int]) -> Iterator[Any]:
    """What a run sees: of each epoch so many batches (None: all), with random numbers drawn in between."""
    for take, draw in zip(takes, draws, strict=True):
        batches = iter(loader)
        yield torch.get_rng_state()
        yield torch.rand(draw)  # a model that draws before the first batch, such as for dropout
        for xb, yb in islice(batches, take):
            yield xb
            yield yb
        yield torch.get_rng_state()


@settings(max_examples=150, deadline=None)
@given(
    n=st.integers(1, 40),
    bs=st.integers(1, 45),
    shuffle=st.booleans(),
    drop_last=st.booleans(),
    seed=st.integers(0, 2**32),
    takes=st.lists(st.one_of(st.none(), st.integers(0, 5)), min_size=1, max_size=4),
    draw=st.integers(0, 3),
)
def test_the_batches_and_the_random_state_are_those_of_torch(
    *, n: int, bs: int, shuffle: bool, drop_last: bool, seed: int, takes: list[int | None], draw: int
) -> None:
    x, y = images(n)
    theirs = DataLoader(TensorDataset(x.float() / 255, y), bs, shuffle=shuffle, drop_last=drop_last)
    ours = MemoryLoader(x, y, bs, shuffle=shuffle, drop_last=drop_last)
    draws = [draw] * len(takes)
    torch.manual_seed(seed)
    expected = list(epochs(theirs, takes, draws))
    torch.manual_seed(seed)
    got = list(epochs(ours, takes, draws))
    assert len(ours) == len(theirs)
    assert len(got) == len(expected)
    assert all(torch.equal(a, b) for a, b in zip(got, expected, strict=True))


def test_two_epochs_running_at_once_do_not_disturb_each_other() -> None:
    x, y = images(20)

    def nested(make: Any) -> list[Tensor]:
        torch.manual_seed(3)
        outer, inner = make(shuffle=True), make(shuffle=True)
        return [torch.stack([a, b]) for _, a in outer for _, b in inner]

    ours = nested(lambda shuffle: MemoryLoader(x, y, 5, shuffle=shuffle))
    theirs = nested(lambda shuffle: DataLoader(TensorDataset(x, y), 5, shuffle=shuffle))
    assert all(torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


def test_pixels_become_float32_between_0_and_1_and_labels_stay_int64() -> None:
    x = torch.tensor([0, 51, 255], dtype=torch.uint8).view(3, 1, 1, 1)
    for shuffle in (False, True):
        ((xb, yb),) = MemoryLoader(x, torch.tensor([0, 1, 2]), 3, shuffle=shuffle)
        assert xb.dtype == torch.float32
        assert yb.dtype == torch.int64
        assert xb.shape == (3, 1, 1, 1)
        assert torch.equal(xb.flatten()[yb.argsort()], torch.tensor([0, 51, 255]) / 255)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize("shuffle", [False, True])
def test_a_batch_changed_in_place_leaves_the_data_alone(dtype: torch.dtype, shuffle: bool) -> None:
    x, y = images(6)
    x = x.to(dtype)
    before = x.clone(), y.clone()
    for xb, yb in MemoryLoader(x, y, 4, shuffle=shuffle):
        xb.zero_()
        yb.zero_()
    assert torch.equal(x, before[0])
    assert torch.equal(y, before[1])


@pytest.mark.parametrize("shuffle", [False, True])
def test_batches_are_on_the_device_that_was_asked_for(shuffle: bool) -> None:
    x, y = images(5)
    batches = list(MemoryLoader(x, y, 2, shuffle=shuffle, device="meta"))
    assert [(xb.device.type, yb.device.type) for xb, yb in batches] == [("meta", "meta")] * 3


class CountReads(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts how often a number is read out of a tensor: on a GPU each makes the host wait."""

    reads = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.reads += "_local_scalar_dense" in str(func)
        return func(*args, **(kwargs or {}))


def test_no_batch_makes_the_host_wait_for_the_device() -> None:
    x, y = images(64)
    with CountReads() as count:  # type: ignore[no-untyped-call]
        assert len(list(MemoryLoader(x, y, 1, shuffle=True))) == 64
    assert count.reads == 2  # the two seeds of an epoch, both drawn on the CPU


def test_what_cannot_be_loaded_is_refused() -> None:
    x, y = images(4)
    with pytest.raises(UsageError, match="4 images but 3 labels"):
        MemoryLoader(x, y[:3], 2)
    with pytest.raises(UsageError, match="at least 1, not 0"):
        MemoryLoader(x, y, 0)
