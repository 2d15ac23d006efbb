"""Snapshot: a model, its optimizer and the random state, to be put back after a trial."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from miniai.errors import LearnerError
from miniai.random_state import RandomState

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["Modes", "Snapshot"]


class Snapshot:
    """A copy of what training changes in a Learner; `restore` puts it back into the same objects.

    Weights, gradients, buffers and what else is in the model's state, the mode of each module, the state of the
    optimizer, and the random state of torch (all devices), numpy, random and the loaders' own generators. What a
    module keeps elsewhere (plain attributes that `get_extra_state` does not give) is not in it. LearnerError if the
    model has lazy layers that have seen no batch yet: to those there is no way back.
    """

    def __init__(self, learn: Learner) -> None:
        model = learn.model
        _refuse_lazy(model)
        self.model, self.opt = model, learn.opt
        self._state = copy.deepcopy(model.state_dict())
        # state_dict leaves these out
        self._hidden = {name: t.detach().clone() for name, t in model.named_buffers() if name not in self._state}
        self._grads = {name: None if p.grad is None else p.grad.clone() for name, p in model.named_parameters()}
        self._modes = Modes(model)
        self._opt_state = copy.deepcopy(self.opt.state_dict()) if hasattr(self.opt, "state_dict") else None
        self._random = RandomState(learn.dls)

    def restore(self) -> None:
        """Put everything back; the model stays on the device it is on."""
        self.model.load_state_dict(self._state)
        buffers = dict(self.model.named_buffers())
        with torch.no_grad():
            for name, value in self._hidden.items():
                buffers[name].copy_(value)
        for name, parameter in self.model.named_parameters():
            grad = self._grads[name]
            parameter.grad = None if grad is None else grad.to(parameter.device)
        self._modes.restore()
        if self._opt_state is not None:
            self.opt.load_state_dict(self._opt_state)
        self._random.restore()


def _refuse_lazy(model: nn.Module) -> None:
    tensors = (*model.named_parameters(), *model.named_buffers())
    lazy = [name for name, tensor in tensors if is_lazy(tensor)]
    if lazy:
        raise LearnerError(
            f"{lazy[0]} gets its shape from the first batch, which cannot be undone after a trial: call the model once "
            "before, with model(inputs) or learn.summary()"
        )


class Modes:
    """Which modules of a model are in training mode."""

    def __init__(self, model: nn.Module) -> None:
        self._modes = [(module, module.training) for module in model.modules()]

    def restore(self) -> None:
        """Put each back."""
        for module, training in self._modes:
            module.training = training
