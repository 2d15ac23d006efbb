"""Norms of gradients, of weights and of what a step changes in them: read from the very step that trains."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

__all__ = ["CHANGE", "GRADIENT", "WEIGHT", "StepNorms"]

GRADIENT, WEIGHT, CHANGE = range(3)
"""What a norm is of: the gradient, the weights before the step, and what the step changed in them."""
Push = Callable[[tuple[int, int], Tensor], object]
"""Takes (the parameter's place, what it is a norm of) and the norm, 0-dim, on its device."""


class StepNorms:
    """Euclidean norms of one step, parameter by parameter; nothing waits for a device.

    `before` the step, `after` it, and when the numbers are here the norms of any group of parameters. The weights are
    copied in between, because a step changes them in place; no copy outlives the step. Parameters without a gradient
    are left out: a step does not change them.
    """

    def __init__(self, model: nn.Module) -> None:
        self.parameters: list[nn.Parameter] = list(model.parameters())
        self._places = {id(p): i for i, p in enumerate(self.parameters)}
        self._held: list[int] = []
        self._copies: list[Tensor] = []

    def device(self) -> torch.device:
        """Where the model computes."""
        return self.parameters[0].device if self.parameters else torch.device("cpu")

    @torch.no_grad()
    def before(self, push: Push) -> None:
        """The gradients are there, and the weights are as they were in the forward pass."""
        self._held = [i for i, p in enumerate(self.parameters) if p.grad is not None]
        weights = [self.parameters[i].detach() for i in self._held]
        self._copies = [w.clone() for w in weights]
        gradients = [g for i in self._held if (g := self.parameters[i].grad) is not None]
        self._push(push, GRADIENT, gradients)
        self._push(push, WEIGHT, weights)

    @torch.no_grad()
    def after(self, push: Push) -> None:
        """The step was made."""
        copies, self._copies = self._copies, []
        if copies:
            torch._foreach_sub_(copies, [self.parameters[i].detach() for i in self._held])
        self._push(push, CHANGE, copies)

    def _push(self, push: Push, kind: int, tensors: Sequence[Tensor]) -> None:
        if tensors:
            norms = torch._foreach_norm([_countable(t) for t in tensors], 2.0)
            for i, norm in zip(self._held, norms, strict=True):
                push((i, kind), norm)

    def forget(self) -> None:
        """The step was not made, or all is read."""
        self._copies = []

    def norm(self, values: Mapping[tuple[int, int], float], kind: int, of: Iterable[nn.Parameter]) -> float | None:
        """The norm over a group of parameters, from the single ones; None if none of them has a gradient."""
        keys = {(self._places[id(p)], kind) for p in of if id(p) in self._places}
        found = [values[key] for key in sorted(keys) if key in values]
        return _joined(found) if found else None

    def ratio(self, values: Mapping[tuple[int, int], float], of: Sequence[nn.Parameter]) -> float | None:
        """Norm of the change over the norm of the weights before it; None where there are no weights but zeros."""
        weight, change = self.norm(values, WEIGHT, of), self.norm(values, CHANGE, of)
        if weight is None or change is None or weight == 0:
            return None
        return change / weight


def _countable(tensor: Tensor) -> Tensor:
    """What a norm can be taken of without overflow at 65,504."""
    dense = tensor.coalesce().values() if tensor.is_sparse else tensor
    return dense.float() if dense.dtype in (torch.float16, torch.bfloat16) else dense


def _joined(norms: Sequence[float]) -> float:
    """The norm of all from the norms of parts; NaN wins over infinity."""
    return math.nan if any(math.isnan(n) for n in norms) else math.hypot(*norms)
