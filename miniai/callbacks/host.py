"""CallbackHost: what holds callbacks and calls them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from miniai.callbacks.base import STEPS, Callback, Hook, as_callbacks, check_callback, find_hooks
from miniai.callbacks.events import run_all
from miniai.errors import LearnerError

__all__ = ["CallbackHost"]


class CallbackHost:
    """Holds callbacks in `cbs` and calls their hooks with itself; the part of a Learner that is not training."""

    def __init__(self, cbs: Callback | Iterable[Callback] | None = None) -> None:
        self.cbs = as_callbacks(cbs)
        self._hooks: dict[str, tuple[Hook, ...]] = {}
        self._hooks_of: list[Callback] = []
        self._fitting = False

    def callback(self, method_nm: str) -> None:
        """Call the hook called `method_nm` of every callback, in their order."""
        hooks = self._find(method_nm)
        if method_nm.startswith("cleanup_"):
            run_all(hooks, self)
        else:
            for hook in hooks:
                hook(self)

    def _find(self, name: str) -> tuple[Hook, ...]:
        """The hooks called `name`, found once for as long as `cbs` stays as it is."""
        if self._hooks_of != self.cbs:
            self._hooks_of, self._hooks = [check_callback(cb) for cb in self.cbs], {}
        hooks = self._hooks.get(name)
        if hooks is None:
            hooks = self._hooks[name] = find_hooks(self.cbs, name)
        return hooks

    def _ask(self, step: str) -> None:
        """Have the callbacks do one of the five steps."""
        hooks = self._find(step)
        if not hooks:
            raise LearnerError(
                f"nobody does the step {step!r}: give the Learner TrainCB() or another callback with {step}(learn), "
                f"or define {step} in a subclass (the steps are {', '.join(STEPS)})"
            )
        for hook in hooks:
            hook(self)

    @contextmanager
    def _also(self, cbs: Callback | Iterable[Callback] | None) -> Iterator[None]:
        """Have the given callbacks, too, for the time of a fit; what else comes or goes meanwhile stays so."""
        if self._fitting:
            raise LearnerError(
                "this Learner is in a fit already: a hook cannot call fit, lr_find, capture_preds and the like"
            )
        own, extra = self.cbs, as_callbacks(cbs)
        self._fitting = True
        self.cbs = [*as_callbacks(own), *extra]
        self._hooks_of, self._hooks = [], {}
        try:
            yield
        finally:
            self._fitting = False
            self._remove(extra)
            if self.cbs == own:
                self.cbs = own  # the same list again, unless callbacks came or went

    def _remove(self, extra: list[Callback]) -> None:
        """Take the callbacks of one fit out again: the last of each, should it be there twice."""
        for cb in extra:
            places = [i for i, other in enumerate(self.cbs) if other is cb]
            if places:
                del self.cbs[places[-1]]
