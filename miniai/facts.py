"""What is to be known of a dataset before one trains on it: where it is from, its features, splits and classes.

Two ways in, one answer: `facts_of` for a dataset of the catalog, `facts_of_dd` for what Hugging Face's `datasets`
gives (a DatasetDict, a Dataset, or a builder, of which nothing is downloaded).
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

from miniai import catalog

if TYPE_CHECKING:
    from torch import Tensor

    from miniai.catalog import ImageData

__all__ = ["DatasetFacts", "PixelFacts", "SplitFacts", "describe", "facts_of", "facts_of_dd"]


@dataclass(frozen=True)
class PixelFacts:
    """Statistics of all pixels of a split, one number a channel, where black is 0 and white is 1."""

    mean: list[float]
    deviation: list[float]
    """The standard deviation of all pixels (not of a sample of them)."""
    lowest: list[float]
    highest: list[float]


@dataclass(frozen=True)
class SplitFacts:
    """One part of a dataset."""

    name: str
    items: int | None
    """How many there are; None where nobody knows before reading them all, as of a stream."""
    classes: list[int] | None = None
    """How many items there are of each class; None if there are no classes, or if it would cost a download."""
    unlabelled: int = 0
    """Items whose label is none of the classes."""
    pixels: PixelFacts | None = None


@dataclass(frozen=True)
class DatasetFacts:
    """All that is known of a dataset."""

    name: str
    description: str = ""
    source: str = ""
    """Where it was found, in words."""
    sample: bool = False
    """Whether this is the embedded sample and not the full data."""
    note: str = ""
    """Why better places were passed over, in words; empty if there was none."""
    features: dict[str, str] = field(default_factory=dict)
    """Each column's name and what is in it, in words."""
    splits: list[SplitFacts] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    """Names of the classes by their number."""


def describe(name: str) -> str:
    """What the catalog's dataset `name` is, in one sentence: the first paragraph of its module."""
    text = inspect.getdoc(import_module(f"{catalog.__name__}.{name}")) or ""
    return " ".join(text.partition("\n\n")[0].split())


def facts_of(data: ImageData) -> DatasetFacts:
    """Facts of a loaded dataset of the catalog, its pixels' statistics included: about a second for 70,000 images."""
    channels, height, width = data.shape
    kind = {1: "grey", 3: "RGB"}.get(channels, f"{channels} channels")
    splits = [("train", data.train_x, data.train_y), ("valid", data.valid_x, data.valid_y)]
    return DatasetFacts(
        name=data.name,
        description=describe(data.name) if data.name in catalog.names() else "",
        source=data.source,
        sample=data.sample,
        note=data.note,
        features={"image": f"{width}x{height} pixels, {kind}, 8 bits", "label": _class_words(len(data.classes))},
        splits=[
            SplitFacts(name, len(x), *_balance(y.tolist(), len(data.classes)), pixels=_pixel_facts(x))
            for name, x, y in splits
        ],
        classes=list(data.classes),
    )


def _class_words(count: int) -> str:
    return f"one of {count} classes"


def _balance(labels: Sequence[int | None], classes: int) -> tuple[list[int], int]:
    """How many labels name each class, and how many name none."""
    counts, other = [0] * classes, 0
    for label in labels:
        if label is not None and 0 <= label < classes:
            counts[label] += 1
        else:
            other += 1
    return counts, other


def _pixel_facts(images: Tensor) -> PixelFacts:
    """Of uint8 (n, channels, height, width): exact, from how often each of the 256 shades occurs."""
    stats = [_shades(images[:, channel]) for channel in range(images.shape[1])]
    return PixelFacts(*(list(column) for column in zip(*stats, strict=True)))


def _shades(pixels: Tensor) -> tuple[float, float, float, float]:
    """(mean, deviation, lowest, highest) of uint8 pixels, as shares of 255."""
    counts: list[int] = pixels.flatten().bincount(minlength=256).tolist()
    total = sum(counts)
    mean = sum(shade * n for shade, n in enumerate(counts)) / total
    variance = sum(n * (shade - mean) ** 2 for shade, n in enumerate(counts)) / total
    there = [shade for shade, n in enumerate(counts) if n]
    return mean / 255, math.sqrt(variance) / 255, there[0] / 255, there[-1] / 255


def facts_of_dd(data: Any, name: str = "") -> DatasetFacts:
    """Facts of a Hugging Face DatasetDict, Dataset or DatasetBuilder; images are not decoded.

    The classes are those of the first ClassLabel column, their names by its `int2str`.
    """
    sets: Mapping[str, Any] = data if isinstance(data, Mapping) else {}
    first = next(iter(sets.values()), data)
    info = first.info
    features: Mapping[str, Any] = getattr(first, "features", None) or info.features or {}
    label = next((column for column, feature in features.items() if _is_label(feature)), None)
    return DatasetFacts(
        name=name or info.dataset_name or info.builder_name or "",
        description=(info.description or "").strip(),
        features={column: _words(feature) for column, feature in features.items()},
        splits=[_split(split, ds, label) for split, ds in sets.items()] or _splits_of(data, label),
        classes=[] if label is None else _names(features[label]),
    )


def _is_label(feature: Any) -> bool:
    return hasattr(feature, "int2str") and getattr(feature, "num_classes", None) is not None


def _names(feature: Any) -> list[str]:
    return [feature.int2str(number) for number in range(feature.num_classes)]


def _words(feature: Any) -> str:
    """What a column holds, in words."""
    if _is_label(feature):
        return _class_words(feature.num_classes)
    kind = type(feature).__name__
    if kind == "Value":
        return str(feature.dtype)
    return "image" if kind == "Image" else str(feature)


def _split(name: str, ds: Any, label: str | None) -> SplitFacts:
    """Facts of one Dataset; only its column of labels is read."""
    if not hasattr(ds, "num_rows"):
        return SplitFacts(name, None)
    if label is None or label not in ds.features:
        return SplitFacts(name, ds.num_rows)
    numbers = ds.with_format(None).select_columns(label)[:][label]
    return SplitFacts(name, ds.num_rows, *_balance(numbers, ds.features[label].num_classes))


def _splits_of(data: Any, label: str | None) -> list[SplitFacts]:
    """Of one Dataset, its own; of a builder, what it says about splits that nobody has read."""
    if hasattr(data, "column_names"):
        return [_split(str(data.split or "all"), data, label)]
    return [SplitFacts(name, split.num_examples) for name, split in (data.info.splits or {}).items()]
