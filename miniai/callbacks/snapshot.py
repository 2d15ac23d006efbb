"""Snapshot: a model, its optimizer and the random state, to be put back after a trial."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from miniai.errors import LearnerError

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["Modes", "RandomState", "Snapshot"]


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


def _generators(dls: Any) -> Iterator[torch.Generator]:
    """The loaders' own generators, where they have some."""
    for dl in (getattr(dls, "train", None), getattr(dls, "valid", None)):
        for owner in (dl, getattr(dl, "sampler", None)):
            generator = getattr(owner, "generator", None)
            if isinstance(generator, torch.Generator):
                yield generator


class RandomState:
    """Where all random number generators stand."""

    def __init__(self, dls: Any) -> None:
        self._generators = [(generator, generator.get_state()) for generator in _generators(dls)]
        self._cpu = torch.get_rng_state()
        self._cuda: list[Tensor] = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
        self._mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
        self._numpy, self._python = np.random.get_state(), random.getstate()

    def restore(self) -> None:
        """Put them back."""
        for generator, state in self._generators:
            generator.set_state(state)
        torch.set_rng_state(self._cpu)
        if self._cuda:
            torch.cuda.set_rng_state_all(self._cuda)
        if self._mps is not None:
            torch.mps.set_rng_state(self._mps)
        np.random.set_state(self._numpy)
        random.setstate(self._python)
