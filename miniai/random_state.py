"""Where all random number generators stand: noted, put back, and as plain values for a checkpoint."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from miniai.errors import RunError

__all__ = ["RandomState"]


def _generators(dls: Any) -> Iterator[torch.Generator]:
    """The loaders' own generators, where they have some."""
    for dl in (getattr(dls, "train", None), getattr(dls, "valid", None)):
        for owner in (dl, getattr(dl, "sampler", None)):
            generator = getattr(owner, "generator", None)
            if isinstance(generator, torch.Generator):
                yield generator


class RandomState:
    """The state of torch's generators (of all devices), of numpy's, of Python's, and of the loaders' own."""

    def __init__(self, dls: Any) -> None:
        self._generators = [(generator, generator.get_state()) for generator in _generators(dls)]
        self._cpu = torch.get_rng_state()
        self._cuda: list[Tensor] = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        self._mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
        self._numpy: Any = np.random.get_state()
        self._python = random.getstate()

    def restore(self) -> None:
        """Put them back."""
        for generator, state in self._generators:
            generator.set_state(state)
        torch.set_rng_state(self._cpu)
        if self._cuda and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(self._cuda[: torch.cuda.device_count()])
        if self._mps is not None and torch.backends.mps.is_available():
            torch.mps.set_rng_state(self._mps)
        np.random.set_state(self._numpy)
        random.setstate(self._python)

    def state_dict(self) -> dict[str, Any]:
        """The states as tensors and numbers."""
        name, keys, *rest = self._numpy
        version, words, spare = self._python
        return {
            "torch": self._cpu,
            "cuda": self._cuda,
            "mps": self._mps,
            "loaders": [state for _, state in self._generators],
            "numpy": [name, torch.from_numpy(keys.astype(np.int64)), *rest],
            "python": [version, torch.tensor(words), spare],
        }

    @classmethod
    def of(cls, state: dict[str, Any], dls: Any) -> RandomState:
        """From a `state_dict`; RunError if that is none, or not of as many loaders' generators."""
        here = cls(dls)
        try:
            here._cpu, here._cuda, here._mps = state["torch"], list(state["cuda"]), state["mps"]
            name, keys, *rest = state["numpy"]
            here._numpy = (name, keys.numpy().astype(np.uint32), *rest)
            version, words, spare = state["python"]
            here._python = version, tuple(words.tolist()), spare
            pairs = zip(here._generators, state["loaders"], strict=True)
            here._generators = [(generator, saved) for (generator, _), saved in pairs]
            before = cls(dls)
            try:
                here.restore()
            finally:
                before.restore()
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError, OverflowError) as error:
            raise RunError(f"the random state in the checkpoint cannot be used: {error}") from error
        return here
