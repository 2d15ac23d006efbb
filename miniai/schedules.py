"""Named schedules of the learning rate: what `--sched` takes. No torch until one is asked for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from miniai.errors import UsageError

if TYPE_CHECKING:
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

    from miniai.callbacks.schedule import BatchSchedCB

__all__ = ["callback", "names"]

_NAMES = ("constant", "cosine", "onecycle")


def names() -> list[str]:
    """The names that `callback` knows, sorted."""
    return list(_NAMES)


def callback(name: str, lr: float, steps: int) -> BatchSchedCB | None:
    """The callback that changes the rate after each of `steps` training batches; None for "constant".

    "cosine" falls from `lr` to 0 (Loshchilov and Hutter 2017, SGDR, without restarts); "onecycle" rises to `lr` in the
    first quarter and falls to almost 0 (Smith and Topin 2019, Super-Convergence), the optimizer's momentum, if it has
    any, the other way round. Raises `UsageError` for another name.
    """
    if name not in _NAMES:
        raise UsageError(f"no schedule is named {name!r}: choose one of {', '.join(_NAMES)}")
    if name == "constant":
        return None
    from miniai.callbacks.schedule import BatchSchedCB

    return BatchSchedCB(partial(_onecycle if name == "onecycle" else _cosine, lr=lr, steps=steps))


def _cosine(opt: Optimizer, lr: float, steps: int) -> LRScheduler:  # noqa: ARG001 - the optimizer has it
    from torch.optim.lr_scheduler import CosineAnnealingLR

    return CosineAnnealingLR(opt, T_max=max(steps, 1))


def _onecycle(opt: Optimizer, lr: float, steps: int) -> LRScheduler:
    from torch.optim.lr_scheduler import OneCycleLR

    group: dict[str, Any] = opt.param_groups[0]
    momentum = bool(group.get("betas") or group.get("momentum"))  # where it is 0, it must stay so
    return OneCycleLR(opt, max_lr=lr, total_steps=max(steps, 2), pct_start=0.25, cycle_momentum=momentum)
