"""`with_cbs`: the frame around a fit, an epoch or a batch that runs its hooks, takes its cancel, and cleans up."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

from miniai.callbacks.base import CancelBatchException, CancelEpochException, CancelFitException, Hook
from miniai.errors import LearnerError

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["run_all", "with_cbs"]

P = ParamSpec("P")
L = TypeVar("L")
_log = logging.getLogger("miniai")

_CANCELS = {"fit": CancelFitException, "epoch": CancelEpochException, "batch": CancelBatchException}


def _weight(error: BaseException | None) -> int:
    """How far up an exception reaches: what is heavier wins over what is in flight."""
    if error is None:
        return 0
    cancels = (CancelBatchException, CancelEpochException, CancelFitException)
    return next((i for i, cancel in enumerate(cancels, 1) if isinstance(error, cancel)), 4)


def _heavier(first: BaseException | None, second: BaseException) -> BaseException:
    """The exception that goes on; a real error that gives way to an earlier one is logged."""
    if _weight(second) > _weight(first):
        return second
    assert first is not None
    if _weight(second) == 4:
        _log.error("a cleanup failed after %r", first, exc_info=second)
    return first


def run_all(hooks: tuple[Hook, ...], learn: object) -> None:
    """Call every hook even if some raise; then raise the heaviest of what they raised, the first among equals."""
    worst: BaseException | None = None
    for hook in hooks:
        try:
            hook(learn)
        except BaseException as error:  # noqa: BLE001 - raised below, after the other hooks have run
            worst = _heavier(worst, error)
    if worst is not None:
        raise worst


class with_cbs:
    """Run the hooks of `nm` ("fit", "epoch" or "batch") around a method of a Learner, or around a block.

    ```text
    before_nm; the method; after_nm         a Cancel exception of this kind ends here
    cleanup_nm                              in any case, of every callback
    ```

    As a decorator, `@with_cbs("batch")`, for methods of a class with `callback(name)`. As a context manager,
    `with with_cbs("batch", learn):`. There a cancel raised in a `before_*` hook goes on to the caller (after the
    cleanup), because no context manager can skip its block.

    While the cleanup hooks run, `learn.leaving` is the exception on whose account they run, None on the normal path.
    An exception raised in a cleanup hook never masks a graver one: errors are graver than CancelFitException,
    that is graver than CancelEpochException, that than CancelBatchException; among equals the first wins.
    """

    def __init__(self, nm: str, learn: Learner | None = None) -> None:
        if nm not in _CANCELS:
            raise LearnerError(f"with_cbs({nm!r}): the name must be one of {', '.join(_CANCELS)}")
        self.cancel = _CANCELS[nm]
        self.before, self.after, self.cleanup = f"before_{nm}", f"after_{nm}", f"cleanup_{nm}"
        self.learn = learn

    def __call__(self, f: Callable[Concatenate[L, P], None]) -> Callable[Concatenate[L, P], None]:
        """The method `f` with the hooks around it."""
        before, after = self.before, self.after

        @functools.wraps(f)
        def framed(learn: Any, *args: P.args, **kwargs: P.kwargs) -> None:
            try:
                learn.callback(before)
                f(learn, *args, **kwargs)
                learn.callback(after)
            except BaseException as error:
                if not self._finish(learn, error):
                    raise
            else:
                self._finish(learn, None)

        return cast(Callable[Concatenate[L, P], None], framed)

    def __enter__(self) -> None:
        if self.learn is None:
            raise LearnerError("as a context manager, with_cbs needs the Learner: with_cbs(name, learn)")
        try:
            self.learn.callback(self.before)
        except BaseException as error:
            self._finish(self.learn, error)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        assert self.learn is not None
        if error is not None:
            return self._finish(self.learn, error)
        try:
            self.learn.callback(self.after)
        except BaseException as late:
            if not self._finish(self.learn, late):
                raise
        else:
            self._finish(self.learn, None)
        return False

    def _finish(self, learn: Any, error: BaseException | None) -> bool:
        """Run the cleanup hooks; raises what is graver than `error`, else tells if `error` ends here."""
        learn.leaving = error
        try:
            learn.callback(self.cleanup)
        except BaseException as late:
            if _heavier(error, late) is late and not isinstance(late, self.cancel):
                raise
        finally:
            learn.leaving = None
        return isinstance(error, self.cancel)
