"""Loaders for Hugging Face datasets, the loaders of one training, and plots of images.

```python
@inplace
def to_tensors(batch):
    batch["image"] = [to_tensor(image) for image in batch["image"]]

dls = DataLoaders.from_dd(load_dataset("fashion_mnist").with_transform(to_tensors), 1024)
```
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from torch.utils.data import DataLoader, IterableDataset, default_collate

from miniai.errors import DataError, UsageError
from miniai.fingerprint import fingerprint
from miniai.plotting import get_grid, show_image, show_images, subplots

if TYPE_CHECKING:
    import datasets

    from miniai.catalog import ImageData

__all__ = [
    "DataLoaders", "as_dd", "collate_dict", "get_grid", "inplace", "show_image", "show_images", "subplots",
]  # fmt: skip

B = TypeVar("B")


class _InPlace(Generic[B]):
    """What `inplace` returns: a class, so that loader processes that are not forked can be handed it."""

    def __init__(self, f: Callable[[B], object]) -> None:
        update_wrapper(self, f)
        self._f, self._asked = f, False

    def __call__(self, batch: B) -> B:
        self._f(batch)
        return batch

    def __reduce__(self) -> Any:
        # as a decorator it has taken the place of f, which therefore cannot be found by its name
        home = sys.modules.get(getattr(self._f, "__module__", ""))
        name = getattr(self._f, "__qualname__", "")
        if home is None or getattr(home, name, None) is not self:
            return _InPlace, (self._f,)
        return _by_name, (home.__name__, name, self._digest())

    def _digest(self) -> str:
        """What f does: Hugging Face caches what `map` gives by the pickle of the function, which has to change with f.

        Empty while it is worked out: something that f refers to may refer to this.
        """
        if self._asked:
            return ""
        self._asked = True
        try:
            return fingerprint(self._f)
        finally:
            self._asked = False


def _by_name(module: str, name: str, _digest: str) -> Any:
    """The function that `inplace` has put into a module."""
    return getattr(importlib.import_module(module), name)


def inplace(f: Callable[[B], object]) -> Callable[[B], B]:
    """Make of `f`, which changes its argument, a function that also returns it: for `with_transform`.

    What `f` itself returns is dropped.

    >>> @inplace
    ... def double(batch):
    ...     batch["x"] = [2 * x for x in batch["x"]]
    >>> double({"x": [1, 2]})
    {'x': [2, 4]}
    """
    return _InPlace(f)


class _Collate:
    """Items, each a mapping, to one batch: a tuple in the order of `names`, or with None a dictionary of all."""

    def __init__(self, names: Sequence[str] | None) -> None:
        self.names = names

    def __call__(self, items: Sequence[Mapping[str, Any]]) -> Any:
        if not isinstance(items[0], Mapping):
            raise DataError(f"an item is a {type(items[0]).__name__}, not a mapping from features to values")
        if self.names is None:
            return {name: _stacked(items, name) for name in items[0]}
        return tuple(_stacked(items, name) for name in self.names)


def _stacked(items: Sequence[Mapping[str, Any]], name: str) -> Any:
    """The values called `name` of all items as one."""
    lacking = next((item for item in items if name not in item), None)
    if lacking is not None:
        raise DataError(
            f"an item has no feature {name!r} but {_quoted(lacking)}: a transform must keep the names of the columns "
            "(leave others out with select_columns), or ask for as_tuple=False"
        )
    try:
        return default_collate([item[name] for item in items])
    except (TypeError, KeyError, RuntimeError) as error:
        why = next(iter(str(error).splitlines()), type(error).__name__)
        raise DataError(
            f"feature {name!r} cannot be made a batch of ({why}): give all items tensors of one shape, "
            "as with with_transform(inplace(f))"
        ) from error


def _quoted(names: Any) -> str:
    return ", ".join(map(repr, names)) or "nothing"


def collate_dict(ds: Any) -> Callable[[Sequence[Mapping[str, Any]]], tuple[Any, ...]]:
    """Return a collate function for torch's DataLoader: items to a tuple of batches, in the order of `ds.features`.

    Always a tuple, for one feature too. Columns that the dataset's format leaves out (`with_format(columns=)`) are
    left out; what a transform adds is not in the tuple. Without `features` the order is that of the first item's
    keys. DataError if neither tells the names; the function raises DataError that names a feature which is not
    there or cannot be stacked.
    """
    return _Collate(_names(ds))


def _names(ds: Any) -> list[str]:
    """The features that items of `ds` have, in order."""
    features = getattr(ds, "features", None)
    if features is None and hasattr(ds, "__getitem__") and len(ds):
        features = ds[0]
    if not isinstance(features, Mapping) or not features:
        raise DataError(
            f"{type(ds).__name__} does not tell its features: a tuple needs a dataset with named columns; "
            "from_dd(as_tuple=False) gives dictionaries of whatever the items have"
        )
    form = getattr(ds, "format", None)
    if not isinstance(form, Mapping) or form.get("output_all_columns"):
        return list(features)
    return [name for name in features if name in form["columns"]]


_TRAIN = ("train", "training")
_VALID = ("validation", "valid", "val", "dev", "eval", "test")
_FOR_TRAINING = frozenset({"shuffle", "sampler", "batch_sampler", "drop_last"})
"""Arguments that decide which items come, in which order: for training only, as validation sees each item once."""


class DataLoaders:
    """The loaders of one training: `.train`, `.valid` and, where there is one, `.test`, which no fit uses.

    What was not given is None: with one loader, `fit` asks for `valid=False`.
    """

    def __init__(self, *dls: Any) -> None:
        if not 1 <= len(dls) <= 3:
            raise UsageError(f"DataLoaders takes the loaders for training, validation and test, not {len(dls)} of them")
        self.train, self.valid, self.test = (*dls, None, None)[:3]

    @classmethod
    def from_dd(cls, dd: Mapping[str, Any], batch_size: int, as_tuple: bool = True, **kw: Any) -> DataLoaders:
        """Make the loaders of a Hugging Face DatasetDict, or of any mapping from the splits' names to datasets.

        `train` (or "training") is shuffled. `valid` is the split called "validation", "valid", "val", "dev", "eval"
        or "test", the first that is there, or else the only other split; a "test" beside it becomes `test`. Both
        have batches of `2 * batch_size`, in order. Splits with other names are not used.

        Batches are tuples in the order of the training split's features (`collate_dict`), with `as_tuple=False`
        dictionaries. `kw` goes to all of torch's DataLoaders, but what decides the order (shuffle, sampler,
        batch_sampler, drop_last) to the training one only. A streamed dataset comes in its own order: shuffle it
        before. DataError if the splits cannot be told apart by their names.
        """
        if batch_size < 1:
            raise UsageError(f"the batch size must be at least 1, not {batch_size}")
        splits = _splits(dd)
        if hasattr(splits[0], "__len__") and not len(splits[0]):
            raise DataError("the training split is empty")
        kw.setdefault("collate_fn", _Collate(_names(splits[0]) if as_tuple else None))
        rest = {name: value for name, value in kw.items() if name not in _FOR_TRAINING}
        held = [DataLoader(ds, 2 * batch_size, **rest) if ds is not None else None for ds in splits[1:]]
        return cls(_training(splits[0], batch_size, kw), *held)


def _training(ds: Any, batch_size: int, kw: dict[str, Any]) -> DataLoader[Any]:
    """The training loader: shuffled, unless the caller says how to order it."""
    if "batch_sampler" in kw:  # which decides the batches' sizes too
        return DataLoader(ds, **kw)
    kw.setdefault("shuffle", "sampler" not in kw and not isinstance(ds, IterableDataset))
    return DataLoader(ds, batch_size, **kw)


def _splits(dd: Mapping[str, Any]) -> tuple[Any, Any, Any]:
    """The splits for training, validation and test; None for one that is not there."""
    if not isinstance(dd, Mapping):
        raise DataError(
            f"from_dd takes a mapping from splits to datasets, such as a DatasetDict, not {type(dd).__name__}"
        )
    train = next((name for name in _TRAIN if name in dd), None)
    if train is None:
        raise DataError(f"no split is called 'train', only {_quoted(dd)}: pass {{'train': ..., 'validation': ...}}")
    others = [name for name in dd if name != train]
    valid = next((name for name in _VALID if name in others), others[0] if len(others) == 1 else None)
    if others and valid is None:
        raise DataError(f"which split is for validation? None of {_quoted(others)} is called {_quoted(_VALID)}")
    test = dd["test"] if valid != "test" and "test" in dd else None
    return dd[train], dd[valid] if valid is not None else None, test


def as_dd(data: ImageData) -> datasets.DatasetDict:
    """A dataset of the catalog in the form the Hugging Face hub has it: splits "train" and "test", PNG images, labels.

    `as_dd(catalog.load("fashion"))` needs no network. Encoding takes about 0.1 ms an image.
    """
    from miniai.catalog import _dd

    return _dd.as_dd(data)
