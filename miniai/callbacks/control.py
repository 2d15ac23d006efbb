"""ControlCB: what users ask of a running fit becomes Cancel exceptions and pauses, each answered by a fact.

Skips raise in `before_batch`, before every other callback; pauses wait, and stops raise, in `after_batch`, after
every other callback, so that no trained batch is missing from the metrics.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from miniai.callbacks.base import Callback, CancelBatchException, CancelEpochException, CancelFitException
from miniai.callbacks.changes import Change, Changes
from miniai.callbacks.clock import TrainingClock
from miniai.position import count
from miniai.run.control import RunControl
from miniai.run.events import BatchSkipped, Continued, EpochSkipped, Fact, Paused, Phase, Refused, StopPlanned
from miniai.run.requests import (
    AnyRequest,
    Continue,
    Pause,
    Save,
    SetEpochs,
    SetLearningRate,
    SetValidation,
    SkipBatch,
    SkipEpoch,
    Step,
    Stop,
)

if TYPE_CHECKING:
    from miniai.callbacks.checkpoint import CheckpointCB
    from miniai.learner import Learner

__all__ = ["ControlCB"]

_WORDS: dict[Phase, str] = {"train": "training", "valid": "validation"}


class ControlCB(Callback):
    """Obey a `RunControl`.

    `emit(fact)` receives the answers; `now()` is their time (`Fact.at`); `flush()` is called before an exception
    is raised or a pause begins, so that what was reported leaves first; `clock` stands still during pauses.
    """

    order = -1000
    hook_orders = {"after_batch": 1000, "after_epoch": 1000}  # noqa: RUF012  # as the base class declares it

    def __init__(
        self,
        control: RunControl,
        emit: Callable[[Fact], None],
        now: Callable[[], float],
        clock: TrainingClock,
        flush: Callable[[], None] = lambda: None,
        saver: CheckpointCB | None = None,
    ) -> None:
        self.control, self.emit, self.now, self.clock, self.flush = control, emit, now, clock, flush
        self.saver = saver
        """Who writes checkpoints; None: a request for one is refused."""
        self.stopped = False
        """True once a stop was obeyed: the fit ended because a user asked."""
        self.changes = Changes(emit, now, flush)
        self._learn: Learner | None = None
        self._answered: deque[str] = deque(maxlen=256)
        self._forget()

    def _forget(self) -> None:
        """Nothing is asked, and nothing is known of where the fit is."""
        self.stopped = False
        self.epoch, self.batch, self._step = 0, 0, 0
        self.phase: Phase = "train"
        self._left = 1  # batches of this half that have not begun
        self._pause: str | None = None  # ids of requests that wait for the place where they act
        self._skip_batch: str | None = None
        self._skip_epoch: str | None = None
        self._stop: Stop | None = None
        self._one_batch: str | None = None
        self._paused_at: float | None = None
        self._holding = False  # standing still, between two batches
        self._said_at, self._stepped = 0.0, False  # `at` of the newest Paused, and whether a step led there

    # -- places where requests act -------------------------------------------------------------------------------

    def before_fit(self, learn: Learner) -> None:
        """A new fit: what was asked of the one before is over."""
        self._forget()
        self.changes.begin()
        self._learn = learn

    def before_epoch(self, learn: Learner) -> None:
        """A half epoch begins: know where we are; end here if the epoch before was to be the last.

        A validation that is off ends here too, before any other callback hears of it.
        """
        self.epoch, self.phase, self.batch, self._left = learn.epoch, "train" if learn.training else "valid", 0, 1
        self._take_all()
        self._stop_if_due()
        if self.changes.leaves_out(learn):
            raise CancelEpochException

    def before_batch(self, learn: Learner) -> None:
        """Act on what was asked since the last batch, before any other callback sees this one."""
        self._left = count(learn.dl) - learn.iter
        self._take_all()
        self._hold()
        self._stop_if_due()
        if self._skip_epoch is not None:
            self._raise_skip_epoch()
        if self._skip_batch is not None:
            request, self._skip_batch = self._skip_batch, None
            self.flush()
            skipped = BatchSkipped(at=self.now(), epoch=self.epoch, phase=self.phase, batch=learn.iter, request=request)
            self.emit(skipped)
            raise CancelBatchException
        self._left -= 1

    def after_batch(self, learn: Learner) -> None:
        """The batch is trained (or validated) and every other callback has seen it."""
        self.batch += 1
        self._step = learn.steps
        if self._one_batch is not None:
            self._pause, self._one_batch = self._one_batch, None
        self._take_all()
        self._hold()
        if self._left > 0:  # behind the last batch the half epoch is complete: a stop acts after that
            self._stop_if_due()
        if self._skip_epoch is not None and self._paused_at is not None:
            self._raise_skip_epoch()

    def after_epoch(self, learn: Learner) -> None:
        """The half epoch is complete, validation being the second."""
        self._take_all()
        self._stop_if_due(epoch_over=not learn.training)

    def cleanup_epoch(self, learn: Learner) -> None:  # noqa: ARG002
        """What was meant for this half epoch has no object any more."""
        for request in filter(None, (self._skip_batch, self._skip_epoch)):
            self._refuse(request, f"no batch of this {_WORDS[self.phase]} was left to skip")
        self._skip_batch = self._skip_epoch = None

    def cleanup_fit(self, learn: Learner) -> None:  # noqa: ARG002
        """Whoever asked too late is told so; also for a pause or a step that no batch came after."""
        self._learn = None
        late, self._pause, self._one_batch = [self._pause, self._one_batch], None, None
        while (request := self.control.take()) is not None:
            late.append(request.id)
        for id_ in filter(None, late):
            self._refuse(id_, "the run is over")

    def state_dict(self) -> dict[str, Any]:
        """How far this half epoch is, and what users have switched off."""
        return {"batch": self.batch, "step": self._step, "validation": self.changes.validation.state()}

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Go on from there."""
        self.batch, self._step = state["batch"], state["step"]
        self.changes.validation.restore(state["validation"])

    # -- what is asked -------------------------------------------------------------------------------------------

    def _take_all(self) -> None:
        while (request := self.control.take()) is not None:
            self._take(request)

    def _take(self, request: AnyRequest) -> None:
        if why := self._stale(request):
            self._refuse(request.id, why)
            return
        self._answered.append(request.id)
        match request:
            case Pause():
                self._pause, self._stepped = request.id, False
            case Continue():
                self._go_on(request.id)
            case Step():
                if self._pause is not None:
                    self._refuse(self._pause, "one more batch was asked for; the run pauses after it")
                self._one_batch, self._pause, self._paused_at, self._stepped = request.id, None, None, True
                self.clock.go()
            case SkipBatch():
                self._skip_batch = request.id
            case SkipEpoch():
                self._skip_epoch = request.id
            case Stop():
                self._plan_stop(request)
            case SetLearningRate() | SetEpochs() | SetValidation():
                self._change(request)
            case Save():
                self._save(request.id)

    def _change(self, request: Change) -> None:
        """Requests are taken between two batches only, so that this is the place."""
        assert self._learn is not None
        if why := self.changes.make(request, self._learn):
            self._refuse(request.id, why)

    def _save(self, request: str) -> None:
        """At the end of the running batch; at once while the run is paused."""
        if self.saver is None:
            self._refuse(request, "what is running writes no checkpoints")
            return
        self.saver.ask(request)
        if self._holding and self._learn is not None:
            self.saver.save_now(self._learn)

    def _stale(self, request: AnyRequest) -> str:
        """Why this request does not fit, or no longer; empty if it does."""
        if request.id in self._answered:
            return "it was answered already"
        paused = self._paused_at is not None
        match request:
            case Pause() if paused or self._pause is not None or self._one_batch is not None:
                return "the run is paused already, or about to be"
            case Continue() if not paused:
                return "the run is not paused"
            case Step() if self._one_batch is not None:
                return "the batch asked for before it is still running"
            case Step() | SkipBatch() if self._stood_elsewhere(request):
                return "the run has moved on meanwhile"
            case SkipBatch() | SkipEpoch():
                return self._stale_skip(request)
            case Save() if self.saver is not None and self.saver.asked:
                return "the checkpoint that was asked for before is not written yet"
            case Stop(when=when) if self._stop is not None and self._stop.when in ("batch", when):
                return "the run is stopping already"
        return ""

    def _stood_elsewhere(self, request: Step | SkipBatch) -> bool:
        """Whether the user saw another pause than this one, or none where a step has led to one since."""
        if request.stood is None:
            return False
        if request.stood:
            return self._paused_at is None or request.stood != self._said_at
        return isinstance(request, Step) and self._paused_at is not None and self._stepped

    def _stale_skip(self, request: SkipBatch | SkipEpoch) -> str:
        if request.phase is not None and (request.epoch, request.phase) != (self.epoch, self.phase):
            return f"the {_WORDS[request.phase]} of epoch {request.epoch + 1} is over"
        if self._skip_epoch is not None or (isinstance(request, SkipBatch) and self._skip_batch is not None):
            return "the skip asked for before it has not happened yet"
        if self._left <= 0:
            return f"no batch of this {_WORDS[self.phase]} is left to skip"
        return ""

    def _plan_stop(self, request: Stop) -> None:
        epoch = max(request.epoch, self.epoch)  # "after this epoch", whatever the user saw: at an epoch's end
        self._stop = Stop(id=request.id, when=request.when, epoch=epoch)
        self.emit(StopPlanned(at=self.now(), when=request.when, epoch=epoch, request=request.id))

    def _refuse(self, request: str, why: str) -> None:
        self.emit(Refused(at=self.now(), request=request, why=why))

    # -- what happens --------------------------------------------------------------------------------------------

    def _hold(self) -> None:
        """Stand still while the run is paused; a skip or a stop lets the loop run on to where it acts."""
        if self._pause is not None and self._paused_at is None:
            self._paused_at = self.now()
            self.clock.stop()
        if self._paused_at is None or self._acts_at_once():
            return
        self.flush()
        where = Paused(at=self.now(), epoch=self.epoch, phase=self.phase, batch=self.batch, step=self._step)
        self.emit(msgspec.structs.replace(where, request=self._pause or ""))
        self._pause, self._said_at, self._holding = None, where.at, True
        while self._paused_at is not None and not self._acts_at_once():
            self._take(self.control.wait())
        self._holding = False

    def _acts_at_once(self) -> bool:
        return self._skip_batch is not None or self._skip_epoch is not None or self._stop_is_due()

    def _go_on(self, request: str) -> None:
        paused = 0.0 if self._paused_at is None else self.now() - self._paused_at
        self._paused_at = None
        self.clock.go()
        self.emit(Continued(at=self.now(), paused=paused, request=request))

    def _stop_is_due(self, epoch_over: bool = False) -> bool:
        stop = self._stop
        return stop is not None and (stop.when == "batch" or self.epoch >= stop.epoch + (not epoch_over))

    def _stop_if_due(self, epoch_over: bool = False) -> None:
        if self._stop_is_due(epoch_over):
            self.stopped = True
            self.flush()
            raise CancelFitException

    def _raise_skip_epoch(self) -> None:
        request, self._skip_epoch = self._skip_epoch or "", None
        self.flush()
        skipped = EpochSkipped(at=self.now(), epoch=self.epoch, phase=self.phase, at_batch=self.batch, request=request)
        self.emit(skipped)
        raise CancelEpochException
