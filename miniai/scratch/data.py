"""What a loader is made of: a dataset, the order of its items, their grouping, and how a group becomes a batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from itertools import islice
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from miniai.errors import DataError, UsageError
from miniai.loader import permutation

__all__ = ["BatchSampler", "Batches", "Dataset", "Indexed", "Sampler", "collate"]

T_co = TypeVar("T_co", covariant=True)


class Indexed(Protocol):
    """What a loader needs of a dataset."""

    def __len__(self) -> int:
        """How many items there are."""

    def __getitem__(self, i: Any, /) -> Any:
        """The item at `i`."""


class Batches(Protocol[T_co]):
    """Something of known length to iterate over, again and again."""

    def __len__(self) -> int:
        """How many there are."""

    def __iter__(self) -> Iterator[T_co]:
        """One epoch."""


class Dataset:
    """Pairs (x[i], y[i]) of two tensors or arrays; `i` is an int, a slice or a list of ints."""

    def __init__(self, x: Any, y: Any) -> None:
        if len(x) != len(y):
            raise UsageError(f"{len(x)} inputs but {len(y)} targets: a dataset needs one target for each input")
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, i: int | slice | list[int]) -> tuple[Any, Any]:
        return self.x[i], self.y[i]


class Sampler:
    """The order of one epoch: 0, 1, ... of the items of `ds`, or with `shuffle` another permutation each time.

    The permutations are those of torch.utils.data.RandomSampler for the same `torch.manual_seed`, drawn at the first
    `next()`.
    """

    def __init__(self, ds: Sized, shuffle: bool = False) -> None:
        self.ds, self.shuffle = ds, shuffle

    def __len__(self) -> int:
        return len(self.ds)

    def __iter__(self) -> Iterator[int]:
        yield from permutation(len(self)).tolist() if self.shuffle else range(len(self))


class BatchSampler:
    """Lists of `bs` indices from `sampler`; the last may be shorter, or with `drop_last` is left out if it is.

    >>> list(BatchSampler(range(5), bs=2))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Batches[int], bs: int, drop_last: bool = False) -> None:
        if bs < 1:
            raise UsageError(f"the batch size must be at least 1, not {bs}")
        self.sampler, self.bs, self.drop_last = sampler, bs, drop_last

    def __len__(self) -> int:
        whole, rest = divmod(len(self.sampler), self.bs)
        return whole + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(islice(indices, self.bs)):
            if len(batch) == self.bs or not self.drop_last:
                yield batch


def collate(b: Sequence[Any]) -> Any:
    """Items as one batch: tensors and arrays stacked, numbers as one tensor, part by part in tuples and mappings.

    [(x, y), ...] -> (xs, ys). Floats become float64 and ints int64, as torch does it; texts stay a list.
    """
    first = b[0]
    if isinstance(first, Mapping):
        return {key: collate([item[key] for item in b]) for key in first}
    if isinstance(first, (tuple, list)):
        parts = [collate(part) for part in _transposed(b)]
        return type(first)(*parts) if hasattr(first, "_fields") else tuple(parts)
    if isinstance(first, (str, bytes)):
        return list(b)
    if isinstance(first, (bool, int)):
        return torch.tensor(b)
    if isinstance(first, float) and not hasattr(first, "dtype"):
        return torch.tensor(b, dtype=torch.float64)
    return _stacked([torch.as_tensor(item) for item in b])


def _transposed(b: Iterable[Sequence[Any]]) -> Iterator[tuple[Any, ...]]:
    items = list(b)
    if len(sizes := {len(item) for item in items}) > 1:
        raise DataError(f"items with {' and '.join(map(str, sorted(sizes)))} parts cannot be in one batch")
    return zip(*items, strict=True)


def _stacked(tensors: list[Tensor]) -> Tensor:
    for place, tensor in enumerate(tensors):
        if tensor.shape != tensors[0].shape:
            raise DataError(
                f"items of different shapes cannot be stacked: {tuple(tensors[0].shape)}, and {tuple(tensor.shape)} at "
                f"place {place} of the batch; bring them to one shape, or give the loader another collate_fn"
            )
    return torch.stack(tensors)
