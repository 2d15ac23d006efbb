"""Layer-sequential unit-variance initialisation: scale a layer by what it makes of real data."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from miniai.errors import LearnerError
from miniai.hooks import Hook, Hooks
from miniai.looking import kept_modes

__all__ = ["lsuv_init"]


class _Measured(NamedTuple):
    mean: float
    std: float
    low: float
    high: float


@torch.no_grad()
def lsuv_init(
    model: nn.Module, m: nn.Module, m_in: nn.Module, xb: Tensor, tol: float = 1e-3, max_steps: int = 100
) -> tuple[float, float]:
    """Change weight and bias of `m_in` until the output of `m` has mean 0 and standard deviation 1, +-`tol`, on `xb`.

    Mishkin and Matas, "All you need is a good init" (2015); the mean is the course's addition. `m` is `m_in` or a
    later module of `model`, such as its activation; `xb` is one batch of inputs. Go through the layers from the first
    to the last. Returns the mean and standard deviation reached.

    The mean is left alone where it cannot become 0: if `m_in` has no bias, or if `m`'s output is never negative (a
    plain ReLU). The model runs in eval mode, so neither dropout nor the batch-norm statistics take part or change;
    each module's mode is as before afterwards.

    LearnerError, and the weights are as before: if `m` does not run, if its output does not vary or is not finite,
    and if the goal is not met in `max_steps` steps.
    """
    weight, bias = _parameters(m_in)
    kept = [(p, p.clone()) for p in (weight, bias) if p is not None]
    try:
        with kept_modes(model), Hooks([m], _keep) as hooks:
            model.eval()
            return _solve(lambda: _measure(model, m, xb, hooks[0]), weight, bias, tol, max_steps)
    except BaseException:
        for parameter, before in kept:
            parameter.copy_(before)
        raise


def _parameters(m_in: nn.Module) -> tuple[Tensor, Tensor | None]:
    weight, bias = getattr(m_in, "weight", None), getattr(m_in, "bias", None)
    if not isinstance(weight, Tensor):
        raise LearnerError(f"lsuv_init scales a layer's weight, but {type(m_in).__name__} has none: give m_in a layer")
    return weight, bias if isinstance(bias, Tensor) else None


def _keep(hook: Hook, _module: nn.Module, _inputs: Any, output: Any) -> None:
    if not isinstance(output, Tensor):
        raise LearnerError(f"lsuv_init measures a tensor; the output of m is of type {type(output).__name__}")
    if output.numel() < 2:
        raise LearnerError("lsuv_init measures a standard deviation: it needs a batch with at least two activations")
    acts = output.float()
    hook.found = _Measured(*(a.item() for a in (acts.mean(), acts.std(), *acts.aminmax())))  # type: ignore[attr-defined]


def _measure(model: nn.Module, m: nn.Module, xb: Tensor, hook: Hook) -> _Measured:
    model(xb)
    found: _Measured | None = vars(hook).pop("found", None)
    if found is None:
        raise LearnerError(f"{type(m).__name__} did not run when the model did: give lsuv_init a module of the model")
    if not math.isfinite(found.std) or not math.isfinite(found.mean):
        raise LearnerError(f"the output of {type(m).__name__} is not finite: look for NaN in the inputs and weights")
    if found.low == found.high:  # the computed deviation may be a rounding error above 0
        raise LearnerError(
            f"the output of {type(m).__name__} does not vary (it is {found.mean:g} everywhere), so no scale helps: "
            "initialise its layer anew, with init_weights for one, and give a batch of different inputs"
        )
    return found


def _solve(
    measure: Callable[[], _Measured], weight: Tensor, bias: Tensor | None, tol: float, max_steps: int
) -> tuple[float, float]:
    centring = bias is not None
    untouched = None if bias is None else bias.clone()
    for steps in range(max_steps + 1):
        mean, std, low, _ = measure()
        if centring and steps == 1 and low >= 0:
            # the bias has just taken the mean away, and still nothing is below 0: it would have to kill the layer
            assert bias is not None
            assert untouched is not None
            bias.copy_(untouched)
            centring = False
            mean, std, low, _ = measure()
        if abs(std - 1) <= tol and not (centring and abs(mean) > tol):
            return mean, std
        if bias is not None and centring:
            bias.sub_(mean).div_(std)
        weight.div_(std)
    raise LearnerError(
        f"lsuv_init came to a mean of {mean:.3g} and a standard deviation of {std:.3g} in {max_steps} steps, not to "
        f"0 and 1: the output may be bounded; measure the layer itself (m=m_in), or allow a larger tol"
    )
