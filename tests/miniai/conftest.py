"""A tiny learning problem, a callback that notes what happens, and one that raises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from miniai.callbacks.base import HOOKS, Callback
from miniai.callbacks.clock import TrainingClock
from miniai.callbacks.report import ReportCB
from miniai.learner import Learner, MetricsCB, TrainCB
from miniai.metrics import Accuracy
from miniai.run.events import Fact, Scalars
from tests.idx import write_idx

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
    """Raises `error` at the first call of `hook` in the given half (either half for the hooks of the fit).

    `leaving` is what was ending the batch, half epoch or fit when it did.
    """

    def __init__(self, hook: str, error: BaseException, training: bool = True) -> None:
        self.raised = 0
        self.leaving: BaseException | None = None

        def raise_once(learn: Learner) -> None:
            if not self.raised and (hook.endswith("_fit") or learn.training == training):
                self.raised += 1
                self.leaving = learn.leaving
                raise error

        setattr(self, hook, raise_once)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Idx files of data that any model learns."""
    return write_idx(tmp_path_factory.mktemp("idx"))


F_ = TypeVar("F_", bound=Fact)


class Time:
    """A clock that goes only when told to."""

    def __init__(self) -> None:
        self.t = 100.0

    def __call__(self) -> float:
        return self.t

    def pass_(self, seconds: float) -> None:
        self.t += seconds


class Heard:
    """A ReportCB on a still clock, and the facts it emitted."""

    def __init__(self, **kwargs: Any) -> None:
        self.time = Time()
        self.clock = TrainingClock(self.time)
        self.facts: list[Fact] = []
        self.cb = ReportCB(self.facts.append, lambda: self.time.t - 100.0, self.clock, **kwargs)
        self.metrics = MetricsCB(accuracy=Accuracy())

    @property
    def cbs(self) -> list[Any]:
        return [self.metrics, self.cb]

    def of(self, kind: type[F_]) -> list[F_]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def series(self, name: str) -> list[tuple[int, Any]]:
        return [
            (fact.first + i * fact.stride, value)
            for fact in self.of(Scalars)
            if fact.name == name
            for i, value in enumerate(fact.values)
        ]


class Late:
    """A copy that arrives when the next one is asked for, as from a GPU."""

    waited = 0

    def __init__(self, tensor: Tensor) -> None:
        self.tensor, self.asked = tensor, 0

    def ready(self) -> bool:
        self.asked += 1
        return self.asked > 1

    def read(self) -> Tensor:
        Late.waited += self.asked <= 1
        return self.tensor


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


@pytest.fixture
def hear() -> type[Heard]:
    """`hear(every=..., drain=...)`: a ReportCB on a still clock."""
    return Heard


@pytest.fixture
def late() -> type[Late]:
    """A copy that arrives late."""
    Late.waited = 0
    return Late
