"""What training changes in a model, an optimizer and callbacks: taken out for a checkpoint, and put back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn.parameter import is_lazy

from miniai.callbacks.base import Callback
from miniai.errors import MiniaiError, RunError

__all__ = [
    "callbacks_state", "load_callbacks", "load_model", "load_optimizer", "model_state", "optimizer_state",
]  # fmt: skip

_GRADIENTS = "gradients"
_SHAPED = frozenset(
    {"exp_avg", "exp_avg_sq", "grad_avg", "max_exp_avg_sq", "mean", "momentum_buffer", "square_avg", "squares", "sum"}
)
"""What optimizers keep of a parameter in its shape."""


def model_state(model: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The model's tensors by name, those included that torch's `state_dict` leaves out, and what is no tensor."""
    state = dict(model.state_dict())
    tensors = {name: value.detach() for name, value in state.items() if isinstance(value, Tensor)}
    rest = {name: value for name, value in state.items() if not isinstance(value, Tensor)}
    return tensors | _hidden(model, state), rest


def _hidden(model: Any, state: Mapping[str, Any]) -> dict[str, Tensor]:
    """Buffers that are not persistent; a model of our own writing has none."""
    buffers = model.named_buffers() if hasattr(model, "named_buffers") else ()
    return {name: buffer.detach() for name, buffer in buffers if name not in state}


def load_model(model: Any, tensors: Mapping[str, Tensor], rest: Mapping[str, Any]) -> None:
    """Put back what `model_state` gave; RunError, and nothing is changed, if it is of another model."""
    state = model.state_dict()
    hidden = _hidden(model, state)
    here = {name: value for name, value in {**state, **hidden}.items() if isinstance(value, Tensor)}
    _compare(here, tensors)
    model.load_state_dict({name: value for name, value in {**tensors, **rest}.items() if name not in hidden})
    for name, buffer in hidden.items():
        buffer.copy_(tensors[name])


def _compare(here: Mapping[str, Tensor], there: Mapping[str, Tensor]) -> None:
    for name in [*here, *there]:
        if name not in here or name not in there:
            place = "this" if name in here else "the checkpoint's"
            raise RunError(f"the checkpoint is of another model: only {place} has {name!r}")
        a, b = here[name], there[name]
        if not is_lazy(a) and (a.shape != b.shape or a.dtype != b.dtype):
            raise RunError(
                f"the checkpoint is of another model: {name!r} is {b.dtype} {tuple(b.shape)} there, "
                f"{a.dtype} {tuple(a.shape)} here"
            )


def optimizer_state(opt: Any) -> dict[str, Any]:
    """The optimizer's state as torch's optimizers give it, and gradients that are kept from batch to batch."""
    if opt is None:
        return {}
    if hasattr(opt, "state_dict"):
        state = dict(opt.state_dict())
    else:  # one that is written by hand keeps nothing but its groups
        groups = [{name: value for name, value in group.items() if name != "params"} for group in opt.param_groups]
        state = {"param_groups": groups}
    gradients = {i: p.grad for i, p in enumerate(_parameters(opt)) if p.grad is not None}
    return {**state, _GRADIENTS: gradients} if gradients else state


def _parameters(opt: Any) -> Iterator[Tensor]:
    return (p for group in opt.param_groups for p in group["params"])


def load_optimizer(opt: Any, state: Mapping[str, Any]) -> None:
    """Put back what `optimizer_state` gave; the groups stay the same objects. RunError if it is of another one."""
    if opt is None or not state:
        return
    groups = list(opt.param_groups)
    try:
        rest = {name: value for name, value in state.items() if name != _GRADIENTS}
        _check_shapes(opt, rest)
        if hasattr(opt, "load_state_dict"):
            opt.load_state_dict(rest)
        else:
            rest = {"param_groups": [{**a, "params": b["params"]} for a, b in _pairs(rest["param_groups"], groups)]}
            opt.param_groups = rest["param_groups"]
        for old, new in _pairs(groups, opt.param_groups):  # others hold on to the old ones
            if old is not new:
                old.update(new)
        opt.param_groups[:] = groups
        parameters = list(_parameters(opt))
        for i, gradient in dict(state.get(_GRADIENTS, {})).items():
            parameters[i].grad = gradient.to(parameters[i].device).reshape(parameters[i].shape)
    except (AttributeError, IndexError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise RunError(f"the checkpoint is of another optimizer: {_line(error)}") from error


def _pairs(a: Iterable[Any], b: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    return zip(a, b, strict=True)


def _check_shapes(opt: Any, state: Mapping[str, Any]) -> None:
    """Averages of a parameter have its shape: else the first step would fail, and not say why."""
    parameters = list(_parameters(opt))
    for i, kept in dict(state.get("state", {})).items():
        for name, value in kept.items():
            if name in _SHAPED and value.shape != parameters[i].shape:
                raise ValueError(f"{name} of parameter {i} is {tuple(value.shape)}, not {tuple(parameters[i].shape)}")


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


def _named(cbs: Iterable[Callback]) -> Iterator[tuple[str, Callback]]:
    """Each callback by the name of its class; of a second one of that class NAME.2."""
    seen: dict[str, int] = {}
    for cb in cbs:
        name = type(cb).__name__
        seen[name] = count = seen.get(name, 0) + 1
        yield name if count == 1 else f"{name}.{count}", cb


def callbacks_state(cbs: Iterable[Callback]) -> dict[str, Any]:
    """What the callbacks want to keep, by name."""
    states = {name: cb.state_dict() for name, cb in _named(cbs)}
    return {name: state for name, state in states.items() if state}


def load_callbacks(cbs: Iterable[Callback], states: Mapping[str, Any]) -> None:
    """Give each callback its state; those that are not there on one side are passed over. RunError if one fails."""
    for name, cb in _named(cbs):
        if name in states:
            try:
                with torch.no_grad():
                    cb.load_state_dict(states[name])
            except MiniaiError:
                raise
            except Exception as error:
                raise RunError(f"the checkpoint's state of {name} cannot be used: {_line(error)}") from error
