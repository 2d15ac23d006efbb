"""What a callback is: the hooks, the exceptions that steer the loop from inside a hook, and how hooks are found."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from miniai.errors import LearnerError

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = [
    "HOOKS", "STEPS", "Callback", "CancelBatchException", "CancelEpochException", "CancelFitException", "Hook",
    "as_callbacks", "check_callback", "find_hooks", "run_cbs",
]  # fmt: skip

STEPS = ("predict", "get_loss", "backward", "step", "zero_grad")
"""The five steps of the loop that a callback does, unless the Learner's class does them itself."""

Hook: TypeAlias = Callable[[Any], object]
"""A hook bound to its callback: takes the Learner (None where `run_cbs` was given none)."""


class CancelFitException(Exception):
    """Raised in any hook or step: ends the fit in order."""


class CancelEpochException(Exception):
    """Raised in an epoch or batch: skips the rest of this half epoch."""


class CancelBatchException(Exception):
    """Raised in a batch: skips the rest of this batch."""


class Callback:
    """Something that the training loop calls at its events; derive from it and write the hooks you need.

    Each hook gets the Learner. What an `after_*` hook needs to undo in any case belongs in its `cleanup_*`:
    `after_*` does not run when something is cancelled or fails, `cleanup_*` always does, even for a callback whose
    `before_*` was not reached.
    """

    order: int = 0
    """Lower runs earlier; equals keep the order of the list."""
    hook_orders: ClassVar[Mapping[str, int]] = {}
    """An order of their own for single hooks, by name."""

    def before_fit(self, learn: Learner, /) -> None:
        """A fit begins; the optimizer exists. `learn.epochs` may be replaced."""

    def after_fit(self, learn: Learner, /) -> None:
        """All epochs were run."""

    def cleanup_fit(self, learn: Learner, /) -> None:
        """The fit is over, however it ended."""

    def before_epoch(self, learn: Learner, /) -> None:
        """A half epoch begins (`learn.training` tells which). `learn.dl` may be replaced."""

    def after_epoch(self, learn: Learner, /) -> None:
        """All batches of this half epoch were done."""

    def cleanup_epoch(self, learn: Learner, /) -> None:
        """The half epoch is over, however it ended."""

    def before_batch(self, learn: Learner, /) -> None:
        """A batch has come from the loader. `learn.batch` may be replaced."""

    def after_predict(self, learn: Learner, /) -> None:
        """`learn.preds` is the model's output."""

    def after_loss(self, learn: Learner, /) -> None:
        """`learn.loss` is the loss of this batch, a 0-dim tensor."""

    def after_backward(self, learn: Learner, /) -> None:
        """The gradients are there (training only)."""

    def after_step(self, learn: Learner, /) -> None:
        """The optimizer has changed the weights (training only)."""

    def after_batch(self, learn: Learner, /) -> None:
        """The batch was done in full; in training the gradients are zeroed."""

    def cleanup_batch(self, learn: Learner, /) -> None:
        """The batch is over, however it ended."""

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs to know, between two batches; changes nothing and stays true if the fit goes on.

        Of plain values, lists, tuples, dictionaries and tensors. Only what the fit has changed: a resumed run makes
        its callbacks as the first did.
        """
        return {}

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Stand where a `state_dict` was taken, after `before_fit`.

        Where the run goes on within a half epoch it is called again after that half's `before_epoch`, which may have
        begun anew what this puts back.
        """


HOOKS = tuple(name for name in vars(Callback) if name.startswith(("before_", "after_", "cleanup_")))
"""The names of all hooks."""


def _unknown_hook(name: str) -> bool:
    return name.startswith(("before_", "after_", "cleanup_")) and name not in HOOKS


def _suggestion(name: str) -> str:
    close = difflib.get_close_matches(name, HOOKS, n=1)
    return f"; did you mean {close[0]}?" if close else f"; the hooks are {', '.join(HOOKS)}"


def check_callback(cb: object) -> Callback:
    """`cb` itself; LearnerError if it is no callback or has a method named like a hook that is none."""
    if isinstance(cb, type):
        raise LearnerError(f"{cb.__name__} is a class: give the Learner an instance, {cb.__name__}(...)")
    if not isinstance(cb, Callback):
        raise LearnerError(f"{cb!r} is no Callback: derive its class from Callback, or use FuncCB(after_batch=...)")
    for name in dir(cb):
        if _unknown_hook(name) and callable(getattr(cb, name)):
            raise LearnerError(f"{type(cb).__name__}.{name} is no hook and would never be called{_suggestion(name)}")
    return cb


def as_callbacks(cbs: Callback | Iterable[Callback] | None) -> list[Callback]:
    """One callback, many or None as a new list; each is checked (LearnerError)."""
    if cbs is None:
        return []
    if isinstance(cbs, Iterable) and not isinstance(cbs, Callback):  # some callbacks can be iterated over, too
        return [check_callback(cb) for cb in cbs]
    return [check_callback(cbs)]


def find_hooks(cbs: Iterable[Callback], name: str) -> tuple[Hook, ...]:
    """The methods called `name` of the callbacks that write one, bound, in their order."""
    if _unknown_hook(name):
        raise LearnerError(f"{name} is no hook{_suggestion(name)}")
    no_op = vars(Callback).get(name)
    methods = [getattr(cb, name, None) for cb in sorted(cbs, key=lambda cb: _order(cb, name))]
    return tuple(m for m in methods if m is not None and (no_op is None or getattr(m, "__func__", None) is not no_op))


def _order(cb: Any, name: str) -> float:
    """Where the hook stands among others; what only looks like a callback may have no orders of its hooks."""
    orders: Mapping[str, float] = getattr(cb, "hook_orders", {})
    return orders.get(name, getattr(cb, "order", 0))


def run_cbs(cbs: Iterable[Callback], method_nm: str, learn: Learner | None = None) -> None:
    """Call the method called `method_nm` of every callback that has it, in their order."""
    for hook in find_hooks(cbs, method_nm):
        hook(learn)
