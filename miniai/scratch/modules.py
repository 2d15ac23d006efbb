"""Module: something with parameters that is called like a function, written without torch.nn.Module.

Setting an attribute registers it: a `Parameter` as a parameter, a Module (ours or torch's) as a part. From that
follows all else here: whoever knows the parts can find all parameters, switch all to training, move all to a device.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import Parameter

from miniai.errors import LearnerError

__all__ = ["ForwardHook", "HookHandle", "Module", "Part"]

Part: TypeAlias = "Module | nn.Module"
"""What a Module can be made of: Modules of either kind."""
ForwardHook: TypeAlias = Callable[[Any, tuple[Any, ...], Any], Any]
"""Called after `forward` as `hook(module, inputs, output)`; what it returns, unless None, replaces the output."""
Self = TypeVar("Self", bound="Module")


class HookHandle:
    """Takes a forward hook off its module again."""

    def __init__(self, hooks: dict[HookHandle, ForwardHook]) -> None:
        self._hooks = hooks

    def remove(self) -> None:
        """Take it off; more than once is no error."""
        self._hooks.pop(self, None)


class Module:
    """Base of a model or of a part of one: derive from it, set the parts as attributes, write `forward`.

    `super().__init__()` need not be called. Offers of torch.nn.Module what training, hooks and checkpoints use.
    """

    training: bool = True
    _parameters: dict[str, Parameter | None]
    _modules: dict[str, Part | None]
    _forward_hooks: dict[HookHandle, ForwardHook]

    def __new__(cls: type[Self], *_args: Any, **_kwargs: Any) -> Self:
        """Make the registers, here and not in `__init__`, which derived classes would have to call first."""
        made = super().__new__(cls)
        made.__dict__.update(_parameters={}, _modules={}, _forward_hooks={})
        return made

    def __setattr__(self, name: str, value: Any) -> None:
        kinds: tuple[tuple[dict[str, Any], type | tuple[type, ...]], ...] = (
            (self._parameters, Parameter),
            (self._modules, (Module, nn.Module)),
        )
        for parts, kind in kinds:
            if isinstance(value, kind) or (value is None and name in parts):  # None keeps the place, as in torch
                parts[name] = value
            else:
                parts.pop(name, None)
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        super().__delattr__(name)
        self._parameters.pop(name, None)
        self._modules.pop(name, None)

    def forward(self, *_args: Any, **_kwargs: Any) -> Any:
        """What the module computes; to be written by each class."""
        raise LearnerError(f"{type(self).__name__} computes nothing: write its method forward(self, x)")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What `forward` returns, after the hooks have seen it."""
        output = self.forward(*args, **kwargs)
        for hook in list(self._forward_hooks.values()):
            changed = hook(self, args, output)
            output = output if changed is None else changed
        return output

    def register_forward_hook(self, hook: ForwardHook) -> HookHandle:
        """Call `hook(module, inputs, output)` after each forward pass, until `.remove()` of what this returns."""
        handle = HookHandle(self._forward_hooks)
        self._forward_hooks[handle] = hook
        return handle

    def named_children(self) -> Iterator[tuple[str, Part]]:
        """(name, part) of the direct parts, each part once."""
        seen: set[int] = set()
        for name, part in self._modules.items():
            if part is not None and id(part) not in seen:
                seen.add(id(part))
                yield name, part

    def children(self) -> Iterator[Part]:
        """The direct parts, each once."""
        return (part for _, part in self.named_children())

    def named_modules(self) -> Iterator[tuple[str, Part]]:
        """(dotted name, module): this one, named "", then all parts and their parts, depth first, each once."""
        return _walk(self, "", set())

    def modules(self) -> Iterator[Part]:
        """This module, all its parts and their parts, each once."""
        return (module for _, module in self.named_modules())

    def named_parameters(self, *, recurse: bool = True) -> Iterator[tuple[str, Parameter]]:
        """(dotted name, parameter) of this module and then of its parts, each parameter once, in torch's order.

        `recurse=False`: this module's own only.
        """
        if not recurse:
            yield from ((name, p) for name, p in self._parameters.items() if p is not None)
            return
        seen: set[int] = set()
        for prefix, module in self.named_modules():
            for name, parameter in module.named_parameters(recurse=False):
                if id(parameter) not in seen:
                    seen.add(id(parameter))
                    yield f"{prefix}.{name}" if prefix else name, parameter

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """All parameters, each once, in torch's order; `recurse=False`: this module's own only."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(self, *, recurse: bool = True) -> Iterator[tuple[str, Tensor]]:
        """(dotted name, buffer) of the parts that are torch's, each buffer once; a Module of ours has none itself."""
        seen: set[int] = set()
        for prefix, module in self.named_modules() if recurse else ():
            own = module.named_buffers(recurse=False) if isinstance(module, nn.Module) else ()
            for name, buffer in own:
                if id(buffer) not in seen:
                    seen.add(id(buffer))
                    yield f"{prefix}.{name}", buffer

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """All buffers, each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    def train(self: Self, mode: bool = True) -> Self:
        """Switch this and all parts to training (or, with False, to evaluation)."""
        self.training = mode
        for part in self.children():
            part.train(mode)
        return self

    def eval(self: Self) -> Self:
        """Switch this and all parts to evaluation."""
        return self.train(False)

    def apply(self: Self, f: Callable[[Any], object]) -> Self:
        """Call `f` with every part, inner ones first, and then with this module."""
        for part in self.children():
            part.apply(f)  # type: ignore[arg-type]  # torch wants a function that returns None
        f(self)
        return self

    def to(self: Self, *args: Any, **kwargs: Any) -> Self:
        """Move all parameters to a device (or type), as `Tensor.to` does; they stay the same objects."""
        for _, parameter in self.named_parameters(recurse=False):
            parameter.data = parameter.data.to(*args, **kwargs)
            if parameter.grad is not None:
                parameter.grad = parameter.grad.to(*args, **kwargs)
        for part in self.children():
            part.to(*args, **kwargs)
        return self

    def state_dict(self, prefix: str = "") -> dict[str, Tensor]:
        """All weights by name (and the buffers of torch's modules): the very tensors, not copies."""
        state = {f"{prefix}{name}": p.detach() for name, p in self.named_parameters(recurse=False)}
        for name, part in self._modules.items():
            if part is not None:
                state.update(part.state_dict(prefix=f"{prefix}{name}."))
        return state

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Copy the weights of a `state_dict` of such a module; LearnerError if the names differ."""
        mine = self.state_dict()
        if different := sorted(mine.keys() ^ state.keys()):
            raise LearnerError(f"these weights are of another model: {', '.join(different)} is only in one of the two")
        for name, tensor in mine.items():
            if tensor.shape != state[name].shape:
                raise LearnerError(
                    f"{name} is {tuple(tensor.shape)} here but {tuple(state[name].shape)} in the weights"
                )
            tensor.copy_(state[name])

    def extra_repr(self) -> str:
        """What `repr` says of this module besides its parts, such as sizes."""
        return ""

    def shown_parts(self) -> Iterator[tuple[str, object]]:
        """The (name, part) pairs that `repr` shows."""
        return ((name, part) for name, part in self._modules.items() if part is not None)

    def __repr__(self) -> str:
        lines = [textwrap.indent(f"({name}): {part!r}", "  ") for name, part in self.shown_parts()]
        inside = "\n".join([self.extra_repr(), *lines, ""]) if lines else self.extra_repr()
        return f"{type(self).__name__}({inside})"


def _walk(module: Part, name: str, seen: set[int]) -> Iterator[tuple[str, Part]]:
    if id(module) in seen:
        return
    seen.add(id(module))
    yield name, module
    for child_name, child in module.named_children():
        yield from _walk(child, f"{name}.{child_name}" if name else child_name, seen)
