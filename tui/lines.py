"""Facts as aligned lines of plain text; no clock, no input or output."""

from __future__ import annotations

from collections.abc import Mapping

from miniai.run import events as ev
from tui.state.answers import change
from tui.state.progress import Progress
from tui.text import clean, count, duration, metric, rate

__all__ = ["Lines"]


class Lines:
    """Renders one run's facts, in their order, each to the lines that a log should have."""

    def __init__(self) -> None:
        self._progress = Progress()

    def note(self, fact: ev.Progressed) -> None:
        """Keep the speed in mind without saying anything."""
        self._progress.progressed(fact)

    def render(self, fact: ev.Fact) -> list[str]:
        """Lines without their newlines; most facts have none."""
        return [f"{duration(fact.at):>8}  {clean(text)}" for text in self._texts(fact)]

    def _texts(self, fact: ev.Fact) -> list[str]:
        match fact:
            case ev.RunStarted():
                return [f"run {fact.run}: {fact.dataset}, {fact.model}, {_plural(fact.epochs, 'epoch')}"]
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
                return [self._epoch_ended(fact)]
            case ev.FitEnded():
                return [f"{fact.reason} after {_plural(fact.step, 'step')}" + (f": {fact.error}" if fact.error else "")]
        return self._control(fact)

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
            case ev.Refused():
                return [f"refused: {fact.why}"]
            case ev.Alerted():
                return [f"warning: {fact.text}" + (f" (step {count(fact.step)})" if fact.step else "")]
        return []

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
            text += f"  {rate(speed):>9} img/s  {duration(left)} left"
        return text

    def _epoch_ended(self, fact: ev.EpochEnded) -> str:
        where, note = self._where(fact.epoch, fact.phase), "" if fact.ended == "complete" else f"  {fact.ended}"
        speed = f"{rate(fact.samples / fact.seconds):>9} img/s" if fact.seconds > 0 else " " * 15
        return f"{where}  {self._batches(fact.batches)}  {_values(fact.metrics)}  {speed}  {fact.seconds:.1f} s{note}"

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


def _plural(number: int, noun: str) -> str:
    return f"{count(number)} {noun}" + ("" if number == 1 else "es" if noun.endswith("ch") and noun != "epoch" else "s")
