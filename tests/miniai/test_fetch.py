"""Many small tensors to the CPU: which, in how many copies, and to which places."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from miniai.callbacks import fetch as module
from miniai.callbacks.fetch import fetch


def test_what_is_here_stays_what_it_is() -> None:
    meta = torch.empty(2, device="meta")
    values: list[Any] = [torch.tensor(1.0), 3, None, "x", meta]
    before = list(values)
    fetch([values, []])
    assert all(a is b for a, b in zip(values, before, strict=True))


def test_one_copy_for_all_of_one_type(monkeypatch: pytest.MonkeyPatch) -> None:
    """The CPU plays the other device."""
    copies: list[tuple[int, ...]] = []
    plain = Tensor.cpu

    def counted(tensor: Tensor) -> Tensor:
        copies.append(tuple(tensor.shape))
        return plain(tensor).clone()

    monkeypatch.setattr(module, "_away", lambda value: isinstance(value, Tensor))
    monkeypatch.setattr(Tensor, "cpu", counted)
    floats = [torch.tensor(1.5), 7, torch.tensor([[1.0, 2.0], [3.0, 4.0]]).t().requires_grad_(), torch.empty(0, 3)]
    counts = [torch.arange(3), torch.tensor(9)]
    more: list[Any] = [torch.tensor(2.5)]
    lists: list[list[Any]] = [floats, counts, more]
    wanted = [[v.detach().clone() if isinstance(v, Tensor) else v for v in values] for values in lists]
    identities = [id(v) for values in lists for v in values if isinstance(v, Tensor)]
    fetch(lists)
    assert copies == [(6,), (4,)]
    for values, truths in zip(lists, wanted, strict=True):
        for value, truth in zip(values, truths, strict=True):
            if isinstance(value, Tensor):
                torch.testing.assert_close(value, truth, rtol=0, atol=0)
                assert not value.requires_grad
            else:
                assert value == truth
    assert identities != [id(v) for values in lists for v in values if isinstance(v, Tensor)]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_from_a_gpu() -> None:
    values = [torch.tensor(1.5, device="cuda"), torch.arange(3, device="cuda")]
    fetch([values])
    assert [v.device.type for v in values] == ["cpu", "cpu"]
    assert [v.tolist() for v in values] == [1.5, [0, 1, 2]]
