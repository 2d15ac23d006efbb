"""Statistics of activations equal the course's definitions, computed here with numpy."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from miniai import activations
from miniai.activations import ActivationStats, append_stats, get_hist, get_min
from miniai.learner import FuncCB, Learner

Make = Callable[..., Learner]


def of(*batches: Any) -> Any:
    """A hook's place that has seen these outputs."""
    hook: Any = SimpleNamespace()
    for batch in batches:
        append_stats(hook, nn.Identity(), (), torch.as_tensor(batch))
    return hook


def test_stats_of_a_fit_equal_numpy(make_learner: Make) -> None:
    outputs: list[Any] = []
    stats = ActivationStats(lambda m: isinstance(m, nn.ReLU))
    learn = make_learner([stats])
    learn.model[1].register_forward_hook(lambda m, i, o: outputs.append((learn.training, o.detach().numpy())))  # type: ignore[index]
    learn.fit(2)
    outputs = [o for training, o in outputs if training]
    (hook,) = stats
    means, stds, hists = hook.stats
    assert len(means) == len(stds) == len(hists) == len(outputs) == 6
    for mean, std, hist, out in zip(means, stds, hists, outputs, strict=True):
        assert float(mean) == pytest.approx(out.mean(), rel=1e-5)
        assert float(std) == pytest.approx(out.std(ddof=1), rel=1e-5)
        assert hist.tolist() == np.histogram(np.abs(out), 40, (0, 10))[0].tolist()
    truth = np.log1p(np.stack([np.histogram(np.abs(o), 40, (0, 10))[0] for o in outputs], 1))
    np.testing.assert_allclose(get_hist(hook), truth, rtol=1e-6)
    assert get_hist(hook).shape == (40, 6)
    np.testing.assert_allclose(get_min(hook), [(np.abs(o) < 0.25).mean() for o in outputs], rtol=1e-6)


def test_measuring_changes_no_bit(make_learner: Make) -> None:
    learn, plain = make_learner([ActivationStats()]), make_learner()
    learn.fit(2)
    plain.fit(2)
    for a, b in zip(learn.model.parameters(), plain.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_what_is_beyond_the_histogram_is_counted() -> None:
    inf, nan = float("inf"), float("nan")
    hook = of([0.1, -0.2, 10.0, -10.5, 99.0, nan, inf, -inf])
    assert hook.stats[2][0].sum() == 3
    assert hook.stats[2][0][39] == 1  # 10 itself is in the last bin
    assert hook.above[0] == 2
    assert hook.nonfinite[0] == 3
    assert get_min(hook).tolist() == [pytest.approx(2 / 8)]


def test_half_precision() -> None:
    hook = of(torch.tensor([1.0, 2.0, 3.0], dtype=torch.float16))
    assert float(hook.stats[1][0]) == 1.0
    assert hook.stats[2][0].sum() == 3


@given(st.lists(st.floats(-20, 20, width=32), min_size=2, max_size=200))
def test_the_histogram_by_index_equals_histc(values: list[float]) -> None:
    """The variant for GPUs, run on the CPU: same bins, edges included, up to rounding at the inner edges."""
    size = torch.tensor(values).abs()
    on_edge = (size * 4 - (size * 4).round()).abs() < 1e-5
    size = torch.where(on_edge & (size < 10), size.round(), size)
    by_index = activations._by_index(size)
    assert by_index.tolist() == torch.histc(size, 40, 0, 10).tolist()


def test_the_histogram_by_index_drops_what_is_not_finite() -> None:
    size = torch.tensor([0.0, 0.25, 9.99, 10.0, 10.01, float("nan"), float("inf")])
    counts = activations._by_index(size)
    assert counts.nonzero().flatten().tolist() == [0, 1, 39]
    assert counts.tolist()[39] == 2


def test_stats_callback_is_iterable_with_a_length(make_learner: Make) -> None:
    stats = ActivationStats()
    assert len(stats) == 0
    make_learner([stats, FuncCB()]).fit(1)
    assert len(stats) == len(list(stats)) == 5
