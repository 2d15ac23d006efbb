"""What every dataset of the catalog gives: images and labels in memory, and where they came from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["ImageData", "Progress", "Stage", "Tensors", "silent"]

Stage: TypeAlias = Literal["looking for data", "reading data"]
Progress: TypeAlias = Callable[[Stage, int, int], None]
"""Called as `progress(stage, done, total)` while a dataset loads; images are counted, `total` is 0 if not known."""


def silent(stage: Stage, done: int, total: int) -> None:
    """A `Progress` that tells nobody."""


class Tensors(NamedTuple):
    """The pixels and labels of both splits."""

    train_x: Tensor
    """uint8 (n, channels, height, width)."""
    train_y: Tensor
    """int64 (n,), numbers of classes."""
    valid_x: Tensor
    valid_y: Tensor


@dataclass(frozen=True, eq=False)
class ImageData:
    """An image classification dataset in memory."""

    name: str
    source: str
    """Where it came from, in words, for example "Debian's dataset-fashion-mnist"."""
    sample: bool
    """True if this is the embedded sample and not the full data."""
    train_x: Tensor
    """uint8 (n, channels, height, width)."""
    train_y: Tensor
    """int64 (n,), indices into `classes`."""
    valid_x: Tensor
    valid_y: Tensor
    classes: list[str]
    """The classes' names, by number."""
    note: str = ""
    """Why better places were passed over, in words; empty if there was none."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width) of one image."""
        _, channels, height, width = self.train_x.shape
        return channels, height, width
