"""Where the run is, how fast it goes and how long it still takes; from the trainer's own times, pauses excluded."""

from __future__ import annotations

import statistics
from collections import deque
from collections.abc import Sequence

from miniai.run.events import Changed, EpochEnded, EpochStarted, FitStarted, Phase, Progressed, RunResumed
from miniai.run.switch import Switch
from tui.resumptions import still_true
from tui.state.rows import tells_place

__all__ = ["Progress"]

RECENT = 15
"""Number of reports over which speeds are medians."""
VALID_COST = 2 / 3
"""Time of a validation batch in training batches until one was measured: twice the images, a third of the work."""


class Progress:
    """Position, speed and remaining time of the fit."""

    def __init__(self) -> None:
        self.epochs = 0
        self.halves: dict[Phase, int] = {"train": 0, "valid": 0}
        """Batches of a complete half epoch."""
        self.epoch, self.batch, self.of = 0, 0, 0
        self.phase: Phase | None = None
        self.validation = Switch()
        """In which epochs there is a validation."""
        self._last: int | None = None
        """Last epoch of a fit that is to stop after it."""
        self.samples, self.seconds, self.waited = 0, 0.0, 0.0
        self.per_batch: dict[Phase, float] = {}
        """Seconds of one batch, median of the recent reports of that phase."""
        self._recent: dict[Phase, deque[float]] = {"train": deque(maxlen=RECENT), "valid": deque(maxlen=RECENT)}
        self._rates: deque[float] = deque(maxlen=RECENT)
        self._plan = 0
        """Epochs as the fit began with."""
        self._changes: deque[Changed] = deque(maxlen=1000)
        self._resumed: RunResumed | None = None
        """Where a new process goes on, until it has said how far it is."""

    def fit_started(self, fact: FitStarted) -> None:
        """The plan of the fit is known; of one that goes on, what has changed stays changed."""
        epochs = max(fact.epochs, 0)
        self.halves = {"train": max(fact.train_batches, 0), "valid": max(fact.valid_batches, 0)}
        if self._resumed is None:
            self._changes.clear()
            self.validation = Switch()
        if self._resumed is None or epochs != self._plan:
            self.epochs = self._plan = epochs

    def changed(self, fact: Changed) -> None:
        """The plan is another one now."""
        self._changes.append(fact)
        self._change(fact)

    def _change(self, fact: Changed) -> None:
        if fact.what == "epochs":
            self.epochs = max(int(fact.new), self.epoch + 1)
        elif fact.what == "valid":
            self.validation.turn(fact.new > 0, fact.epoch)

    def resumed(self, fact: RunResumed) -> None:
        """The run goes on from an earlier place: what was changed after it is as it was."""
        if tells_place(fact):
            self.epoch, self.phase, self.batch = fact.epoch, fact.phase, fact.batch
            self.of = max(self.halves[fact.phase], fact.batch)
        self._resumed, self._last = fact, None
        self.samples, self.seconds, self.waited = 0, 0.0, 0.0
        self._rates.clear()
        while self._changes and still_true(self._changes[-1], fact) is None:
            self._changes.pop()
        self.epochs, self.validation = self._plan, Switch()
        for change in self._changes:
            self._change(change)

    @property
    def changes(self) -> Sequence[Changed]:
        """What was changed while the fit went and still holds, the oldest first."""
        return self._changes

    def stop_after(self, epoch: int | None) -> None:
        """The fit ends after this epoch; None: it has all its epochs."""
        self._last = epoch

    def epoch_started(self, fact: EpochStarted) -> None:
        """A half epoch begins at batch 0."""
        if fact.phase != self.phase:
            self._rates.clear()
        self.epoch, self.phase, self.of, self.batch = fact.epoch, fact.phase, fact.batches, 0
        self.samples, self.seconds, self.waited = 0, 0.0, 0.0
        self.halves[fact.phase] = fact.batches
        again = self._resumed
        if again is not None and (again.epoch, again.phase) == (fact.epoch, fact.phase):
            self.batch = min(again.batch, fact.batches)
        else:
            self._resumed = None
        self.epochs = max(self.epochs, fact.epoch + 1)

    def progressed(self, fact: Progressed) -> bool:
        """Take a report of the running half; False if it is older than what is known."""
        again, self._resumed = self._resumed is not None, None
        if (fact.epoch, fact.phase) != (self.epoch, self.phase) or (fact.batch < self.batch and not again):
            return False
        if again:  # what was done before the run was resumed is no part of its speed now
            self.batch, self.samples, self.seconds, self.waited = fact.batch, fact.samples, fact.seconds, fact.waited
            return True
        batches, samples = fact.batch - self.batch, fact.samples - self.samples
        seconds = fact.seconds - self.seconds
        if batches > 0 and seconds > 0:
            self._recent[fact.phase].append(seconds / batches)
            self.per_batch[fact.phase] = statistics.median(self._recent[fact.phase])
            if samples > 0:
                self._rates.append(samples / seconds)
        self.batch, self.samples, self.seconds, self.waited = fact.batch, fact.samples, fact.seconds, fact.waited
        return True

    def epoch_ended(self, fact: EpochEnded) -> None:
        """A half epoch is over; a half too short to be reported in between still has a speed."""
        if fact.batches > 0 and fact.seconds > 0 and not self._recent[fact.phase]:
            self.per_batch[fact.phase] = fact.seconds / fact.batches
        if (fact.epoch, fact.phase) == (self.epoch, self.phase):
            self.batch, self.samples, self.seconds = fact.batches, fact.samples, fact.seconds
            self.of = fact.batches if fact.ended == "skipped" else max(self.of, fact.batches)

    @property
    def rate(self) -> float | None:
        """Images a second, median of the recent reports; None before the first."""
        return statistics.median(self._rates) if self._rates else None

    @property
    def wait_share(self) -> float | None:
        """Share, 0 to 1, of this half's time spent waiting for data; None before the first report."""
        return min(max(self.waited / self.seconds, 0.0), 1.0) if self.seconds > 0 else None

    @property
    def share(self) -> float:
        """How much, 0 to 1, of the running half is done."""
        return min(self.batch / self.of, 1.0) if self.of > 0 else 0.0

    @property
    def eta(self) -> float | None:
        """Seconds to the end of the fit, planned or asked for, validation included; None before the first speed."""
        train = self.per_batch.get("train")
        valid = self.per_batch.get("valid", train * VALID_COST if train is not None else None)
        train = valid if train is None else train
        if train is None or valid is None or self.phase is None:
            return None
        left = max(self.of - self.batch, 0)
        half = self.halves["valid"] * valid
        here = left * train + half * self.validation.at(self.epoch) if self.phase == "train" else left * valid
        epoch = self.halves["train"] * train + half * self.validation.last
        epochs = self.epochs if self._last is None else min(self.epochs, self._last + 1)
        return here + max(epochs - self.epoch - 1, 0) * epoch
