"""Optimizers without torch's compiler: the same class to the bit, and nothing of the compiler is loaded."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn, optim
from torch.optim import Optimizer, lr_scheduler

from miniai import optimizers
from miniai.eager import eager
from tests.idx import write_idx

KINDS: list[tuple[type[Optimizer], dict[str, Any]]] = [
    (optim.SGD, {}),
    (optim.SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    (optim.SGD, {"maximize": True, "foreach": True}),
    (optim.Adam, {"amsgrad": True}),
    (optim.Adam, {"foreach": True}),
    (optim.AdamW, {"weight_decay": 0.5}),
    (optim.AdamW, {"fused": True}),
    (optim.RMSprop, {"centered": True, "momentum": 0.5}),
]


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))


def trained(opt_func: Callable[..., Optimizer], resumed_at: int = -1) -> tuple[list[torch.Tensor], dict[str, Any]]:
    """Weights and the optimizer's state after some steps of two groups; with a new optimizer in between if asked."""
    net = model()

    def made() -> Optimizer:
        opt = opt_func([{"params": net[0].parameters()}], lr=0.05)  # type: ignore[index]
        opt.add_param_group({"params": list(net[2].parameters()), "lr": 0.01})  # type: ignore[index]
        return opt

    opt = made()
    for step in range(6):
        if step == resumed_at:
            state = opt.state_dict()
            opt = made()
            opt.load_state_dict(state)
        torch.manual_seed(step)
        net(torch.randn(8, 4)).square().mean().backward()
        opt.step()
        opt.zero_grad(set_to_none=step % 2 == 0)
    return [p.detach().clone() for p in net.parameters()], opt.state_dict()


def equal(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(equal, a, b))
    return bool(a == b)


@pytest.mark.parametrize("at", [-1, 3])
@pytest.mark.parametrize(("kind", "options"), KINDS)
def test_the_same_steps_to_the_bit(kind: type[Optimizer], options: dict[str, Any], at: int) -> None:
    def of(cls: type[Optimizer]) -> Callable[..., Optimizer]:
        return lambda groups, lr: cls(groups, lr=lr, **options)  # type: ignore[call-arg]

    theirs, ours = trained(of(kind), at), trained(of(eager(kind)), at)
    assert equal(theirs, ours)


def test_it_is_a_class_of_torch_s_made_once() -> None:
    opt = eager(optim.Adam)(model().parameters())
    assert isinstance(opt, optim.Adam)
    assert repr(opt) == repr(optim.Adam(model().parameters()))
    assert eager(optim.Adam) is eager(optim.Adam)


class _Mine(eager(optim.Adam)):  # type: ignore[misc]
    """A user's own kind of one."""


@pytest.mark.parametrize("kind", [eager(optim.Adam), eager(optim.SGD), _Mine])
@pytest.mark.parametrize("again", [copy.deepcopy, lambda opt: pickle.loads(pickle.dumps(opt))], ids=["copy", "pickle"])
def test_a_copy_goes_on_as_its_original(kind: type[Optimizer], again: Callable[[Optimizer], Optimizer]) -> None:
    opt = kind([nn.Parameter(torch.ones(2))], lr=0.1)  # type: ignore[call-arg]
    other = opt
    for step in range(3):
        for each in {id(opt): opt, id(other): other}.values():
            each.param_groups[0]["params"][0].grad = torch.tensor([1.0, step])
            each.step()
        if step == 0:
            other = again(opt)
    assert type(other) is kind
    assert other is not opt
    assert equal(opt.state_dict(), other.state_dict())
    assert torch.equal(opt.param_groups[0]["params"][0], other.param_groups[0]["params"][0])


@pytest.mark.parametrize("on", [True, False])
def test_gradients_are_as_they_were(on: bool) -> None:
    weight = nn.Parameter(torch.ones(2))
    opt = eager(optim.SGD)([weight], lr=0.1)
    seen: list[bool] = []

    def closure() -> float:
        seen.append(torch.is_grad_enabled())
        opt.zero_grad()
        loss = weight.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.item()

    with torch.set_grad_enabled(on):
        assert opt.step(closure) == 2.0
        assert torch.is_grad_enabled() is on
        with pytest.raises(ZeroDivisionError):
            opt.step(lambda: 1 / 0)
        assert torch.is_grad_enabled() is on
    assert seen == [True]
    assert weight.grad_fn is None
    assert torch.equal(weight.detach(), torch.full((2,), 0.8))


def test_hooks_and_schedules_work_as_ever() -> None:
    weight, heard = nn.Parameter(torch.ones(1)), []
    opt = eager(optim.SGD)([weight], lr=1.0)
    opt.register_step_pre_hook(lambda *_: heard.append("before"))
    opt.register_step_post_hook(lambda *_: heard.append("after"))
    schedule = lr_scheduler.StepLR(opt, 1, 0.5)
    weight.grad = torch.ones(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # "before optimizer.step()"
        opt.step()
        schedule.step()
    assert heard == ["before", "after"]
    assert opt.param_groups[0]["lr"] == 0.5
    scaler = torch.amp.GradScaler("cpu")
    scaler.scale(weight.sum()).backward()  # type: ignore[no-untyped-call]
    scaler.step(opt)


FIT = """
import sys
from pathlib import Path
from miniai.config import RunConfig
from miniai.run.control import RunControl
from miniai.run.directory import create_run
from miniai.trainer import host
for job in ("fit", "lr-find"):
    config = RunConfig(data_dir=sys.argv[2], epochs=1, bs=64, device="cpu", threads=1, model="conv", job=job)
    ended = host(create_run(Path(sys.argv[1]), config), RunControl(), outlives=False)
    assert ended.reason == "done", ended
from miniai import optimizers
import torch
for name in optimizers.names():
    opt = optimizers.get(name)([torch.nn.Parameter(torch.ones(1))], 0.1)
    opt.zero_grad()
    opt.step()
    opt.load_state_dict(opt.state_dict())
print(",".join({"sympy", "torch._dynamo"} & set(sys.modules)))
"""


def test_a_fit_from_start_to_checkpoint_loads_no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would take longer than torch: where this fails, every start has become two seconds slower."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    command = [sys.executable, "-c", FIT, str(tmp_path / "runs"), str(write_idx(tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr


def test_the_named_optimizers_are_such() -> None:
    weight = nn.Parameter(torch.ones(1))
    assert type(optimizers.get("adamw")([weight], 0.1)) is eager(optim.AdamW)
