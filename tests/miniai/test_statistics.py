"""Mean, deviation and histogram of one tensor, against numpy in float64, on both roads: the CPU's and the devices'."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from miniai import statistics
from miniai.statistics import ABOVE, BINS, NONFINITE, SLOTS, TOP, Summary, first_tensor, summarize

Road = Callable[[Tensor], Summary]
ROADS: list[Road] = [statistics._on_cpu, statistics._on_device]
INF, NAN = float("inf"), float("nan")
EDGES = [i / 4 for i in range(45)]
NEAR = [float(np.nextafter(np.float32(edge), np.float32(side))) for edge in EDGES for side in (-1, 99)]

road = pytest.mark.parametrize("road", ROADS, ids=["cpu", "device"])
numbers = st.lists(
    st.one_of(
        st.floats(width=32),
        st.floats(-12, 12, width=32),
        st.sampled_from([*EDGES, *(-edge for edge in EDGES), *NEAR, INF, -INF, NAN]),
    ),
    max_size=300,
)


def counts_of(array: Any) -> list[int]:
    """The 42 counts by numpy's own histogram."""
    size = np.abs(array.astype(np.float64))
    finite = size[np.isfinite(size)]
    bins = np.histogram(finite, BINS, (0, TOP))[0].tolist()
    return [*bins, int((finite > TOP).sum()), size.size - finite.size]


@road
@given(numbers)
def test_counts_equal_numpy(road: Road, values: list[float]) -> None:
    tensor = torch.tensor(values, dtype=torch.float32)
    found = road(tensor)
    assert found.counts.tolist() == counts_of(tensor.numpy())
    assert found.counts.dtype == torch.int64


@road
def test_edges(road: Road) -> None:
    """Each edge opens its bin, what is just below it is in the one before, and 10 is in the last."""
    tensor = torch.tensor([*EDGES, *NEAR, *(-edge for edge in EDGES)])
    assert road(tensor).counts.tolist() == counts_of(tensor.numpy())
    for edge in EDGES:
        (place,) = road(torch.tensor([edge])).counts.nonzero().flatten().tolist()
        assert place == (int(edge * 4) if edge < TOP else BINS - 1 if edge == TOP else ABOVE)


@road
@pytest.mark.parametrize("scale", [0.01, 1.0, 9.0])
@pytest.mark.parametrize("size", [1, 2, 3, 65535, 65536, 65537, 200_001])
def test_many_numbers(road: Road, scale: float, size: int) -> None:
    """Sizes around those where the CPU begins to count in pairs, odd ones too; broken ones among them."""
    tensor = torch.randn(size, generator=torch.Generator().manual_seed(size)) * scale
    assert road(tensor).counts.tolist() == counts_of(tensor.numpy())
    tensor[-1], tensor[0] = NAN, -INF
    assert road(tensor).counts.tolist() == counts_of(tensor.numpy())


finite = st.lists(st.floats(-(2.0**20), 2.0**20, width=32), min_size=2, max_size=300)


@road
@given(finite, st.sampled_from([1.0, 2.0**-100, 2.0**80]))
def test_moments_equal_numpy(road: Road, values: list[float], scale: float) -> None:
    """Also where squares are too small or too large for float32, as in a run that diverges."""
    tensor = torch.tensor(values) * scale
    truth = tensor.double().numpy()
    found = road(tensor)
    span, tiny = float(np.abs(truth).max()), float(np.finfo(np.float32).tiny)
    assert float(found.mean) == pytest.approx(truth.mean(), rel=1e-5, abs=1e-6 * span + tiny)
    assert float(found.std) == pytest.approx(truth.std(ddof=1), rel=1e-4, abs=1e-6 * span + tiny)
    assert found.mean.dtype == found.std.dtype == torch.float32
    assert found.mean.shape == found.std.shape == ()


def test_moments_far_from_zero() -> None:
    """The textbook's sum of squares would lose all digits here."""
    tensor = 1e4 + torch.randn(100_000, generator=torch.Generator().manual_seed(1))
    truth = tensor.double()
    assert float(summarize(tensor).std) == pytest.approx(float(truth.std()), rel=1e-5)
    assert float(summarize(tensor).mean) == pytest.approx(float(truth.mean()), rel=1e-6)
    assert float(summarize(torch.full((999,), 0.1)).std) == 0


@pytest.mark.parametrize("n", [3, 50, 1000])
def test_what_rounding_left_in_the_mean_is_taken_out(n: int) -> None:
    """float32's own mean is often off in its last digit, ours seldom."""
    plain = ours = 0
    for seed in range(100):
        tensor = 1e4 * torch.rand(n, generator=torch.Generator().manual_seed(seed)) ** 3
        truth = tensor.double().mean().float()
        plain += int(tensor.mean() != truth)
        ours += int(statistics._on_cpu(tensor).mean != truth)
    assert ours < plain / 2


def test_devices_take_large_tensors_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "_PIECE", 7)
    tensor = torch.linspace(-12, 12, 45)
    assert statistics._on_device(tensor).counts.tolist() == counts_of(tensor.numpy())


@road
def test_few_numbers(road: Road) -> None:
    one, none = road(torch.tensor([3.0])), road(torch.empty(0))
    assert float(one.mean) == 3
    assert one.std.isnan()
    assert none.mean.isnan()
    assert none.std.isnan()
    assert one.counts.sum() == 1
    assert none.counts.tolist() == [0] * SLOTS


@road
def test_what_is_not_finite_spoils_the_moments_only(road: Road) -> None:
    found = road(torch.tensor([0.1, -0.3, NAN, INF, -INF, 10.5, 1e38]))
    assert found.mean.isnan()
    assert found.std.isnan()
    assert found.counts[[0, 1, ABOVE, NONFINITE]].tolist() == [1, 1, 2, 3]
    infinite = road(torch.tensor([INF, 1.0]))
    assert infinite.mean == INF
    assert infinite.std.isnan()


def test_a_sum_that_overflows_is_no_infinite_number() -> None:
    found = summarize(torch.tensor([3e38, 3e38, -3e38]))
    assert found.counts[[ABOVE, NONFINITE]].tolist() == [3, 0]
    assert float(found.mean) == pytest.approx(1e38, rel=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_types(dtype: torch.dtype) -> None:
    tensor = torch.linspace(-12, 12, 97).to(dtype)
    found, truth = summarize(tensor), tensor.double().numpy()
    assert found.counts.tolist() == counts_of(truth)
    assert float(found.mean) == pytest.approx(truth.mean(), abs=1e-6)
    assert float(found.std) == pytest.approx(truth.std(ddof=1), rel=1e-6)
    assert found.mean.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)


def layouts() -> dict[str, Tensor]:
    image = torch.arange(2 * 3 * 4 * 5, dtype=torch.float32).view(2, 3, 4, 5) / 11 - 3
    return {
        "channels_last": image.to(memory_format=torch.channels_last),
        "transposed": image.transpose(1, 3),
        "strided": image[:, ::2, 1:],
        "expanded": image[:1].expand(4, 3, 4, 5),
        "scalar": image[0, 0, 0, 0],
    }


@pytest.mark.parametrize("layout", list(layouts()))
def test_any_layout(layout: str) -> None:
    tensor = layouts()[layout]
    before = tensor.clone()
    truth = tensor.numpy().ravel()
    assert summarize(tensor).counts.tolist() == counts_of(truth)
    assert float(summarize(tensor).mean) == pytest.approx(truth.mean(), rel=1e-5)
    assert torch.equal(tensor, before)


def test_leaves_the_tensor_and_its_graph_alone() -> None:
    tensor = torch.randn(100, requires_grad=True)
    kept = tensor.detach().clone()
    found = summarize(tensor * 1.0)
    assert not any(part.requires_grad for part in found)
    assert torch.equal(tensor.detach(), kept)
    with torch.inference_mode():
        assert summarize(tensor * 1.0).counts.sum() == 100
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(torch.stack(summarize(tensor)[:2]), torch.stack(found[:2]))


def test_waits_for_no_device() -> None:
    """A tensor on the meta device has no values: whatever would look at one, or wait for one, raises."""
    found = summarize(torch.empty(4, 3, 5, device="meta"))
    assert [tuple(part.shape) for part in found] == [(), (), (SLOTS,)]
    assert all(part.is_meta for part in found)
    with pytest.raises(RuntimeError):
        float(found.mean)


def test_the_road_of_devices_may_be_told_to_be_deterministic() -> None:
    torch.use_deterministic_algorithms(True)
    try:
        assert statistics._on_device(torch.ones(9)).counts[4] == 9
    finally:
        torch.use_deterministic_algorithms(False)


Pair = namedtuple("Pair", "ids hidden")


def test_first_tensor_of_an_output() -> None:
    a, b, whole = torch.rand(2), torch.rand(3), torch.arange(3)
    assert first_tensor(a) is a
    assert first_tensor((a, (b, b))) is a
    assert first_tensor([whole, (None, b), a]) is b
    assert first_tensor({"length": 3, "ids": whole, "logits": b}) is b
    assert first_tensor(OrderedDict(last=(a,))) is a
    assert first_tensor(Pair(whole, b)) is b
    nothing: list[Any] = [None, 3.0, "text", (), {}, whole, torch.ones(2, dtype=torch.complex64), a.to_sparse()]
    assert [first_tensor(output) for output in nothing] == [None] * len(nothing)
