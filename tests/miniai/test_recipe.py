"""What the user said, over the model's and the optimizer's defaults; and what does not go together."""

from __future__ import annotations

from typing import Any

import pytest

from miniai import models, optimizers, schedules
from miniai.config import RunConfig, check
from miniai.errors import UsageError
from miniai.recipe import recipe


@pytest.mark.parametrize("name", models.names())
def test_nothing_said_is_the_models_own_recipe(name: str) -> None:
    defaults, how = models.defaults(name), recipe(RunConfig(model=name))
    assert how == (defaults.lr, defaults.bs, defaults.opt, defaults.sched or "constant")
    assert how.sched in schedules.names()


def test_what_is_said_wins() -> None:
    how = recipe(RunConfig(model="convbn", lr=0.5, bs=64, opt="sgd", sched="cosine"))
    assert how == (0.5, 64, "sgd", "cosine")


@pytest.mark.parametrize("opt", [name for name in optimizers.names() if name != models.defaults("mlp").opt])
def test_another_optimizer_brings_its_own_rate(opt: str) -> None:
    assert recipe(RunConfig(model="mlp", opt=opt)).lr == optimizers.default_lr(opt) != models.defaults("mlp").lr


def test_the_same_optimizer_said_aloud_keeps_the_models_rate() -> None:
    assert recipe(RunConfig(model="convbn", opt="adamw")).lr == models.defaults("convbn").lr


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"model": "conv"}, "--model conv"),
        ({"opt": "adam"}, "--opt adam"),
        ({"sched": "onecycle"}, "--sched onecycle"),
        ({"amp": True}, "--amp"),
    ],
)
def test_what_does_not_go_with_from_scratch(values: dict[str, Any], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        check(RunConfig(from_scratch=True, **values))
    check(RunConfig(**values))
    check(RunConfig(from_scratch=True, sched="constant", opt="sgd"))


def test_unknown_names() -> None:
    with pytest.raises(UsageError, match="choose one of constant, cosine, onecycle"):
        schedules.callback("linear", 0.1, 10)
    with pytest.raises(UsageError, match="choose one of adam"):
        optimizers.default_lr("lion")
