"""Linear, ReLU and Flatten by hand, and the net that is made of them."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import Parameter

from miniai.scratch.modules import Module
from miniai.scratch.sequential import Sequential

__all__ = ["Flatten", "Linear", "ReLU", "flatten", "mlp"]


class Linear(Module):
    """y = x W^T + b: (..., in_features) -> (..., out_features).

    The weights are drawn as torch's are, so that the same seed gives the same numbers: uniformly within
    +-gain * sqrt(3 / in_features) (He et al. 2015, Delving Deep into Rectifiers, for a leaky ReLU of slope sqrt(5),
    whose gain is sqrt(2 / (1 + 5))), the bias within +-1 / sqrt(in_features).
    """

    weight: Parameter
    bias: Parameter

    def __init__(self, in_features: int, out_features: int) -> None:
        self.in_features, self.out_features = in_features, out_features
        # in the order of torch's own roundings: another would differ in a weight's last digit
        bound = math.sqrt(3.0) * (math.sqrt(2.0 / (1 + math.sqrt(5) ** 2)) / math.sqrt(in_features))
        self.weight = Parameter(torch.empty(out_features, in_features).uniform_(-bound, bound))
        bound = 1 / math.sqrt(in_features)
        self.bias = Parameter(torch.empty(out_features).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        """The outputs, (..., out_features)."""
        return x @ self.weight.T + self.bias

    def extra_repr(self) -> str:
        """The sizes."""
        return f"{self.in_features}, {self.out_features}"


class ReLU(Module):
    """What is below 0 becomes 0; NaN stays NaN."""

    def forward(self, x: Tensor) -> Tensor:
        """The same shape. The gradient at 0 is 0, as torch's is: `clamp_min` would let it through."""
        return x.masked_fill(x <= 0, 0.0)


def flatten(x: Tensor) -> Tensor:
    """(batch, ...) -> (batch, numbers of one sample)."""
    return x.reshape(x.shape[0], math.prod(x.shape[1:]))


class Flatten(Module):
    """`flatten` as a Module."""

    def forward(self, x: Tensor) -> Tensor:
        """(batch, ...) -> (batch, numbers of one sample)."""
        return flatten(x)


def mlp(shape: tuple[int, int, int], classes: int) -> Sequential:
    """The net of `miniai.models.mlp` by hand: (batch, channels, height, width) -> (batch, classes).

    The same seed gives the same weights, under the same names.
    """
    from miniai.models.mlp import HIDDEN

    # the function, not the Module: as in torch's net, the layers that are measured are those that compute
    return Sequential(flatten, Linear(math.prod(shape), HIDDEN), ReLU(), Linear(HIDDEN, classes))
