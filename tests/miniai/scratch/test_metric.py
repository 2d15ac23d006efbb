"""Lesson 16's metric: weighted by batch, and good enough for MetricsCB."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from miniai import metrics
from miniai.learner import Learner, MetricsCB
from miniai.scratch import Accuracy, Metric


@given(st.lists(st.tuples(st.floats(-10, 10), st.integers(1, 9)), min_size=1, max_size=12))
def test_the_mean_is_weighted(values: list[tuple[float, int]]) -> None:
    metric = Metric()
    for value, n in values:
        metric.add(value, n=n)
    total = sum(n for _, n in values)
    assert float(metric.value) == pytest.approx(sum(v * n for v, n in values) / total, abs=1e-5)


@given(st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=6), min_size=1))
def test_accuracy_is_that_of_all_samples_at_once(batches: list[list[tuple[int, int]]]) -> None:
    accuracy = Accuracy()
    for batch in batches:
        found, right = torch.tensor(batch).T
        accuracy.add(found, right)
    pairs = [pair for batch in batches for pair in batch]
    assert float(accuracy.value) == pytest.approx(sum(a == b for a, b in pairs) / len(pairs), abs=1e-6)


def test_outputs_are_taken_too_and_reset_forgets() -> None:
    accuracy = Accuracy()
    assert accuracy.value.isnan()
    accuracy.add(torch.tensor([[0.1, 0.9], [0.8, 0.2]]), torch.tensor([1, 1]))
    assert accuracy.value == 0.5
    accuracy.reset()
    assert accuracy.value.isnan()


class Error(Metric):
    """Mean absolute error."""

    def calc(self, inp: Tensor, targ: Tensor) -> Tensor:
        return (inp - targ).abs().mean()


def test_calc_makes_another_metric() -> None:
    error = Error()
    error.add(torch.tensor([1.0, 2.0, 3.0]), torch.zeros(3))
    error.add(torch.tensor([10.0]), torch.zeros(1))
    assert error.value == 4
    error.add(torch.tensor([8.0]), torch.zeros(1), n=4)
    assert error.value == 6


def test_metrics_cb_takes_it(make_learner: Callable[..., Learner]) -> None:
    rows: list[dict[str, Any]] = []
    cb = MetricsCB(Accuracy(), other=metrics.Accuracy())
    cb._log = rows.append  # type: ignore[method-assign, assignment]
    make_learner([cb]).fit(2)
    assert len(rows) == 4
    assert all(row["Accuracy"] == row["other"] for row in rows)
