"""The optimizers of lesson 18, written out: SGD, momentum, RMSProp, Adam, AdamW.

Each is one rule for one parameter (`update`), and takes the same steps as its namesake in `torch.optim` on one
process and with dense gradients. torch's base class keeps the books: parameter groups, state and its saving, so that
torch's learning-rate schedules and gradient scalers take them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from miniai.errors import UsageError

__all__ = ["SGD", "Adam", "AdamW", "Momentum", "RMSProp"]


class _Rule(Optimizer):
    """Applies `regularise` and `update` to every parameter that has a gradient.

    The settings of a group have torch's names (`momentum`, `betas`, `weight_decay` ...): schedules look for them.
    """

    def __init__(self, params: Iterable[Any], **settings: Any) -> None:
        for name in ("lr", "weight_decay", "eps"):
            if not 0 <= settings.get(name, 0.0) < math.inf:
                raise UsageError(f"{type(self).__name__}: {name} must be 0 or more, not {settings[name]}")
        for share in (settings.get("momentum", 0.0), settings.get("alpha", 0.0), *settings.get("betas", ())):
            if not 0 <= share < 1:
                raise UsageError(f"{type(self).__name__}: momentum and betas must be from 0 to below 1, not {share}")
        super().__init__(params, settings)

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of all parameters; `closure`, if given, computes the loss anew first and its loss is returned."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self.update(p, self.regularise(p, p.grad, group), self.state[p], group)
        return loss

    def regularise(self, p: Tensor, grad: Tensor, group: dict[str, Any]) -> Tensor:
        """The gradient with the weight decay (L2): grad + wd * p."""
        return grad.add(p, alpha=group["weight_decay"]) if group["weight_decay"] else grad

    def update(self, p: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """Change `p`; `state` is its own and empty at first, `group` has the settings."""
        raise NotImplementedError


def _average(state: dict[str, Any], name: str, value: Tensor, share: float) -> Tensor:
    """The running average `state[name]`, from 0: share * average + (1 - share) * value."""
    if name not in state:
        state[name] = torch.zeros_like(value)
    average: Tensor = state[name]
    return average.mul_(share).add_(value, alpha=1 - share)


def _with_momentum(state: dict[str, Any], move: Tensor, momentum: float) -> Tensor:
    """`move`; with `momentum` the running sum, momentum * sum + move, in its place (Polyak, 1964)."""
    if not momentum:
        return move
    state["sum"] = state["sum"].mul_(momentum).add_(move) if "sum" in state else move.clone()
    total: Tensor = state["sum"]
    return total


class SGD(_Rule):
    """p -= lr * grad, with momentum if `mom` is not 0."""

    def __init__(self, params: Iterable[Any], lr: float = 1e-3, wd: float = 0.0, mom: float = 0.0) -> None:
        super().__init__(params, lr=lr, weight_decay=wd, momentum=mom)

    def update(self, p: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """One step."""
        p.sub_(_with_momentum(state, grad, group["momentum"]), alpha=group["lr"])


class Momentum(SGD):
    """SGD with momentum."""

    def __init__(self, params: Iterable[Any], lr: float = 1e-3, wd: float = 0.0, mom: float = 0.9) -> None:
        super().__init__(params, lr, wd, mom)


class RMSProp(_Rule):
    """p -= lr * grad / (sqrt(average of grad^2) + eps). Tieleman and Hinton, lecture 6.5 of "Neural networks" (2012).

    `sqr_mom` is the share of the old average, torch's `alpha`; with `mom`, the fractions are summed as by momentum.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        wd: float = 0.0,
        sqr_mom: float = 0.99,
        eps: float = 1e-8,
        mom: float = 0.0,
    ) -> None:
        super().__init__(params, lr=lr, weight_decay=wd, alpha=sqr_mom, eps=eps, momentum=mom)

    def update(self, p: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """One step."""
        squares = _average(state, "squares", grad.square(), group["alpha"])
        move = grad / (squares.sqrt() + group["eps"])
        p.sub_(_with_momentum(state, move, group["momentum"]), alpha=group["lr"])


class Adam(_Rule):
    """Kingma and Ba, "Adam: a method for stochastic optimization" (2014), algorithm 1.

    p -= lr * m / (sqrt(v) + eps), where m and v are running averages of grad and grad^2, each divided by
    1 - beta^step because they begin at 0.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        wd: float = 0.0,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
    ) -> None:
        super().__init__(params, lr=lr, weight_decay=wd, betas=(beta1, beta2), eps=eps)

    def update(self, p: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        """One step."""
        beta1, beta2 = group["betas"]
        step = state["step"] = state.get("step", 0) + 1
        mean = _average(state, "mean", grad, beta1) / (1 - beta1**step)
        square = _average(state, "squares", grad.square(), beta2) / (1 - beta2**step)
        p.sub_(mean / (square.sqrt() + group["eps"]) * group["lr"])


class AdamW(Adam):
    """Adam whose weight decay acts on the weights. Loshchilov and Hutter, "Decoupled weight decay" (2017)."""

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        wd: float = 1e-2,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
    ) -> None:
        super().__init__(params, lr, wd, beta1, beta2, eps)

    def regularise(self, p: Tensor, grad: Tensor, group: dict[str, Any]) -> Tensor:
        """Shrink `p` by the share lr * wd; the gradient stays as it is."""
        p.mul_(1 - group["lr"] * group["weight_decay"])
        return grad
