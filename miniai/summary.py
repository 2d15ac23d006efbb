"""A table of a model's layers: shapes, parameters, multiplications."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn

from miniai.callbacks.metrics import batch_size
from miniai.hooks import Hook, Hooks, is_leaf
from miniai.looking import on_one_batch
from miniai.scratch.layers import Linear as ByHand

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["Layer", "Summary", "summary"]

_CONVS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


class Layer(NamedTuple):
    """One call of one layer."""

    name: str
    """Path in the model, "0.convs.1"."""
    kind: str
    """Name of the class."""
    inputs: str
    """Shapes, the batch first."""
    outputs: str
    params: int
    """The layer's own; 0 in the rows of its second and later calls."""
    macs: int
    """Multiplications (with their additions) for one sample; counted in linear layers and convolutions only."""


class Summary:
    """The layers of a model in the order in which one batch passed them; prints as a table."""

    def __init__(self, layers: Iterable[Layer], params: int, trainable: int) -> None:
        self.layers = list(layers)
        self.params = params
        """Parameters of the whole model, shared ones once."""
        self.trainable = trainable
        """Those that the optimizer may change."""

    @property
    def macs(self) -> int:
        """Multiplications for one sample."""
        return sum(layer.macs for layer in self.layers)

    def _cells(self) -> list[tuple[str, ...]]:
        head = ("layer", "type", "input", "output", "parameters", "MACs")
        rows = [(*layer[:4], f"{layer.params:,}", f"{layer.macs:,}") for layer in self.layers]
        return [head, *rows, ("total", "", "", "", f"{self.params:,}", f"{self.macs:,}")]

    @property
    def _note(self) -> str:
        frozen = self.params - self.trainable
        return f"{self.trainable:,} parameters trainable, {frozen:,} frozen; MACs for one sample"

    def __repr__(self) -> str:
        cells = self._cells()
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(_padded(row, widths)).rstrip() for row in cells]
        rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1], self._note])

    def _repr_markdown_(self) -> str:
        head, *rows = (f"| {' | '.join(row)} |" for row in self._cells())
        return "\n".join([head, "|---|---|---|---|--:|--:|", *rows, "", self._note])


def _padded(row: tuple[str, ...], widths: list[int]) -> list[str]:
    """Words to the left, numbers to the right."""
    cells = enumerate(zip(row, widths, strict=True))
    return [cell.rjust(width) if i >= 4 else cell.ljust(width) for i, (cell, width) in cells]


def summary(learn: Learner) -> Summary:
    """The layers of the Learner's model, found by one forward of one training batch.

    The model runs in eval mode and without gradients; model, optimizer, callbacks and random state are as before
    afterwards. Lines for the modules that have parameters of their own or no modules inside. What a module
    does by itself (an addition, attention) has no line.
    """
    layers: list[Layer] = []

    def look(learn: Learner) -> None:
        learn.model.eval()
        names = {m: name or "(model)" for name, m in learn.model.named_modules()}
        leaves = [m for m in names if is_leaf(m) or any(True for _ in _own(m))]
        samples, seen = batch_size(learn.batch), set[nn.Module]()

        def note(_hook: Hook, m: nn.Module, inputs: Any, output: Any) -> None:
            params = 0 if m in seen else sum(p.numel() for p in _own(m))
            seen.add(m)
            macs = _macs(m, inputs, output) // samples
            shapes = _shapes(inputs), _shapes(output)
            layers.append(Layer(names[m], type(m).__name__, *shapes, params, macs))

        with torch.no_grad(), Hooks(leaves, note):
            learn.predict()

    on_one_batch(learn, look)
    parameters = list(learn.model.parameters())
    return Summary(layers, sum(p.numel() for p in parameters), sum(p.numel() for p in parameters if p.requires_grad))


def _own(m: nn.Module) -> Iterable[nn.Parameter]:
    return m.parameters(recurse=False)


def _shapes(x: Any) -> str:
    """As "64x1x28x28"; of several tensors, with commas between."""
    if isinstance(x, Tensor):
        return "x".join(map(str, x.shape)) or "scalar"
    parts = x.values() if isinstance(x, dict) else x if isinstance(x, (list, tuple)) else ()
    return ", ".join(text for part in parts if (text := _shapes(part)))


def _macs(m: nn.Module, inputs: Any, output: Any) -> int:
    """Multiplications of the whole batch."""
    if isinstance(m, (nn.Linear, ByHand)) and isinstance(output, Tensor):
        return output.numel() * m.in_features
    if isinstance(m, _CONVS) and isinstance(output, Tensor):
        return output.numel() * m.in_channels // m.groups * math.prod(m.kernel_size)
    if isinstance(m, _TRANSPOSED) and inputs:
        per_input: int = m.out_channels // m.groups * math.prod(m.kernel_size)
        return int(inputs[0].numel()) * per_input
    return 0
