"""One contract for every callback there is: discovered, constructed, fitted twice, cancelled from every hook."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from torch import nn

import miniai
from miniai.accel import AccelerateCB
from miniai.callbacks.alerts import AlertsCB
from miniai.callbacks.base import HOOKS, Callback
from miniai.callbacks.checkpoint import CheckpointCB
from miniai.callbacks.clock import TrainingClock
from miniai.callbacks.confusion import ConfusionCB
from miniai.callbacks.control import ControlCB
from miniai.callbacks.environment import EnvironmentCB
from miniai.callbacks.layers import LayerStatsCB
from miniai.callbacks.preview import PreviewCB
from miniai.callbacks.rates import RatesCB
from miniai.callbacks.report import ReportCB
from miniai.callbacks.resume import ResumeCB
from miniai.callbacks.system import SystemCB
from miniai.callbacks.transform import BatchTransformCB
from miniai.callbacks.worst import WorstCB
from miniai.hooks import HooksCallback
from miniai.learner import (
    CancelBatchException,
    CancelEpochException,
    CancelFitException,
    DeviceCB,
    FuncCB,
    Learner,
    MetricsCB,
    TrainCB,
)
from miniai.metrics import Accuracy
from miniai.plain import from_plain, to_plain
from miniai.random_state import RandomState
from miniai.run.checkpoint import CheckpointState, free_name, write
from miniai.run.control import RunControl
from miniai.run.events import Fact
from miniai.run.revision import Revision
from miniai.run.watch import Watch
from miniai.sgd import BaseSchedCB, BatchSchedCB, EpochSchedCB

Make = Callable[..., Learner]


def unheard(fact: Fact) -> None:
    """A listener that does not listen."""


def steady(opt: Any) -> Any:
    """A schedule that changes nothing."""
    return torch.optim.lr_scheduler.LambdaLR(opt, lambda step: 1.0)


# What trains another way than TrainCB alone on purpose: in half precision, or only for a trial.
OTHER_WEIGHTS = {"SingleBatchCB", "MixedPrecision", "LRFinderCB"}


def resumes(folder: Path) -> ResumeCB:
    """From the very beginning of what `make_learner` makes."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(32, 3))
    random = to_plain({"here": RandomState(None).state_dict()})
    state = CheckpointState(
        step=0, epoch=0, phase="train", batch=0, n_epochs=2, wall=0.0, sizes={}, optimizer={}, random=random
    )
    name = free_name(folder, "step", 0)
    write(folder, name, model.state_dict(), {}, state)
    return ResumeCB(folder / name, state)


def as_json(cb: Callback) -> bytes:
    """Its state; a time that goes on while we look is left as 0."""
    state = cb.state_dict()
    return msgspec.json.encode(to_plain({**state, "seconds": 0.0} if "seconds" in state else state))


# How to construct what needs arguments; a callback that is made without any needs no line here.
MAKERS: dict[str, Callable[[Path], Callback]] = {
    "DeviceCB": lambda folder: DeviceCB("cpu"),
    "MetricsCB": lambda folder: MetricsCB(accuracy=Accuracy()),
    "HooksCallback": lambda folder: HooksCallback(lambda hook, m, inputs, output: None),
    "ReportCB": lambda folder: ReportCB(unheard),
    "LayerStatsCB": lambda folder: LayerStatsCB(unheard),
    "EnvironmentCB": lambda folder: EnvironmentCB(unheard, ask=lambda folder: Revision()),
    "PreviewCB": lambda folder: PreviewCB(unheard, folder),
    "ConfusionCB": lambda folder: ConfusionCB(unheard),
    "WorstCB": lambda folder: WorstCB(unheard, folder),
    "SystemCB": lambda folder: SystemCB(unheard, folder, first=0.0),
    "BaseSchedCB": lambda folder: BaseSchedCB(steady),
    "BatchSchedCB": lambda folder: BatchSchedCB(steady),
    "EpochSchedCB": lambda folder: EpochSchedCB(steady),
    "BatchTransformCB": lambda folder: BatchTransformCB(lambda batch: batch),
    "AccelerateCB": lambda folder: AccelerateCB(mixed_precision="no"),
    "RatesCB": lambda folder: RatesCB(unheard),
    "CheckpointCB": lambda folder: CheckpointCB(unheard, folder / "checkpoints", best="loss"),
    "ResumeCB": resumes,
    "AlertsCB": lambda folder: AlertsCB(Watch()),
    "ControlCB": lambda folder: ControlCB(RunControl(), unheard, lambda: 0.0, TrainingClock()),
}


def every_callback() -> list[type[Callback]]:
    """All public subclasses of Callback in the package; a private one is tested with what it is a part of."""
    for module in pkgutil.walk_packages(miniai.__path__, "miniai."):
        if not module.name.startswith(("miniai.models.", "miniai.catalog.")):
            importlib.import_module(module.name)
    found: set[type[Callback]] = set()
    todo: list[type[Callback]] = [Callback]
    while todo:
        for cls in todo.pop().__subclasses__():
            todo.append(cls)
            if cls.__module__.startswith("miniai.") and not cls.__name__.startswith("_"):
                found.add(cls)
    return sorted(found, key=lambda cls: cls.__name__)


CALLBACKS = every_callback()
KINDS = [CancelFitException, CancelEpochException, CancelBatchException, ZeroDivisionError]


def construct(cls: type[Callback], folder: Path) -> Callback:
    maker: Callable[[Path], Callback] = MAKERS.get(cls.__name__, lambda folder: cls())
    return maker(folder)


def with_callback(make_learner: Make, cb: Callback) -> Learner:
    """A Learner that has `cb`, in the place of its TrainCB if `cb` is one."""
    learn = make_learner([cb])
    if isinstance(cb, TrainCB):
        del learn.cbs[0]
    return learn


def comes_out(thrower: Any, hook: str, kind: type[Exception]) -> bool:
    """Whether the caller of a fit gets what was raised in `hook`, by the table of what a cancel skips.

    A cancel ends with what it names. In the cleanup after a graver one, which a callback may itself have raised, it is
    void; an error never is.
    """
    if not thrower.raised or kind is CancelFitException:
        return False
    if kind is ZeroDivisionError:
        return True
    here = {
        CancelEpochException: not hook.endswith("_fit"),
        CancelBatchException: not hook.endswith(("_fit", "_epoch")),
    }
    return not here[kind] and not isinstance(thrower.leaving, CancelFitException)


def hooks_left(model: nn.Module) -> int:
    places = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    return sum(len(getattr(m, place)) for m in model.modules() for place in places)


def test_all_are_found() -> None:
    names = {cls.__name__ for cls in CALLBACKS}
    assert {"TrainCB", "MetricsCB", "ReportCB", "LayerStatsCB", "PreviewCB", "ActivationStats", "FuncCB"} <= names


@pytest.mark.parametrize("cls", CALLBACKS, ids=lambda cls: cls.__name__)
def test_documented(cls: type[Callback]) -> None:
    assert cls.__doc__
    assert all(getattr(cls, name).__doc__ for name in HOOKS)


@pytest.mark.parametrize("cls", CALLBACKS, ids=lambda cls: cls.__name__)
def test_fitted_twice_and_given_to_fit(make_learner: Make, tmp_path: Path, cls: type[Callback]) -> None:
    cb = construct(cls, tmp_path)
    plain = make_learner()
    plain.fit(2)
    plain.fit(1)
    learn = with_callback(make_learner, cb)
    random_state = torch.get_rng_state()
    learn.fit(2)
    learn.fit(1)
    extra = make_learner()
    mine = list(extra.cbs)
    trains = issubclass(cls, TrainCB)
    if not trains:
        extra.fit(2, cbs=cb)
        extra.fit(1, cbs=cb)
        assert extra.cbs == mine
    assert torch.equal(torch.get_rng_state(), random_state), "a callback drew a random number"
    for other in (learn, extra):
        assert hooks_left(other.model) == 0
        if cls.__name__ not in OTHER_WEIGHTS and not (other is extra and trains):
            assert other.steps == plain.steps
            for a, b in zip(other.model.parameters(), plain.model.parameters(), strict=True):
                assert torch.equal(a, b)


@pytest.mark.parametrize("cls", CALLBACKS, ids=lambda cls: cls.__name__)
def test_its_state_goes_through_json_and_comes_back(make_learner: Make, tmp_path: Path, cls: type[Callback]) -> None:
    """Taken between two batches of either half, it is plain; put into a twin, once or twice, it is the same again."""
    states: list[bytes] = []
    twin = construct(cls, tmp_path)
    cb = construct(cls, tmp_path)

    def through(learn: Learner) -> None:
        states.append(as_json(cb))
        assert as_json(cb) == states[-1], "taking it has changed it"

    with_callback(make_learner, cb).fit(2, cbs=FuncCB(cleanup_batch=through, order=3000))
    assert states
    for before in states[2:4]:

        def put(learn: Learner, before: bytes = before) -> None:
            for _ in range(2):
                twin.load_state_dict(from_plain(msgspec.json.decode(before)))
            assert as_json(twin) == before

        with_callback(make_learner, twin).fit(1, cbs=FuncCB(before_epoch=put, order=3000))


@pytest.mark.parametrize("cls", CALLBACKS, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("place", [-1000, 1000])
def test_cancelled_from_every_hook(
    make_learner: Make, raiser: Any, tmp_path: Path, cls: type[Callback], place: int
) -> None:
    """Whatever is raised before or after it, a callback lets it pass, leaves no hook, and can be used again."""
    cb = construct(cls, tmp_path)
    learn = with_callback(make_learner, cb)
    for hook in HOOKS:
        for kind in KINDS:
            error = kind("raised here")
            thrower = raiser(hook, error, training=True)
            thrower.order = place
            caught: list[BaseException] = []
            try:
                learn.fit(1, cbs=thrower)
            except tuple(KINDS) as problem:
                caught.append(problem)
            assert caught == ([error] if comes_out(thrower, hook, kind) else [])
            assert hooks_left(learn.model) == 0
            assert not any(p.grad is not None and p.grad.any() for p in learn.model.parameters())
    steps = learn.steps
    learn.fit(1)
    assert learn.steps == steps + (1 if cls.__name__ == "SingleBatchCB" else 3)
