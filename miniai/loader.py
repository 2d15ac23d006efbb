"""The in-memory loader: batches cut from one uint8 tensor, in the order that torch's own DataLoader would give.

`torch.utils.data.DataLoader` calls the dataset once per image and stacks the results, which takes longer than a
small model's whole step. When all images are one tensor, a batch is one `index_select`.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from miniai.errors import UsageError

__all__ = ["MemoryLoader", "as_float", "draw_seed", "permutation"]


class MemoryLoader:
    """Iterates over (images, labels) batches of tensors that are in memory, or on a device.

    For the same `torch.manual_seed` it gives the batches of `DataLoader(TensorDataset(x, y), bs, shuffle,
    drop_last=drop_last)`, epoch after epoch, and leaves torch's global generator in the same state.
    """

    def __init__(
        self,
        x: Tensor,
        y: Tensor,
        bs: int,
        shuffle: bool = False,
        device: torch.device | str | None = None,
        *,
        drop_last: bool = False,
    ) -> None:
        """Take images `x`, uint8 (n, ...), and labels `y`, (n,); `device` moves both there once, for good.

        Images of a floating type are taken as they are: only uint8 is divided by 255.
        """
        if len(x) != len(y):
            raise UsageError(f"{len(x)} images but {len(y)} labels: a loader needs one label for each image")
        if bs < 1:
            raise UsageError(f"the batch size must be at least 1, not {bs}")
        self.x = x if device is None else x.to(device)
        self.y = y if device is None else y.to(device)
        self.bs, self.shuffle, self.drop_last = bs, shuffle, drop_last

    def __len__(self) -> int:
        """Batches of one epoch."""
        n = len(self.x)
        return n // self.bs if self.drop_last else -(-n // self.bs)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """One epoch of (float32 images in [0, 1], int64 labels)."""
        # DataLoader draws a seed for worker processes as soon as iter() is called, even if it has no workers and
        # does not shuffle. Not drawing it here would shift every random number that comes after.
        draw_seed()
        return self._epoch()

    def iter_from(self, first: int) -> Iterator[tuple[Tensor, Tensor]]:
        """The epoch that `iter` would give now, without its first batches, which are not made.

        Draws at once what that epoch draws, and nothing later.
        """
        draw_seed()
        return self._batches(self._order(), first)

    def _order(self) -> Tensor | None:
        return permutation(len(self.x)).to(self.x.device) if self.shuffle else None

    def _epoch(self) -> Iterator[tuple[Tensor, Tensor]]:
        yield from self._batches(self._order())  # drawn at the first next(), as by DataLoader's sampler

    def _batches(self, order: Tensor | None, first: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        for i in range(first, len(self)):
            at = slice(i * self.bs, (i + 1) * self.bs)
            if order is None:
                # Copies: a callback that changes a batch in place must not change the data.
                yield as_float(self.x[at], copy=True), self.y[at].clone()
            else:
                rows = order[at]
                yield as_float(self.x.index_select(0, rows)), self.y.index_select(0, rows)


def permutation(n: int) -> Tensor:
    """The numbers below n, shuffled as RandomSampler does: by a private generator, seeded by one `draw_seed()`."""
    generator = torch.Generator()
    generator.manual_seed(draw_seed())
    return torch.randperm(n, generator=generator)


def draw_seed() -> int:
    """One int64 from torch's global CPU generator, drawn the way DataLoader and RandomSampler draw theirs."""
    return int(torch.empty((), dtype=torch.int64).random_().item())


def as_float(images: Tensor, copy: bool = False) -> Tensor:
    """uint8 0..255 -> float32 0..1; other types only become float32. `copy`: never the given memory."""
    if images.dtype == torch.uint8:
        return images.to(torch.float32).div_(255)
    return images.to(torch.float32, copy=copy)
