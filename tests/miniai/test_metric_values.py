"""The sums of a mean and of an accuracy equal an independent computation."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from miniai.metrics import Accuracy, Mean


@given(st.lists(st.tuples(st.floats(-1e3, 1e3, width=32), st.integers(1, 2000)), min_size=1, max_size=50))
def test_mean_is_weighted(values: list[tuple[float, int]]) -> None:
    mean = Mean()
    for value, weight in values:
        mean.update(torch.tensor(value), weight=weight)
    truth = math.fsum(v * w for v, w in values) / sum(w for _, w in values)
    assert float(mean.compute()) == pytest.approx(truth, rel=1e-6, abs=1e-6)


@settings(max_examples=30)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.integers(2, 5), st.integers(0, 2**31))
def test_accuracy_equals_numpy_and_torcheval(sizes: list[int], classes: int, seed: int) -> None:
    from torcheval.metrics import MulticlassAccuracy

    g = torch.Generator().manual_seed(seed)
    ours, theirs = Accuracy(), MulticlassAccuracy()
    hits = 0
    for n in sizes:
        preds, labels = torch.rand(n, classes, generator=g), torch.randint(0, classes, (n,), generator=g)
        ours.update(preds, labels)
        theirs.update(preds, labels)
        hits += int((preds.numpy().argmax(1) == labels.numpy()).sum())
    assert float(ours.compute()) == pytest.approx(hits / sum(sizes))
    assert float(ours.compute()) == pytest.approx(float(theirs.compute()))


def test_values_that_are_not_finite_show() -> None:
    accuracy, mean = Accuracy(), Mean()
    accuracy.update(torch.tensor([[math.nan, math.nan], [1.0, 0.0]]), torch.tensor([1, 0]))
    assert float(accuracy.compute()) == 0.5
    accuracy.update(torch.tensor([1, 1]), torch.tensor([1, 1]))  # classes instead of outputs
    assert float(accuracy.compute()) == 0.75
    mean.update(1.0)
    mean.update(torch.tensor(math.nan))
    assert math.isnan(float(mean.compute()))
    accuracy.reset()
    mean.reset()
    assert math.isnan(float(accuracy.compute()))
    assert math.isnan(float(mean.compute()))
