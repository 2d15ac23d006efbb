"""Lesson 16's metric: one number a batch, averaged over the batches by their size."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from miniai.metrics import Mean, check_classes

__all__ = ["Accuracy", "Metric"]


class Metric:
    """Mean, weighted by batch size, of what `calc` makes of each batch; derive and write `calc` for another one.

    As it stands it averages the numbers it is given: `loss.add(0.5, n=32)`. Nothing waits for the device before
    `value` is turned into a number. `MetricsCB` takes it too (it calls `update` and `compute`).
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all batches."""
        self._mean = Mean()

    def add(self, inp: Any, targ: Any = None, n: int | None = None) -> None:
        """Take in one batch that counts `n` times; None: as often as `inp` has rows (a number counts once)."""
        rows = inp.shape[0] if isinstance(inp, Tensor) and inp.ndim else 1
        self._mean.update(self.calc(inp, targ), rows if n is None else n)

    def calc(self, inp: Any, _targ: Any) -> Tensor | float:
        """This batch's number, a 0-dim tensor or a float."""
        number: Tensor | float = inp
        return number

    @property
    def value(self) -> Tensor:
        """The mean so far, a 0-dim tensor; NaN if there was no batch."""
        return self._mean.compute()

    def update(self, inp: Any, targ: Any = None) -> None:
        """The same as `add`."""
        self.add(inp, targ)

    def compute(self) -> Tensor:
        """The same as `value`."""
        return self.value


class Accuracy(Metric):
    """Share of right answers: `inp` are outputs (n, classes) or predicted classes (n,), `targ` the classes (n,)."""

    def calc(self, inp: Tensor, targ: Tensor) -> Tensor:
        """The share in this batch."""
        classes = inp.argmax(1) if inp.ndim > targ.ndim else inp
        check_classes(classes, targ)
        return (classes == targ).to(torch.float32).mean()
