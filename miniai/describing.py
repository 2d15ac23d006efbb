"""The job "data": load a dataset and say as facts what is known of it, with images of every class.

No torch at the top: loading it is a stage that the screen shows.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from miniai.fitting import Fitting, StoppedEarly
from miniai.heavy import load_torch
from miniai.run.events import DatasetDescribed

if TYPE_CHECKING:
    from torch import Tensor

    from miniai.catalog import ImageData

__all__ = ["Describing", "pick"]

ROOM = 8 << 20
"""Bytes of pixels in one file."""
EACH = 60
"""Images of one class, at most."""


class Describing(Fitting):
    """Nothing is trained."""

    def run(self) -> Literal["done", "stopped"]:
        """Load and describe; raises what loading raises."""
        try:
            self._stage("loading torch")
            load_torch()
            from miniai.facts import facts_of

            data = self._load_data()
            self._stage("looking at the data")
            about = asdict(facts_of(data))
            files = self._save(data)
        except StoppedEarly:
            return "stopped"
        self.reporter.emit(DatasetDescribed(at=self.reporter.now(), about=about, files=files))
        return "done"

    def _save(self, data: ImageData) -> dict[str, str]:
        """Some images of every class and split, as files of the run directory."""
        from safetensors.torch import save

        files = {}
        for split, x, y in (("train", data.train_x, data.train_y), ("valid", data.valid_x, data.valid_y)):
            chosen = pick(y, len(data.classes), ROOM // max(x[:1].numel() * len(data.classes), 1))
            file = f"preview/{split}.safetensors"
            path = self.run_dir.path / file
            tensors: dict[str, Any] = {"pixels": x[chosen].contiguous(), "labels": y[chosen].contiguous()}
            part = path.with_name(path.name + ".part")
            part.write_bytes(save(tensors))
            os.replace(part, path)
            files[split] = file
        return files


def pick(labels: Tensor, classes: int, each: int) -> Tensor:
    """Indices of the first images of every class, at most `each` (and EACH, and at least one) of one.

    In rounds: the first of each class, then the second of each.
    """
    import torch

    each = min(max(each, 1), EACH)
    rows = [(labels == number).nonzero().flatten()[:each] for number in range(classes)]
    keys = [torch.arange(len(row)) * classes + number for number, row in enumerate(rows)]
    if not rows:
        return torch.zeros(0, dtype=torch.long)
    return torch.cat(rows)[torch.cat(keys).argsort()]
