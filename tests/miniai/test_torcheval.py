"""Metrics of torcheval in MetricsCB: equal to torcheval on all samples at once, and silent."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import pytest
import torch

from miniai.callbacks.torcheval import hushed
from miniai.learner import FuncCB, Learner, MetricsCB

Make = Callable[..., Learner]
pytestmark = pytest.mark.filterwarnings("ignore:The reduce argument of torch.scatter:UserWarning")  # torcheval's own


@contextmanager
def bare() -> Iterator[logging.Logger]:
    """The root logger without handlers and filters, as in a program that has not configured any."""
    logger = logging.getLogger()
    handlers, logger.handlers = logger.handlers, []
    try:
        yield logger
    finally:
        logger.handlers = handlers


def ear(said: list[str]) -> logging.Handler:
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    return handler


def one_class(learn: Learner, of_targets: bool, classes: int) -> None:
    """All targets, or all predictions, are class 0; the other side has every class."""
    every = torch.arange(len(learn.preds)) % 3
    zeros = torch.zeros_like(every)
    targets, preds = (zeros, every) if of_targets else (every, zeros)
    learn.batch = learn.batch[0], targets
    learn.preds = learn.preds.sum() * 0 + torch.eye(classes)[preds]


@pytest.mark.parametrize(
    ("name", "average", "classes"),
    [("MulticlassF1Score", "macro", 3), ("MulticlassRecall", "macro", 3), ("MulticlassPrecision", None, 4)],
)
def test_says_nothing_through_the_root_logger(make_learner: Make, name: str, average: Any, classes: int) -> None:
    """Classes that have not been seen yet are usual in the first batches."""
    from torcheval import metrics as torcheval

    metric, said = getattr(torcheval, name)(num_classes=classes, average=average), list[str]()
    cb = MetricsCB(mine=metric)
    cb.quiet = True
    change = partial(one_class, of_targets=name != "MulticlassPrecision", classes=classes)
    spy = FuncCB(after_predict=change, after_batch=lambda learn: cb.running(), order=1)
    learn = make_learner([cb, spy])
    with bare() as root:
        learn.fit(1)
        assert root.handlers == []
        assert root.filters == []
        root.addHandler(ear(said))
        cb.values()
        assert said == []
        metric.compute()
    assert len(said) == 1, "torcheval by itself does say something here"


def test_others_are_heard_meanwhile() -> None:
    said: list[str] = []
    with bare() as root:
        mine = ear(said)
        root.addHandler(mine)
        with suppress(ZeroDivisionError), hushed():
            root.warning("mine")
            raise ZeroDivisionError
        assert said == ["mine"]
        assert root.handlers == [mine]
        assert root.filters == []


@pytest.mark.parametrize("average", ["micro", "macro", None])
@pytest.mark.parametrize("name", ["MulticlassAccuracy", "MulticlassF1Score"])
def test_equals_torcheval_on_all_samples_at_once(make_learner: Make, name: str, average: Any) -> None:
    from torcheval import metrics as torcheval

    make = getattr(torcheval, name)
    cb, other = MetricsCB(mine=make(num_classes=3, average=average)), make(num_classes=3, average=average)
    cb.quiet = True
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []
    learn = make_learner([cb, FuncCB(after_batch=lambda learn: seen.append((learn.preds, learn.batch[1])))])
    learn.fit(1)
    preds, targets = (torch.cat(part) for part in zip(*seen[3:], strict=True))
    other.update(preds, targets)
    torch.testing.assert_close(cb.metrics["mine"].compute(), other.compute())
