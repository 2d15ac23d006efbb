"""A tiny learning problem, a callback that notes what happens, and one that raises."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from miniai.callbacks.base import HOOKS, Callback
from miniai.learner import Learner, TrainCB

# threads that wait for each other on tiny tensors cost minutes where the cores are shared
torch.set_num_threads(1)

Loader = list[tuple[Tensor, Tensor]]


class Recorder(Callback):
    """Notes (event, epoch, half, batch) of every hook."""

    def __init__(self, order: int = 0) -> None:
        self.order = order
        self.events: list[str] = []
        for name in HOOKS:
            setattr(self, name, lambda learn, name=name: self.events.append(name))


class Raiser(Callback):
    """Raises `error` at the first call of `hook` in the given half (either half for the hooks of the fit)."""

    def __init__(self, hook: str, error: BaseException, training: bool = True) -> None:
        self.raised = 0

        def raise_once(learn: Learner) -> None:
            if not self.raised and (hook.endswith("_fit") or learn.training == training):
                self.raised += 1
                raise error

        setattr(self, hook, raise_once)


def _loader(sizes: list[int], seed: int) -> Loader:
    g = torch.Generator().manual_seed(seed)
    return [(torch.rand(n, 1, 4, 4, generator=g), torch.randint(0, 3, (n,), generator=g)) for n in sizes]


@pytest.fixture
def dls() -> SimpleNamespace:
    """Three training batches and two for validation, of different sizes: images (n, 1, 4, 4), three classes."""
    return SimpleNamespace(train=_loader([5, 5, 2], 1), valid=_loader([7, 3], 2))


@pytest.fixture
def make_learner(dls: SimpleNamespace) -> Callable[..., Learner]:
    """`make_learner(cbs, cls=Learner, **kwargs)`: the same small classifier each time; TrainCB is included."""

    def make(cbs: list[Callback] | None = None, cls: type[Learner] = Learner, **kwargs: Any) -> Learner:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3))
        steps = [TrainCB()] if cls is Learner else []
        given = {"dls": dls, "loss_func": F.cross_entropy, "lr": 0.1, **kwargs}
        return cls(model, cbs=[*steps, *(cbs or [])], **given)

    return make


@pytest.fixture
def recorder() -> type[Recorder]:
    return Recorder


@pytest.fixture
def raiser() -> type[Raiser]:
    return Raiser
