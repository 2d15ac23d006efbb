"""Forward hooks that can be found and removed again, and a callback that sets them for the time of a fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, SupportsIndex, TypeAlias, overload

from torch import Tensor, nn

from miniai.callbacks.base import Callback, CancelBatchException, CancelEpochException, CancelFitException
from miniai.errors import LearnerError, MiniaiError

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["Hook", "HookFunc", "Hooks", "HooksCallback", "is_leaf"]

HookFunc: TypeAlias = Callable[["Hook", nn.Module, Any, Any], object]
"""Called after a module's forward as `f(hook, module, inputs, output)`; what it returns is not used."""

_PASS = (MiniaiError, CancelBatchException, CancelEpochException, CancelFitException)
"""What a hook's function may raise on purpose."""


class Hook:
    """A forward hook on module `m`, until `remove()`; `f` may keep what it finds as attributes of the hook.

    `name` is the module's name in its model, if known. An error in `f` becomes a LearnerError that tells on which
    module; MiniaiErrors and Cancel exceptions go on as they are.
    """

    label: str
    """What the hook is on, to be read: name and kind of the module, "0.1 ReLU"."""
    stats: tuple[list[Tensor], list[Tensor], list[Tensor]]
    """What `append_stats` keeps: means, standard deviations, histograms, one each per batch."""
    above: list[Tensor]
    """Kept by `append_stats`: how many activations per batch lie beyond the histogram."""
    nonfinite: list[Tensor]
    """Kept by `append_stats`: how many activations per batch are NaN or infinite."""

    def __init__(self, m: nn.Module, f: HookFunc, name: str = "") -> None:
        self.label = f"{name} {type(m).__name__}".strip()
        self._f: HookFunc | None = f
        self.hook = m.register_forward_hook(self._call)

    def _call(self, module: nn.Module, inputs: Any, output: Any) -> None:
        f = self._f
        if f is None:  # removed by another hook of this very call
            return
        try:
            f(self, module, inputs, output)
        except _PASS:
            raise
        except Exception as error:
            raise LearnerError(
                f"the hook on module {self.label} failed with {type(error).__name__}: {error} "
                "(choose other modules with mod_filter, or mend the hook's function)"
            ) from error

    def remove(self) -> None:
        """Take the hook off its module and let go of its function; what it has kept stays. Twice is no error."""
        self.hook.remove()
        self._f = None  # it may hold a whole Learner


class Hooks(list[Hook]):
    """One hook with `f` on each module of `ms`; a context manager that removes them at its end.

    `names` are the modules' names, in the same order, for the hooks' labels. What leaves the list (`del hooks[i]`,
    `hooks[i] = other`, `pop`, `clear`) is taken off its module, as is all when the list is deleted.
    """

    def __init__(self, ms: Iterable[nn.Module], f: HookFunc, names: Iterable[str] = ()) -> None:
        super().__init__()
        try:
            for m, name in zip(ms, chain(names, repeat("")), strict=False):
                self.append(Hook(m, f, name))
        except BaseException:
            self.remove()
            raise

    def __enter__(self) -> Hooks:
        return self

    def __exit__(self, *_error: object) -> None:
        self.remove()

    def __del__(self) -> None:
        self.remove()

    @overload
    def __delitem__(self, i: SupportsIndex) -> None: ...
    @overload
    def __delitem__(self, i: slice) -> None: ...
    def __delitem__(self, i: SupportsIndex | slice) -> None:
        for hook in self[i] if isinstance(i, slice) else [self[i]]:
            hook.remove()
        super().__delitem__(i)

    @overload
    def __setitem__(self, i: SupportsIndex, value: Hook) -> None: ...
    @overload
    def __setitem__(self, i: slice, value: Iterable[Hook]) -> None: ...
    def __setitem__(self, i: Any, value: Any) -> None:
        before = list(self)
        super().__setitem__(i, value)
        kept = set(map(id, self))
        for hook in before:
            if id(hook) not in kept:
                hook.remove()

    def pop(self, i: SupportsIndex = -1) -> Hook:
        """Take the hook at `i` out of the list and off its module."""
        hook = super().pop(i)
        hook.remove()
        return hook

    def clear(self) -> None:
        """Take all out of the list and off their modules."""
        self.remove()
        super().clear()

    def remove(self) -> None:  # type: ignore[override]
        """Take all hooks off their modules; the list keeps them and what they have found."""
        for hook in self:
            hook.remove()


def is_leaf(module: nn.Module) -> bool:
    """Whether a module has no parts of its own: it computes, where a container only calls its parts."""
    return next(module.children(), None) is None


class HooksCallback(Callback):
    """Hooks with `hookfunc` for the time of each fit, on `mods` or on the modules that pass `mod_filter`.

    The filter is asked about every module of the model, containers included; by default the leaves pass. `on_train`
    and `on_valid` say in which halves of an epoch `hookfunc` is called. Iterates over its hooks, which keep what they
    found after the fit, until the next one begins.
    """

    def __init__(
        self,
        hookfunc: HookFunc,
        mod_filter: Callable[[nn.Module], object] = is_leaf,
        on_train: bool = True,
        on_valid: bool = False,
        mods: Iterable[nn.Module] | None = None,
    ) -> None:
        self.hookfunc, self.mod_filter, self.on_train, self.on_valid = hookfunc, mod_filter, on_train, on_valid
        self.mods = None if mods is None else list(mods)
        self.hooks = Hooks([], hookfunc)

    def before_fit(self, learn: Learner, /) -> None:
        """Set the hooks."""
        names = {module: name for name, module in learn.model.named_modules()}
        mods = self.mods if self.mods is not None else [module for module in names if self.mod_filter(module)]
        self.hooks.remove()
        self.hooks = Hooks(mods, partial(self._hookfunc, learn), [names.get(module, "") for module in mods])

    def _hookfunc(self, learn: Learner, hook: Hook, module: nn.Module, inputs: Any, output: Any) -> None:
        if self.on_train if learn.training else self.on_valid:
            self.hookfunc(hook, module, inputs, output)

    def cleanup_fit(self, _learn: Learner, /) -> None:
        """Take the hooks off, however the fit ended."""
        self.hooks.remove()

    def __iter__(self) -> Iterator[Hook]:
        return iter(self.hooks)

    def __len__(self) -> int:
        return len(self.hooks)
