"""Facts as aligned lines of plain text; no clock, no input or output."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from miniai.run import events as ev
from tui.commands import ctl, resume, shown
from tui.state.answers import change
from tui.state.progress import Progress
from tui.state.rows import Rows
from tui.state.summary import best_of
from tui.text import clean, count, duration, metric, rate, size

__all__ = ["Lines"]

_LONGEST = 2000
"""Characters of a line: a path is not cut."""


class Lines:
    """Renders one run's facts, in their order, each to the lines that a log should have.

    `where` is the run's directory: then the first lines name it, and how the run can be reached.
    """

    def __init__(self, where: Path | None = None) -> None:
        self._progress, self._rows = Progress(), Rows()
        self._where_it_lies = where
        self._saved: int | None = None
        self._part = ""

    def note(self, fact: ev.Progressed) -> None:
        """Keep the speed in mind without saying anything."""
        self._progress.progressed(fact)

    def render(self, fact: ev.Fact) -> list[str]:
        """Lines without their newlines; most facts have none."""
        return [f"{duration(fact.at):>8}  {clean(text, _LONGEST)}" for text in self._texts(fact)]

    def _texts(self, fact: ev.Fact) -> list[str]:
        if isinstance(fact, ev.Saved):
            self._saved = fact.step
        match fact:
            case ev.RunStarted():
                return [
                    f"run {fact.run}: {fact.dataset}, {fact.model}, {_plural(fact.epochs, 'epoch')}",
                    *self._reach(),
                ]
            case ev.StageReached():
                return [fact.stage + (f"  {count(fact.done)} of {count(fact.total)}" if fact.total else "")]
            case ev.DataLoaded():
                which = "a sample of" if fact.sample else "all"
                return [f"data: {which} {count(fact.train)} + {count(fact.valid)} images, from {fact.source}"]
            case ev.FitStarted():
                return [self._fit_started(fact)]
            case ev.EpochStarted():
                self._progress.epoch_started(fact)
                return []
            case ev.Progressed():
                self._progress.progressed(fact)
                return [self._progressed(fact)]
            case ev.EpochEnded():
                self._progress.epoch_ended(fact)
                self._rows.ended(fact)
                return [self._epoch_ended(fact)]
            case ev.FitEnded():
                return self._fit_ended(fact)
        return self._control(fact)

    def _reach(self) -> list[str]:
        """Where the run lies, and the command that asks something of it."""
        where = self._where_it_lies
        return [] if where is None else [f"directory {shown(where)}", f"control it with: {ctl(where, 'pause')}"]

    def _control(self, fact: ev.Fact) -> list[str]:
        match fact:
            case ev.Paused():
                return [f"paused at step {count(fact.step)}"]
            case ev.Continued():
                return [f"goes on after a pause of {duration(fact.paused)}"]
            case ev.EpochSkipped():
                return [f"{self._where(fact.epoch, fact.phase)}  skipped after {_plural(fact.at_batch, 'batch')}"]
            case ev.BatchSkipped():
                return [f"{self._where(fact.epoch, fact.phase)}  batch {fact.batch + 1} skipped"]
            case ev.StopPlanned():
                return ["stops after this batch" if fact.when == "batch" else f"stops after epoch {fact.epoch + 1}"]
            case ev.Changed():
                self._progress.changed(fact)
                return [change(fact)]
            case ev.RunResumed():
                self._progress.resumed(fact)
                self._rows.resumed(fact)
                self._part = " since it was resumed"  # what was before, this log has not heard
                return [_resumed(fact), *self._reach()]
            case ev.Saved() if fact.why != "best" or fact.bytes:  # else it is a second name of one that was told
                return [f"saved at step {count(fact.step)}" + (f" ({size(fact.bytes)})" if fact.bytes else "")]
            case ev.Refused():
                return [f"refused: {fact.why}"]
            case ev.Alerted():
                return [f"warning: {fact.text}" + (f" (step {count(fact.step)})" if fact.step else "")]
        return []

    def _fit_ended(self, fact: ev.FitEnded) -> list[str]:
        lines = [best + self._part] if (best := best_of(self._rows)) else []
        if fact.reason != "done" and self._saved is not None and self._where_it_lies is not None:
            again = resume(self._where_it_lies)
            lines.append(f"go on from the checkpoint at step {count(self._saved)} with: {again}")
        error = f": {fact.error}" if fact.error else ""
        return [*lines, f"{fact.reason} after {_plural(fact.step, 'step')}{error}"]

    def _fit_started(self, fact: ev.FitStarted) -> str:
        self._progress.fit_started(fact)
        halves = f"{fact.train_batches} + {fact.valid_batches} batches an epoch"
        return (
            f"fit: {fact.model}, {count(fact.parameters)} parameters on {fact.device}; batch size {fact.batch_size}, "
            f"{halves}; {fact.opt}, learning rate {fact.lr:g}{'' if fact.sched == 'constant' else f' ({fact.sched})'}"
        )

    def _progressed(self, fact: ev.Progressed) -> str:
        speed, left = self._progress.rate, self._progress.eta
        text = f"{self._where(fact.epoch, fact.phase)}  {self._batches(fact.batch)}  {_values(fact.metrics)}"
        if speed is not None and left is not None:
            text += f"  {rate(speed):>9} img/s  {duration(left):>7} left"
        return text

    def _epoch_ended(self, fact: ev.EpochEnded) -> str:
        if fact.off:
            return f"{self._where(fact.epoch, fact.phase)}  off"
        where, note = self._where(fact.epoch, fact.phase), "" if fact.ended == "complete" else f"  {fact.ended}"
        speed = f"{rate(fact.samples / fact.seconds):>9} img/s" if fact.seconds > 0 else " " * 15
        return f"{where}  {self._batches(fact.batches)}  {_values(fact.metrics)}  {speed}  {fact.seconds:>7.1f} s{note}"

    def _where(self, epoch: int, phase: ev.Phase) -> str:
        epochs = max(self._progress.epochs, epoch + 1)
        return f"epoch {epoch + 1:>{len(str(epochs))}}/{epochs}  {phase}"

    def _batches(self, done: int) -> str:
        """74 of 118 as "74/118", as wide as the widest of the fit."""
        of = self._progress.halves[self._progress.phase or "train"]
        width = max(len(str(n)) for n in self._progress.halves.values())
        return f"{done:>{width}}/{of:<{width}}"


def _values(metrics: Mapping[str, ev.Number]) -> str:
    return "  ".join(f"{clean(name)} {metric(float(value)):>8}" for name, value in metrics.items())


def _resumed(fact: ev.RunResumed) -> str:
    text = f"resumed at step {count(fact.step)}"
    return text + (f": epoch {fact.epoch + 1}, {fact.phase}, after {_plural(fact.batch, 'batch')}" if fact.step else "")


def _plural(number: int, noun: str) -> str:
    return f"{count(number)} {noun}" + ("" if number == 1 else "es" if noun.endswith("ch") and noun != "epoch" else "s")
