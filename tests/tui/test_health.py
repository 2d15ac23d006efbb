"""Words on the layers' health, each with the rule that gave it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniai.run.events import LayersMeasured
from tui.layer_history import LayerHistory
from tui.state.health import Reading, health, reading

START = Reading(mean=0.1, std=1.0, near_zero=0.3, grad=0.1)
FINE = Reading(
    mean=0.1, std=1.0, near_zero=0.3, grad=0.1, ratio=0.001, kind="Conv2d", shares=(0.2, 0.2, 0.2), start=START
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "word", "bad", "rule"),
    [({}, "healthy", False, "no rule"),
     ({"near_zero": 0.97, "grad": None}, "97 % dead", True, "within 0.25 of zero, 95 % or more; deviation 1"),
     ({"near_zero": 1.0, "mean": 0.0, "std": 0.0, "grad": None}, "100 % dead", True, "deviation 0, no gradient"),
     ({"near_zero": 1.0, "mean": 0.0, "std": 0.0, "grad": 0.0}, "100 % dead", True, "deviation 0, no gradient"),
     ({"near_zero": 1.0, "std": 0.05}, "100 % near 0", False, "small, not dead"),
     ({"near_zero": 0.97, "grad": 0.0}, "97 % dead", True, "within 0.25 of zero, 95 % or more; deviation 1"),
     ({"near_zero": 0.97}, "97 % near 0", False, "within 0.25 of zero: few are large"),
     ({"near_zero": 0.92, "grad": None}, "dying", True, "92 % within 0.25 of zero, 30 % at first"),
     ({"near_zero": 0.92, "grad": None, "start": replace(START, near_zero=0.75)}, "92 % near 0", False, "from 95 % on"),
     ({"nonfinite": 1234}, "NaN or inf", True, "1,234 of its outputs"),
     ({"mean": math.nan}, "NaN or inf", True, "too large for a finite mean"),
     ({"mean": math.inf, "std": math.inf, "near_zero": math.inf}, "not used", False, "did not go through it"),
     ({"grad": math.nan}, "NaN or inf", True, "its gradient"),
     ({"std": 1e-3}, "vanishing", True, "deviation of its outputs 0.001, below 0.01"),
     ({"mean": -900.0}, "exploding", True, "mean of its outputs 900, above 100 (1 at first)"),
     ({"std": 130.0}, "exploding", True, "deviation of its outputs 130, above 100 (1 at"),
     ({"std": 2e4, "start": replace(START, std=1e4)}, "exploding", True, "of its outputs 20k, above 10,000"),
     ({"std": 2e4, "start": None}, "exploding", True, "of its outputs 20k, above 10,000"),
     ({"grad": 5000.0}, "exploding", True, "norm of its gradient 5000, above 1,000 (0.1 at first)"),
     ({"std": 1e13, "near_zero": 1.0, "shares": (0.0, 0.0, 0.0)}, "exploding", True, ""),
     ({"grad": 1e-6, "shares": (1e-5, 0.0, 1e-6)}, "weak gradient", True, "norm 1e-06, 3 times running below 1/10,000"),
     ({"grad": 1e-6, "shares": (1e-5, 1e-3, 1e-6)}, "healthy", False, ""),
     ({"grad": 1e-6, "shares": (1e-5, math.nan, 1e-6)}, "healthy", False, ""),
     ({"grad": 0.0, "shares": (0.0, 0.0)}, "healthy", False, ""),
     ({"ratio": 0.5}, "large steps", False, "weights changed by 50 % in a step, above 30 %"),
     ({"ratio": 9.1}, "large steps", True, "by 910 % in a step, above 30 %"),
     ({"grad": None, "ratio": None}, "healthy", False, "")],
)  # fmt: skip
def test_each_rule(change: dict[str, Any], word: str, bad: bool, rule: str) -> None:
    found = health(replace(FINE, **change))
    assert (found.word, found.bad) == (word, bad)
    assert rule in found.rule


ZERO = Reading(mean=0.0, std=0.0, near_zero=1.0, grad=0.04)


@pytest.mark.parametrize(
    "change",
    [{"kind": "ReLU", "near_zero": 0.83, "mean": 0.34, "std": 1.01, "grad": None, "ratio": None},
     {"kind": "ReLU", "near_zero": 0.64, "mean": 0.27, "std": 0.41, "grad": None, "ratio": None},
     {"kind": "BatchNorm2d", "near_zero": 1.0, "mean": 0.0, "std": 0.0, "start": ZERO, "shares": (0.3,)},
     {"kind": "BatchNorm2d", "near_zero": 1.0, "mean": 0.0, "std": 0.004, "start": ZERO, "ratio": 1.5},
     {"kind": "Conv2d", "grad": 0.0, "ratio": 0.0, "shares": (0.0,)},
     {"kind": "Linear", "std": 6.9, "mean": -3.3, "start": replace(START, mean=0.0, std=0.1)},
     {"kind": "Linear", "std": 0.129, "mean": -0.012, "near_zero": 0.95},
     {"kind": "Conv2d", "std": 150.0, "mean": 120.0, "start": replace(START, std=140.0)},
     {"kind": "Linear", "near_zero": 0.97, "std": 0.6},
     {"kind": "Softmax", "std": 0.001, "mean": 0.001, "near_zero": 1.0, "grad": None, "ratio": None},
     {"kind": "BatchNorm2d", "mean": 0.0}],
)  # fmt: skip
def test_what_real_models_do_is_not_called_bad(change: dict[str, Any]) -> None:
    """A trained rectifier, a residual block at its first steps, logits, a classifier as it begins, plain
    pixels, a transformer's layer with a few large features.
    """
    found = health(replace(FINE, **change))
    assert not found.bad, found


def test_a_rectifier_that_few_inputs_pass_is_dead_however_small_it_is() -> None:
    quiet = replace(FINE, kind="ReLU", near_zero=0.98, mean=0.0117, std=0.0843, grad=None, ratio=None)
    assert health(quiet).word == "98 % dead"
    assert health(replace(quiet, mean=0.05)).word == "98 % near 0"
    assert health(replace(quiet, kind="Conv2d")).word == "98 % near 0"


any_number = st.floats() | st.sampled_from([0.0, 1.0, 0.9])
maybe = st.none() | any_number
starts = st.none() | st.builds(Reading, any_number, any_number, st.floats(0, 1), grad=maybe)


@given(any_number, any_number, st.floats(0, 1), st.integers(0, 10**12), maybe, maybe,
       st.sampled_from(["", "ReLU", "Softmax"]), st.lists(any_number, max_size=3), starts)  # fmt: skip
def test_any_numbers_get_a_short_word_and_a_rule(
    mean: float, std: float, near: float, bad: int, grad: float | None, ratio: float | None, kind: str,
    shares: list[float], start: Reading | None,
) -> None:  # fmt: skip
    found = health(Reading(mean, std, near, bad, grad, ratio, kind, tuple(shares), start))
    assert 0 < len(found.word) <= 13
    assert 0 < len(found.rule) <= 60


def test_a_reading_is_the_last_measurement_with_the_first_and_the_newest_gradients() -> None:
    held = LayerHistory(2)
    for step, share in ((1, 0.2), (2, 0.6), (3, 0.5), (4, 0.9)):
        held.add(
            LayersMeasured(
                at=0, step=step, means=[0.1, 0.2], stds=[1.0, 2.0], near_zero=[0.5, share], nonfinite=[3, 0],
                grads=[0.5, None], ratios=[0.1, None],
            )
        )  # fmt: skip
    first = Reading(0.1, 1.0, 0.5, grad=0.5)
    assert reading(held, 0, "Linear") == Reading(0.1, 1.0, 0.5, 3, 0.5, 0.1, "Linear", (1.0, 1.0, 1.0), first)
    other = reading(held, 1)
    assert (other.nonfinite, other.grad, other.ratio) == (0, None, None)
    assert other.start == Reading(0.2, 2.0, 0.2)
    assert health(other).word == "dying"


@pytest.mark.parametrize("ratio", [1e300, 1e307, 1.7e308])
def test_a_step_of_any_size_is_called_large(ratio: float) -> None:
    found = health(Reading(0.5, 1.0, 0.1, grad=1.0, ratio=ratio))
    assert found.word == "large steps"
    assert len(found.rule) <= 60
