"""SGD by hand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from miniai.errors import LearnerError

__all__ = ["SGD"]


class SGD:
    """Stochastic gradient descent: each step takes `lr` times its gradient off each parameter.

    The steps are torch.optim.SGD's to the last bit. `param_groups` is one group, `{"params": [...], "lr": lr}`: there
    others read and change the rate.
    """

    def __init__(self, params: Iterable[Tensor], lr: float) -> None:
        group: dict[str, Any] = {"params": list(params), "lr": lr}
        if not group["params"]:
            raise LearnerError("there are no parameters to train: does the model set its layers as attributes?")
        self.param_groups = [group]

    @property
    def params(self) -> list[Tensor]:
        """The parameters."""
        params: list[Tensor] = self.param_groups[0]["params"]
        return params

    @property
    def lr(self) -> float:
        """The learning rate."""
        rate: float = self.param_groups[0]["lr"]
        return rate

    @lr.setter
    def lr(self, rate: float) -> None:
        self.param_groups[0]["lr"] = rate

    @torch.no_grad()
    def step(self) -> None:
        """Change the parameters that have a gradient."""
        for p in self.params:
            if p.grad is not None:
                p.add_(p.grad, alpha=-self.lr)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for p in self.params:
            p.grad = None
