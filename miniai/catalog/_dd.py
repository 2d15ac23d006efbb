"""A dataset of the catalog as a Hugging Face `DatasetDict`, made in memory."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING, Any

from miniai.catalog._images import ImageData

if TYPE_CHECKING:
    import datasets
    import numpy as np
    from torch import Tensor

__all__ = ["as_dd"]


def as_dd(data: ImageData) -> datasets.DatasetDict:
    """Splits "train" and "test" with the columns "image" (PNG, decoded when read) and "label" (with the names)."""
    import datasets

    features = datasets.Features(image=datasets.Image(), label=datasets.ClassLabel(names=data.classes))
    info = datasets.DatasetInfo(dataset_name=data.name, features=features)
    splits = {"train": (data.train_x, data.train_y), "test": (data.valid_x, data.valid_y)}
    return datasets.DatasetDict(
        {
            name: datasets.Dataset.from_dict({"image": list(_encoded(x)), "label": y.numpy()}, info=info)
            for name, (x, y) in splits.items()
        }
    )


def _encoded(images: Tensor) -> Iterator[dict[str, Any]]:
    """uint8 (n, channels, height, width) -> one PNG each, grey or RGB."""
    from PIL import Image

    pixels: np.ndarray[Any, Any] = images.permute(0, 2, 3, 1).contiguous().numpy()
    for image in pixels[..., 0] if pixels.shape[-1] == 1 else pixels:
        file = BytesIO()
        Image.fromarray(image).save(file, "PNG")
        yield {"bytes": file.getvalue(), "path": None}
