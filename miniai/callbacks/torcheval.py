"""Metrics of torcheval: made by name, and kept from writing to the root logger."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from miniai.errors import LearnerError
from miniai.metrics import Metric

__all__ = ["by_name", "hushed", "is_torcheval"]


def by_name(name: str) -> Metric:
    """One of torcheval's metrics with its default arguments; its import takes a second."""
    from torcheval import metrics

    if name not in metrics.__all__:
        close = difflib.get_close_matches(name, metrics.__all__, n=3)
        raise LearnerError(f"torcheval has no metric {name!r}; near: {', '.join(close) or 'none'}")
    made: Metric = getattr(metrics, name)()
    return made


def is_torcheval(metric: object) -> bool:
    """Whether `metric` is of a class of torcheval's."""
    return type(metric).__module__.startswith("torcheval.")


def _not_torcheval(record: logging.LogRecord) -> bool:
    return "torcheval" not in Path(record.pathname).parts


@contextmanager
def hushed() -> Iterator[None]:
    """Drop what torcheval writes to the root logger; records of everybody else pass.

    Precision, recall and F1 say there that a class has not been seen yet, at each `compute` of the first batches.
    They call `logging.warning`, which also gives a root logger without handlers one that prints.
    """
    root, silent = logging.getLogger(), logging.NullHandler()
    root.addFilter(_not_torcheval)
    root.addHandler(silent)
    try:
        yield
    finally:
        root.removeHandler(silent)
        root.removeFilter(_not_torcheval)
