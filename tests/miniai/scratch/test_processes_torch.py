"""The loader with several processes on tensors: torch's own batches, for any order and size."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from miniai.scratch import BatchSampler, Dataset, ProcessLoader, Sampler

N = 30
X, Y = torch.arange(N * 3).view(N, 3).float(), torch.arange(N)


@pytest.fixture(scope="module")
def kept() -> Iterator[ProcessLoader]:
    """Two processes that stay."""
    ds = Dataset(X, Y)
    with ProcessLoader(ds, BatchSampler(Sampler(ds), 4), persistent=True) as made:
        yield made


def epochs(dl: Any, draw: int) -> Iterator[Tensor]:
    """Three epochs, with random numbers drawn in between."""
    for _ in range(3):
        batches = iter(dl)
        yield torch.get_rng_state()
        yield torch.rand(draw)
        for batch in islice(batches, None):
            yield from batch
        yield torch.get_rng_state()


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, N),
    bs=st.integers(1, N),
    shuffle=st.booleans(),
    drop_last=st.booleans(),
    prefetch=st.integers(1, 3),
    draw=st.integers(0, 2),
    seed=st.integers(0, 2**32),
)
def test_the_batches_and_the_random_state_are_those_of_torch(
    *, kept: ProcessLoader, n: int, bs: int, shuffle: bool, drop_last: bool, prefetch: int, draw: int, seed: int
) -> None:
    theirs = DataLoader(TensorDataset(X[:n], Y[:n]), bs, shuffle=shuffle, drop_last=drop_last)
    kept.batches, kept.prefetch = BatchSampler(Sampler(range(n), shuffle), bs, drop_last), prefetch
    torch.manual_seed(seed)
    expected = list(epochs(theirs, draw))
    torch.manual_seed(seed)
    got = list(epochs(kept, draw))
    assert len(kept) == len(theirs)
    assert len(got) == len(expected)
    assert all(torch.equal(a, b) for a, b in zip(got, expected, strict=True))
