"""Batches go through a pipe as bytes and come out as they went in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from miniai.scratch.transport import pack, unpack

TYPES = [
    torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.float16, torch.bfloat16, torch.float32,
    torch.float64, torch.bool, torch.complex64, torch.complex128,
]  # fmt: skip


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("shape", [(), (1,), (3, 4), (0, 3), (2, 0)], ids=str)
def test_tensors_of_every_type(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    tensor = (torch.rand(shape) * 3).to(dtype)
    back = unpack(pack(tensor))
    assert back.dtype == dtype
    assert torch.equal(back, tensor)
    assert back.shape == tensor.shape
    back.zero_()
    assert not back.any()  # it can be written to


def test_a_view_takes_no_more_than_what_it_shows() -> None:
    big = torch.arange(100_000)
    assert len(pack(big[5:8])) < 500
    assert unpack(pack(big[10:20:3])).tolist() == [10, 13, 16, 19]
    assert unpack(pack(big.view(2, -1).t()[:2])).tolist() == [[0, 50_000], [1, 50_001]]


ODD: dict[str, Any] = {
    "conjugate": torch.tensor([1 + 2j]).conj(),
    "negative": torch.tensor([1 + 2j]).conj().imag,
    "sparse": torch.eye(3).to_sparse(),
    "needs grad": torch.ones(2, requires_grad=True),
    "parameter": torch.nn.Parameter(torch.ones(2)),
}


@pytest.mark.parametrize("name", ODD)
def test_tensors_of_other_kinds(name: str) -> None:
    tensor = ODD[name]
    back = unpack(pack(tensor))
    assert type(back) is type(tensor)
    assert back.requires_grad == tensor.requires_grad
    assert torch.equal(back.to_dense(), tensor.to_dense())


def test_what_is_in_a_batch_keeps_its_place_and_identity() -> None:
    x = torch.ones(2)
    batch: Any = {"x": x, "again": [x, (np.arange(3), "text", None)]}
    back = unpack(pack(batch))
    assert back["again"][0] is back["x"]
    assert back["again"][1][0].tolist() == [0, 1, 2]
    assert back["again"][1][1:] == ("text", None)
