"""Sequential: one layer after the other, in two writings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce
from typing import Any, TypeAlias

from miniai.scratch.modules import Module

__all__ = ["Layer", "Sequential", "SequentialReduce"]

Layer: TypeAlias = Callable[[Any], Any]
"""A Module, ours or torch's, or a plain function."""


class Sequential(Module):
    """Feeds its input to the first layer, that one's output to the next, and so on.

    Layers are Modules, ours or torch's, and plain functions. They are named by their places, "0", "1" and so on, as
    torch's are, so that the two take each other's `state_dict`. A list of layers may be given instead.

    >>> Sequential(lambda x: x + 1, lambda x: 10 * x)(1)
    20
    """

    def __init__(self, *layers: Layer | list[Layer]) -> None:
        given = layers[0] if len(layers) == 1 and isinstance(layers[0], list) else layers
        for place, layer in enumerate(given):
            if not callable(layer):
                raise TypeError(f"layer {place} is {layer!r}: a layer is a Module or a function")
            setattr(self, str(place), layer)
        self._count = len(given)

    def forward(self, x: Any) -> Any:
        """The last layer's output."""
        for layer in self:
            x = layer(x)
        return x

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: int) -> Layer:
        layer: Layer = getattr(self, str(range(self._count)[place]))
        return layer

    def __iter__(self) -> Iterator[Layer]:
        return (self[place] for place in range(self._count))

    def shown_parts(self) -> Iterator[tuple[str, object]]:
        """All layers, the plain functions too."""
        for place, layer in enumerate(self):
            named = not isinstance(layer, Module) and hasattr(layer, "__name__")
            yield str(place), _Name(layer.__name__) if named else layer


class SequentialReduce(Sequential):
    """The same, written as a fold: the input is what the first layer gets, each output what the next one gets."""

    def forward(self, x: Any) -> Any:
        """The last layer's output."""
        return reduce(lambda value, layer: layer(value), self, x)


class _Name(str):
    """A text whose `repr` has no quotes."""

    __slots__ = ()
    __repr__ = str.__str__
