"""Words on the layers' health, each with the rule that gave it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniai.run.events import LayersMeasured
from tui.layer_history import LayerHistory
from tui.state.health import Reading, health, reading

FINE = Reading(mean=0.1, std=1.0, near_zero=0.3, grad=0.1, ratio=0.001, largest_grad=0.5, first_near_zero=0.3)


@pytest.mark.parametrize(
    ("change", "word", "bad", "rule"),
    [({}, "healthy", False, "no rule"),
     ({"near_zero": 0.95}, "95 % dead", True, "95 % of its outputs are within 0.25 of zero"),
     ({"near_zero": 1.0, "mean": 0.0, "std": 0.0}, "100 % dead", True, "deviation 0)"),
     ({"near_zero": 1.0, "std": 0.05}, "100 % near 0", False, "evenly spread"),
     ({"near_zero": 0.8}, "dying", True, "80 % of its outputs are within 0.25 of zero, 30 % at the start"),
     ({"near_zero": 0.8, "first_near_zero": 0.75}, "healthy", False, ""),
     ({"nonfinite": 1234}, "NaN or inf", True, "1,234 of its outputs"),
     ({"mean": math.nan}, "NaN or inf", True, "no finite mean"),
     ({"grad": math.nan}, "NaN or inf", True, "its gradient"),
     ({"std": 1e-3}, "vanishing", True, "0.001, is below 0.01"),
     ({"mean": 900.0}, "exploding", True, "9e+02"),
     ({"std": 30.0}, "exploding", True, "30, is above 20"),
     ({"grad": 5000.0}, "exploding", True, "gradient, 5e+03, is above 1,000"),
     ({"grad": 1e-6}, "weak gradient", True, "vanishing gradient: its norm, 1e-06, is below 1/10,000"),
     ({"grad": 0.0}, "weak gradient", True, "0"),
     ({"ratio": 0.5}, "large steps", False, "by 50%, more than 30%"),
     ({"grad": None, "ratio": None}, "healthy", False, "")],
)  # fmt: skip
def test_each_rule(change: dict[str, float | None], word: str, bad: bool, rule: str) -> None:
    found = health(replace(FINE, **change))  # type: ignore[arg-type]
    assert (found.word, found.bad) == (word, bad)
    assert rule in found.rule


any_number = st.floats() | st.sampled_from([0.0, 1.0, 0.9])
maybe = st.none() | any_number


@given(any_number, any_number, st.floats(0, 1), st.integers(0, 10**12), maybe, maybe, st.floats(0, 1e30))
def test_any_numbers_get_a_short_word_and_a_rule(
    mean: float, std: float, near: float, bad: int, grad: float | None, ratio: float | None, largest: float
) -> None:
    found = health(Reading(mean, std, near, bad, grad, ratio, largest))
    assert 0 < len(found.word) <= 13
    assert found.rule


def test_a_reading_is_the_last_measurement() -> None:
    held = LayerHistory(2)
    for step, share in ((1, 0.2), (2, 0.8)):
        held.add(
            LayersMeasured(
                at=0, step=step, means=[0.1, 0.2], stds=[1.0, 2.0], near_zero=[share, 0.5], nonfinite=[0, 3],
                grads=[0.5, None], ratios=[0.1, None],
            )
        )  # fmt: skip
    assert reading(held, 0) == Reading(0.1, 1.0, 0.8, 0, 0.5, 0.1, 0.5, 0.2)
    assert reading(held, 1) == Reading(0.2, 2.0, 0.5, 3, None, None, 0.5, 0.5)
    assert health(reading(held, 0)).word == "dying"
