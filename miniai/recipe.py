"""How a model is trained: what the user said, over what the model and the optimizer take by default. No torch."""

from __future__ import annotations

from typing import NamedTuple

from miniai import models, optimizers
from miniai.config import RunConfig

__all__ = ["Recipe", "recipe"]


class Recipe(NamedTuple):
    """Everything about the training that has a default of the model's."""

    lr: float
    """Learning rate; with the schedule "onecycle" the highest."""
    bs: int
    """Batch size of the training half."""
    opt: str
    """Name of an optimizer in `miniai.optimizers`."""
    sched: str
    """Name of a schedule in `miniai.schedules`."""


def recipe(config: RunConfig) -> Recipe:
    """The recipe of a configuration; raises `UsageError` for a name that is not there.

    A model's learning rate belongs to its optimizer: with another one, that optimizer's own rate is the default.
    """
    defaults = models.defaults(config.model)
    opt = config.opt or defaults.opt
    lr = config.lr
    if lr is None:
        lr = defaults.lr if opt == defaults.opt else optimizers.default_lr(opt)
    return Recipe(lr, config.bs or defaults.bs, opt, config.sched or defaults.sched or "constant")
