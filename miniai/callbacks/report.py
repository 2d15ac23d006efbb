"""ReportCB: says as facts how training goes, at a rate that neither the loop nor a reader feels."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sized
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from miniai.callbacks.base import Callback, CancelEpochException, CancelFitException
from miniai.callbacks.clock import TrainingClock, since_now
from miniai.callbacks.drain import Drain
from miniai.callbacks.metrics import MetricsCB, batch_size
from miniai.callbacks.series import scalars
from miniai.run.events import Alerted, EpochEnded, EpochStarted, Fact, Phase, Progressed, number

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["ReportCB"]

_log = logging.getLogger("miniai")

LIVELY = 600.0
"""Seconds of training for which facts come at the full rate; a long run's journal must stay small."""
CALM = 1.0
"""Seconds between facts of a kind after that."""

_NAMES = {"loss": "training loss", "valid_loss": "validation loss"}


class ReportCB(Callback):
    """Emit EpochStarted, Scalars, Progressed, EpochEnded and Alerted.

    `emit(fact)` takes the facts, `now()` is their time; `clock` stands still during pauses. The series are drained
    every `every` seconds, Progressed comes every `progress_every` seconds, and both at every edge (`flush`).
    Losses and running metrics stay on the device in between. The metrics are those of the Learner's MetricsCB,
    which does not print its rows while this reports them.
    """

    order = 90
    hook_orders: ClassVar[dict[str, int]] = {"before_batch": -90}  # what other callbacks do then is no waiting

    def __init__(
        self,
        emit: Callable[[Fact], object],
        now: Callable[[], float] | None = None,
        clock: TrainingClock | None = None,
        *,
        every: float = 0.2,
        progress_every: float = 0.25,
        drain: Drain[tuple[str, int]] | None = None,
    ) -> None:
        self.emit, self.now, self.clock = emit, now or since_now(), clock or TrainingClock()
        self.every, self.progress_every = every, progress_every
        self.epoch, self.batches, self.samples, self.of = 0, 0, 0, 0
        self.phase: Phase = "train"
        self.waited = 0.0
        """Seconds of this half epoch spent waiting for batches."""
        self._drain: Drain[tuple[str, int]] = Drain() if drain is None else drain  # tag: name, step
        self._metrics: MetricsCB | None = None
        self._running: dict[str, float] = {}
        self._lrs: list[tuple[int, float]] = []
        self._lr = math.nan  # differs from any rate
        self._alerted: set[str] = set()
        self._open = self._complete = self._waiting = False
        self._began = self._left = 0.0
        self._drain_due = self._progress_due = 0.0

    def before_fit(self, learn: Learner, /) -> None:
        """Find the metrics."""
        self._metrics = next((cb for cb in learn.cbs if isinstance(cb, MetricsCB)), None)
        if self._metrics is not None:
            self._metrics.quiet = True
        self._lr = math.nan

    def before_epoch(self, learn: Learner, /) -> None:
        """A half epoch begins, and with it the wait for its first batch."""
        self.epoch, self.phase = learn.epoch, "train" if learn.training else "valid"
        self.of = len(learn.dl) if isinstance(learn.dl, Sized) else 0
        self.batches = self.samples = 0
        self.waited = 0.0
        self._running = {}
        self._open, self._complete, self._waiting = True, False, True
        at = self.now()
        self.emit(EpochStarted(at=at, epoch=self.epoch, phase=self.phase, batches=self.of, step=learn.steps))
        self._began = self._left = self.clock.seconds

    def before_batch(self, _learn: Learner, /) -> None:
        """The loader has delivered."""
        self._stop_waiting()

    def after_step(self, learn: Learner, /) -> None:
        """The batch is trained: it counts even if something cancels it from here on."""
        self.batches += 1
        self.samples += batch_size(learn.batch)
        self._drain.push(("loss", learn.steps), learn.loss.detach())
        groups = getattr(learn.opt, "param_groups", None)
        lr = groups[0].get("lr") if groups else None
        # a rate that is a tensor may lie on the device: comparing it would wait
        if isinstance(lr, float) and lr != self._lr:
            self._lr = lr
            self._lrs.append((learn.steps, lr))

    def after_batch(self, learn: Learner, /) -> None:
        """Report if it is time."""
        if not learn.training:
            self.batches += 1
            self.samples += batch_size(learn.batch)
        seconds = self.clock.seconds
        if seconds >= self._progress_due:
            self._progress()
        elif seconds >= self._drain_due:
            self._drain_series(self._drain.drain())

    def cleanup_batch(self, _learn: Learner, /) -> None:
        """The wait for the next batch begins."""
        self._stop_waiting()  # for a batch that was skipped before this callback saw it
        self._left, self._waiting = self.clock.seconds, True

    def after_epoch(self, _learn: Learner, /) -> None:
        """Every batch was done."""
        self._complete = True

    def cleanup_epoch(self, learn: Learner, /) -> None:
        """Close the row, whatever ended it; its values are over exactly the samples that were seen."""
        if not self._open:
            return
        self._open = False
        ended = self._how_ended(learn.leaving)
        try:
            self._drain_series(self._drain.flush())
            metrics = {} if self._metrics is None else self._metrics.values()
        except Exception:
            if ended != "failed":
                raise
            _log.exception("the metrics of the failed half epoch are lost")  # a broken device answers nothing
            metrics = {}
        if "loss" in metrics and self.phase == "valid":
            self._watch("valid_loss", learn.steps, metrics["loss"])
            if ended == "complete":
                self._emit_points("valid_loss", [(learn.steps, metrics["loss"])])
        self.emit(
            EpochEnded(
                at=self.now(),
                epoch=self.epoch,
                phase=self.phase,
                metrics={name: number(value) for name, value in metrics.items()},
                batches=self.batches,
                of=self.of or self.batches,
                samples=self.samples,
                seconds=round(self.clock.seconds - self._began, 4),
                step=learn.steps,
                ended=ended,
            )
        )

    def cleanup_fit(self, _learn: Learner, /) -> None:
        """Let the metrics print again."""
        if self._metrics is not None:
            self._metrics.quiet = False
        self._drain.clear()

    def state_dict(self) -> dict[str, Any]:
        """How far this half epoch is, and what was said already."""
        return {
            "batches": self.batches,
            "samples": self.samples,
            "seconds": self.clock.seconds - self._began,
            "waited": self.waited,
            "lr": self._lr,
            "alerted": sorted(self._alerted),
        }

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Go on with that row, and say nothing twice."""
        self.batches, self.samples, self.waited = state["batches"], state["samples"], state["waited"]
        self._left = self.clock.seconds
        self._began = self._left - state["seconds"]
        self._lr, self._alerted = state["lr"], set(state["alerted"])

    def flush(self) -> None:
        """Emit everything that is known now; waits for the device. To be called before a pause or a cancel."""
        if self._open:
            self._progress(wait=True)

    def _how_ended(self, leaving: BaseException | None) -> Literal["complete", "skipped", "stopped", "failed"]:
        stopped = isinstance(leaving, (CancelFitException, KeyboardInterrupt))
        skipped = isinstance(leaving, CancelEpochException)
        if self._complete or ((stopped or skipped) and 0 < self.of == self.batches):
            return "complete"
        return "skipped" if skipped else "stopped" if stopped else "failed"

    def _stop_waiting(self) -> None:
        if self._waiting:
            self.waited += self.clock.seconds - self._left
            self._waiting = False

    def _progress(self, wait: bool = False) -> None:
        if self._metrics is not None:
            for name, value in self._metrics.running().items():
                self._drain.push((name, -1), value)
        self._drain_series(self._drain.flush() if wait else self._drain.drain())
        seconds = self.clock.seconds
        self._progress_due = seconds + (self.progress_every if seconds < LIVELY else max(self.progress_every, CALM))
        self.emit(
            Progressed(
                at=self.now(),
                epoch=self.epoch,
                phase=self.phase,
                batch=self.batches,
                samples=self.samples,
                seconds=round(seconds - self._began, 4),
                waited=round(self.waited, 4),
                metrics={name: number(value) for name, value in self._running.items()},
            )
        )

    def _drain_series(self, values: list[tuple[tuple[str, int], float]]) -> None:
        """Emit the losses among what has left the device; keep the running metrics."""
        losses = [(step, value) for (_, step), value in values if step >= 0]
        self._running.update((name, value) for (name, step), value in values if step < 0)
        for step, value in losses:
            if not math.isfinite(value):
                self._watch("loss", step, value)
        self._emit_points("loss", losses)
        self._emit_points("lr", self._lrs)
        self._lrs = []
        seconds = self.clock.seconds
        self._drain_due = seconds + (self.every if seconds < LIVELY else max(self.every, CALM))

    def _emit_points(self, name: str, points: list[tuple[int, float]]) -> None:
        for fact in scalars(name, points, self.now):
            self.emit(fact)

    def _watch(self, name: str, step: int, value: float) -> None:
        """Say once per series that it is not finite."""
        if not math.isfinite(value) and name not in self._alerted:
            self._alerted.add(name)
            text = f"the {_NAMES[name]} is {number(value)} at step {step}"
            self.emit(Alerted(at=self.now(), topic="nan", text=text, step=step))
