"""CheckpointCB: writes, between two batches, all that a run needs to go on from there as if nothing had happened."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from miniai.callbacks.base import Callback, CancelBatchException, CancelEpochException, CancelFitException
from miniai.callbacks.best import Best
from miniai.callbacks.clock import TrainingClock, since_now
from miniai.learner_state import callbacks_state, model_state, optimizer_state
from miniai.plain import to_plain
from miniai.position import Position, lengths
from miniai.random_state import RandomState
from miniai.run import checkpoint
from miniai.run.events import Alerted, Fact, Refused, Saved
from miniai.version import own_version

if TYPE_CHECKING:
    from torch import Tensor

    from miniai.learner import Learner

__all__ = ["CheckpointCB"]

Why = Literal["epoch", "time", "best", "request", "stop"]


class CheckpointCB(Callback):
    """Save checkpoints in `folder` and emit Saved: see `miniai.run.checkpoint` for what they are.

    At the end of every `every`-th epoch and of the last (0: of none); `minutes` of training after the one before; when
    the validation's metric `best`, "accuracy" or "loss", is better than ever; when a request is handed to `ask`; and
    when a stop was obeyed (`stopped()`). The last `keep` stay, and the best one.

    All of it happens when everything of a batch or half epoch was counted. `flush()` is called before, so that what
    was reported leaves first. A disk that refuses never hurts the fit: it is said once, and tried again.
    """

    order = 2000
    hook_orders: ClassVar[dict[str, int]] = {"before_batch": -2000, "after_batch": 999, "after_epoch": 999}

    def __init__(
        self,
        emit: Callable[[Fact], object],
        folder: Path,
        now: Callable[[], float] | None = None,
        clock: TrainingClock | None = None,
        *,
        flush: Callable[[], object] = bool,
        stopped: Callable[[], bool] = bool,
        every: int = 1,
        minutes: float | None = None,
        best: str = "",
        keep: int = 2,
    ) -> None:
        self.emit, self.folder, self.now, self.clock = emit, folder, now or since_now(), clock or TrainingClock()
        self.flush, self.stopped = flush, stopped
        self.every, self.seconds, self.keep = every, minutes and 60 * minutes, max(1, keep)
        self.best = Best(folder, best)
        self._refused = False
        self._forget()

    def _forget(self) -> None:
        self._asked: str | None = None
        self._last: Position | None = None  # the end of the half epoch before
        self._start: RandomState | None = None  # where the generators stood when this half epoch began
        self._begun = self._batch_done = self._half_done = self._stop_saved = False
        self._behind = 0
        self._told = -0.001
        """`at` of the newest checkpoint: what was told until then is in it."""
        self._due = math.inf

    # -- where the fit is ----------------------------------------------------------------------------------------

    def before_fit(self, _learn: Learner, /) -> None:
        """A new fit; what a killed process left half written goes."""
        self._forget()
        self.best = Best(self.folder, self.best.metric)
        checkpoint.clean_up(self.folder)
        self._rest()

    def before_epoch(self, learn: Learner, /) -> None:
        """A half epoch begins: all other callbacks have had their random numbers."""
        self._begun, self._half_done, self._behind = True, False, 0
        if learn.start is not None and learn.start.within(learn.epoch, learn.training):
            self._behind = learn.start.position.batch
        self._start = RandomState(learn.dls)

    def before_batch(self, _learn: Learner, /) -> None:
        """Before all others."""
        self._batch_done = False

    def after_batch(self, learn: Learner, /) -> None:
        """All others but who steers the loop have seen it."""
        self._batch_done, self._behind = True, learn.iter + 1

    def cleanup_batch(self, learn: Learner, /) -> None:
        """Save if it is time."""
        leaving = learn.leaving
        if isinstance(leaving, CancelFitException):
            if self.stopped():
                self._stop_saved = True
                self._save(learn, "stop", self._within(learn))
        elif leaving is None or isinstance(leaving, (CancelBatchException, CancelEpochException)):
            self._batch_done, self._behind = True, learn.iter + (not isinstance(leaving, CancelEpochException))
            if not isinstance(leaving, CancelEpochException) and (why := self._why()):
                self._save(learn, why, self._within(learn))

    def after_epoch(self, _learn: Learner, /) -> None:
        """Every batch was done."""
        self._half_done = True

    def cleanup_epoch(self, learn: Learner, /) -> None:
        """Save at the end of an epoch, and where a stop was obeyed between two batches' halves."""
        begun, self._begun = self._begun, False
        stopped = isinstance(learn.leaving, CancelFitException) and self.stopped()
        if learn.leaving is None or isinstance(learn.leaving, CancelEpochException) or (stopped and self._half_done):
            self._half_over(learn, begun, stopped)
        elif stopped and not begun and self._last is not None:
            self._save(learn, "stop", self._last)
        self._half_done = False

    def _half_over(self, learn: Learner, begun: bool, stopped: bool) -> None:
        self._last = at = Position(learn.epoch, learn.training, self._behind if begun else 0, over=True)
        before, over = self.best.record, begun and self._half_done and not learn.training
        if over and (better := self.best.better(learn)):
            self.best.record = better  # so that the checkpoint that is written now knows it
        why = "stop" if stopped and not self._stop_saved else self._why(epoch_over=not learn.training, learn=learn)
        name = self._save(learn, why, at) if why else ""
        if self.best.record is before:
            self._settle(learn)
        elif not self._keep_best(learn, at, name):
            self.best.record = before  # its weights are nowhere

    def cleanup_fit(self, _learn: Learner, /) -> None:
        """Whoever asked too late is told so."""
        if self._asked is not None:
            self.emit(Refused(at=self.now(), request=self._asked, why="the run is over"))
        self._forget()

    # -- on request ----------------------------------------------------------------------------------------------

    @property
    def asked(self) -> bool:
        """Whether a request waits."""
        return self._asked is not None

    def ask(self, request: str) -> None:
        """Save at the end of the running batch; answered by one fact, Saved or Refused."""
        self._asked = request

    def save_now(self, learn: Learner) -> None:
        """Save here, between two batches: in a hook of `before_batch` that comes first, or of `after_batch`, last."""
        self._save(learn, "request", self._within(learn))

    def _within(self, learn: Learner) -> Position:
        if self._batch_done:
            return Position(learn.epoch, learn.training, self._behind)
        return Position(learn.epoch, learn.training, learn.iter, fetched=True)

    def _why(self, *, epoch_over: bool = False, learn: Learner | None = None) -> Why | None:
        if self._asked is not None:
            return "request"
        if epoch_over and learn is not None and self.every:
            done = learn.epoch + 1
            if done % self.every == 0 or done >= learn.n_epochs:
                return "epoch"
        return "time" if self.clock.seconds >= self._due else None

    @property
    def _next(self) -> float:
        """The earliest `at` of what is told after the newest checkpoint: later than that, however quickly it came."""
        return round(self._told + 0.001, 3)

    # -- writing -------------------------------------------------------------------------------------------------

    def _save(self, learn: Learner, why: Why, at: Position) -> str:
        """Write a checkpoint and say so; its name, empty if it could not be written."""
        request, self._asked = self._asked or "", None
        began = time.perf_counter()
        try:
            self.flush()
            self._told = max(self.now(), self._next)
            name = checkpoint.free_name(self.folder, "best" if why == "best" else "step", learn.steps)
            size = self._write(learn, name, at)
        except Exception as error:  # noqa: BLE001  # whatever a metric or a disk raises, the fit goes on
            self._refuse(error, request)
            return ""
        self._said(learn, name, why, size, time.perf_counter() - began, request)
        return name

    def _write(self, learn: Learner, name: str, at: Position) -> int:
        model, rest = model_state(learn.model)
        tensors: dict[str, Tensor] = {}
        optimizer = to_plain(optimizer_state(learn.opt), tensors)
        random = {"here": RandomState(learn.dls).state_dict()}
        if not at.over and self._start is not None:
            random["start"] = self._start.state_dict()
        state = checkpoint.CheckpointState(
            step=learn.steps,
            epoch=at.epoch,
            phase="train" if at.training else "valid",
            batch=at.batch,
            over=at.over,
            fetched=at.fetched,
            n_epochs=learn.n_epochs,
            batches=lengths(learn.dls),
            wall=round(time.time(), 3),
            at=self._told,
            version=own_version(),
            sizes={},
            optimizer=optimizer,
            model=to_plain(rest),
            callbacks={cb: to_plain(kept, name=cb) for cb, kept in callbacks_state(learn.cbs).items()},
            random=to_plain(random),
        )
        return checkpoint.write(self.folder, name, model, tensors, state)

    def _said(
        self, learn: Learner, name: str, why: Why, size: int, seconds: float, request: str, step: int | None = None
    ) -> None:
        self._refused = False
        self.emit(
            Saved(
                at=max(self.now(), self._next),
                step=learn.steps if step is None else step, epoch=learn.epoch, name=name, why=why, bytes=size,
                seconds=round(seconds, 4), request=request,
            )
        )  # fmt: skip
        self._rest()
        self._prune()

    def _rest(self) -> None:
        self._due = self.clock.seconds + self.seconds if self.seconds else math.inf

    def _prune(self) -> None:
        """Only the last ones stay, and the newest of the best."""
        there = [name for name in checkpoint.names(self.folder) if not checkpoint.is_newer(self.folder / name)]
        steps = [name for name in there if name.startswith("step") and name != self.best.owed]
        bests = [name for name in there if name.startswith("best")]
        for name in [*steps[: -self.keep], *bests[:-1]]:
            try:
                checkpoint.remove(self.folder, name)
            except OSError:  # tried again after the next one
                return

    def _refuse(self, error: Exception, request: str) -> None:
        text = (isinstance(error, OSError) and error.strerror) or str(error).strip() or type(error).__name__
        if not self._refused:
            self._refused = True
            said = f"no checkpoint could be written ({text.splitlines()[0]}): training goes on without"
            self.emit(Alerted(at=self.now(), topic="checkpoint", text=said))
        if request:
            self.emit(Refused(at=self.now(), request=request, why=f"it could not be written: {text.splitlines()[0]}"))
        self._rest()

    # -- the best one --------------------------------------------------------------------------------------------

    def _keep_best(self, learn: Learner, at: Position, same: str) -> bool:
        """Keep this one under a name of its own; `same` is the checkpoint that was written here already, if one was.

        False if there is no checkpoint of it at all.
        """
        if not same:
            written = bool(self._save(learn, "best", at))
            self.best.owed = "" if written else self.best.owed
            return written
        self.best.owed = same
        if why := self._settle(learn):
            text = f"the best checkpoint has no name of its own ({why}): {same} stays until it can have one"
            self.emit(Alerted(at=self.now(), topic="checkpoint", text=text))
        return True

    def _settle(self, learn: Learner) -> str:
        """Give the best checkpoint its own name, if it lacks one; why that cannot be."""
        if not self.best.owed or self.best.record is None:
            return ""
        began, step = time.perf_counter(), self.best.record.step
        name = checkpoint.free_name(self.folder, "best", step)
        try:
            checkpoint.alike(self.folder, name, self.best.owed)
        except OSError as error:
            return error.strerror or str(error)
        self.best.owed = ""
        self._said(learn, name, "best", 0, time.perf_counter() - began, "", step)
        return ""

    def state_dict(self) -> dict[str, Any]:
        """The best value so far, and of what."""
        return self.best.state_dict()

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Compare with that one."""
        self.best.load_state_dict(state)
