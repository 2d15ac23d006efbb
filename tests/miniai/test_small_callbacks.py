"""Callbacks of a few lines: a function as one, the count of batches, the move to a device."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest
import torch

from miniai.conv import collate_device, def_device, to_cpu, to_device
from miniai.learner import CompletionCB, DeviceCB, FuncCB, Learner

Make = Callable[..., Learner]


class Callable_:
    def __init__(self) -> None:
        self.seen: list[Learner] = []

    def __call__(self, learn: Learner) -> None:
        self.seen.append(learn)

    def method(self, learn: Learner) -> None:
        self.seen.append(learn)


def test_func_cb_takes_every_kind_of_callable(make_learner: Make) -> None:
    target = Callable_()

    def note(where: list[Learner], learn: Learner) -> None:
        where.append(learn)

    def closure(learn: Learner) -> None:
        note(target.seen, learn)

    kinds: list[Callable[[Learner], object]] = [
        target,
        target.method,
        closure,
        lambda learn: note(target.seen, learn),
        functools.partial(note, target.seen),
    ]
    learn = make_learner([FuncCB(after_batch=f) for f in kinds])
    learn.fit(1, valid=False)
    assert target.seen == [learn] * 15


def test_completion_counts_and_prints(make_learner: Make, capsys: pytest.CaptureFixture[str]) -> None:
    cb = CompletionCB()
    make_learner([cb]).fit(2)
    assert cb.count == 10
    assert capsys.readouterr().out == "Completed 10 batches\n"


def test_device_moves_nested_batches(make_learner: Make) -> None:
    nested = {"a": torch.ones(2), "b": [torch.ones(1), (torch.ones(3), "word", 5)]}
    moved = to_device(nested, "meta")
    assert moved["a"].is_meta
    assert moved["b"][1][0].is_meta
    assert moved["b"][1][1:] == ("word", 5)
    assert not nested["a"].is_meta  # type: ignore[attr-defined]
    assert def_device in ("cpu", "cuda", "mps")
    assert collate_device([(1.0, 2), (3.0, 4)])[1].tolist() == [2, 4]
    half = to_cpu([torch.ones(1, dtype=torch.float16, requires_grad=True)])
    assert half[0].dtype == torch.float32
    assert not half[0].requires_grad
    devices: list[str] = []
    spy = FuncCB(after_predict=lambda learn: devices.append(f"{learn.batch[0].device} {learn.preds.device}"))
    learn = make_learner([DeviceCB("meta"), spy])
    learn.fit(1, train=False)
    assert devices == ["meta meta"] * 2
