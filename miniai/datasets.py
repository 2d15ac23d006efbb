"""DataLoaders: the loaders of one training."""

from __future__ import annotations

from typing import Any

__all__ = ["DataLoaders"]


class DataLoaders:
    """The training loader and the validation loader, by name."""

    def __init__(self, *dls: Any) -> None:
        self.train, self.valid = dls[:2]
