"""DataLoaders in this process: by slices, and by samplers. The third, with several processes, is in `processes`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor

from miniai.errors import UsageError
from miniai.loader import as_float, draw_seed
from miniai.scratch.data import Batches, BatchSampler, Dataset, Indexed, Sampler, collate

__all__ = ["DataLoader", "SliceLoader", "image_loader"]


class SliceLoader:
    """The simplest: `ds[0:bs]`, `ds[bs:2*bs]`, ... of a dataset that takes slices, such as `Dataset`."""

    def __init__(self, ds: Indexed, bs: int) -> None:
        if bs < 1:
            raise UsageError(f"the batch size must be at least 1, not {bs}")
        self.ds, self.bs = ds, bs

    def __len__(self) -> int:
        return len(self._starts())

    def __iter__(self) -> Iterator[Any]:
        draw_seed()  # see DataLoader
        return (_own(self.ds[i : i + self.bs]) for i in self._starts())

    def _starts(self) -> range:
        return range(0, len(self.ds), self.bs)


def _own(batch: Any) -> Any:
    """Copies of the tensors: a slice shares the data's memory, and a batch may be changed in place."""
    if isinstance(batch, Tensor):
        return batch.clone()
    return tuple(_own(part) for part in batch) if isinstance(batch, (tuple, list)) else batch


class DataLoader:
    """Batches `collate_fn([ds[i] for i in indices])` for the lists of indices that `batches` yields.

    `DataLoader(ds, BatchSampler(Sampler(ds, shuffle=True), bs))` gives the batches of torch.utils.data.DataLoader for
    the same `torch.manual_seed`, epoch after epoch, and leaves torch's global generator in the same state.
    """

    def __init__(self, ds: Indexed, batches: Batches[Any], collate_fn: Callable[[list[Any]], Any] = collate) -> None:
        self.ds, self.batches, self.collate_fn = ds, batches, collate_fn

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Any]:
        # torch's draws a seed for worker processes as soon as iter() is called, even if it has none
        draw_seed()
        return (self.collate_fn([self.ds[i] for i in indices]) for indices in self.batches)


def collate_images(b: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Pairs (image, label) as one batch, uint8 pixels as float32 between 0 and 1."""
    images, labels = collate(b)
    return as_float(images), labels


def image_loader(x: Tensor, y: Tensor, bs: int, shuffle: bool = False, *, drop_last: bool = False) -> DataLoader:
    """A DataLoader that yields what `MemoryLoader(x, y, bs, shuffle, drop_last=drop_last)` yields.

    Of images `x`, uint8 (n, channels, height, width), and labels `y`, (n,): items are taken one by one, which is
    slow where the tensors are on a GPU; leave them on the CPU and move the batches.
    """
    ds = Dataset(x, y)
    return DataLoader(ds, BatchSampler(Sampler(ds, shuffle), bs, drop_last), collate_images)
