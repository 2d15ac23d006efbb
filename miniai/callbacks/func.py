"""Small callbacks: from functions, for one batch only, and one that counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from miniai.callbacks.base import HOOKS, STEPS, Callback, CancelFitException
from miniai.errors import LearnerError

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["CompletionCB", "FuncCB", "SingleBatchCB"]


class FuncCB(Callback):
    """A callback made of callables: `FuncCB(after_batch=f, before_fit=g, order=1)`.

    Each is called with the Learner; functions, lambdas, partials, bound methods and callable objects all serve.
    LearnerError for a name that is neither a hook nor a step, and for a value that cannot be called.

    >>> FuncCB(after_bacth=print)
    Traceback (most recent call last):
    miniai.errors.LearnerError: FuncCB(after_bacth=...): no such hook; the names are ...
    """

    def __init__(self, *, order: int = 0, **hooks: Callable[[Learner], object]) -> None:
        self.order = order
        for name, f in hooks.items():
            if name not in HOOKS and name not in STEPS:
                raise LearnerError(f"FuncCB({name}=...): no such hook; the names are {', '.join((*HOOKS, *STEPS))}")
            if not callable(f):
                raise LearnerError(f"FuncCB({name}={f!r}): this cannot be called")
            setattr(self, name, f)


class SingleBatchCB(Callback):
    """End the fit after its first batch."""

    order = 1

    def after_batch(self, _learn: Learner, /) -> None:
        """One is enough."""
        raise CancelFitException


class CompletionCB(Callback):
    """Count the batches that were done in full and print their number at the end."""

    count: int = 0

    def before_fit(self, _learn: Learner, /) -> None:
        """Start at zero."""
        self.count = 0

    def after_batch(self, _learn: Learner, /) -> None:
        """One more."""
        self.count += 1

    def state_dict(self) -> dict[str, Any]:
        """The number so far."""
        return {"count": self.count}

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Count on."""
        self.count = state["count"]

    def after_fit(self, _learn: Learner, /) -> None:
        """Say it."""
        print(f"Completed {self.count} batches")  # noqa: T201 - a callback for notebooks
