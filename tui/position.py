"""Where a run is, read from the end of its journal: what a command in a shell has to know to ask."""

from __future__ import annotations

import contextlib

import msgspec

from miniai.run import events as ev
from miniai.run.directory import RunDir
from miniai.run.tail import kind, newest
from tui.state.seen import Seen
from tui.text import clean, duration, metric

__all__ = ["Position", "position"]

_KINDS = (
    "RunStarted", "RunResumed", "StageReached", "FitStarted", "EpochStarted", "Progressed", "EpochEnded", "Paused",
    "Continued", "Changed", "FitEnded",
)  # fmt: skip
_ROOM = 64 << 20
"""Bytes of a journal that are looked at."""


class Position:
    """Where a run is, as far as its facts tell."""

    def __init__(self) -> None:
        self.seen = Seen()
        self.at, self.step = 0.0, 0
        self.epoch, self.batch, self.of, self.epochs = -1, 0, 0, 0
        self.phase: ev.Phase | None = None
        self.stage = ""
        self.metrics: dict[str, float] = {}

    def apply(self, fact: ev.AnyFact) -> None:
        """Take one fact."""
        self.at = max(self.at, fact.at)
        self.seen.apply(fact)
        match fact:
            case ev.RunStarted() | ev.FitStarted():
                self.epochs, self.phase = fact.epochs, None
            case ev.StageReached():
                self.stage = fact.stage
            case ev.EpochStarted():
                self.epoch, self.phase, self.batch, self.of = fact.epoch, fact.phase, 0, fact.batches
                self.step, self.metrics = fact.step, {}
            case ev.Progressed():
                self.epoch, self.phase, self.batch = fact.epoch, fact.phase, fact.batch
                self.metrics = {name: float(value) for name, value in fact.metrics.items()}
            case ev.EpochEnded():
                self.batch, self.step = fact.batches, fact.step
                self.metrics = {name: float(value) for name, value in fact.metrics.items()}
            case ev.Paused():
                self.epoch, self.phase, self.batch, self.step = fact.epoch, fact.phase, fact.batch, fact.step
            case ev.Changed(what="epochs"):
                self.epochs = int(fact.new)
            case ev.RunResumed():
                self.epoch, self.phase, self.step, self.stage = fact.epoch, None, fact.step, ""
            case ev.FitEnded():
                self.step = fact.step

    @property
    def text(self) -> str:
        """Epoch, half, batch, and the running values, in words."""
        if self.phase is None:
            return self.stage or "no batch has begun"
        half = "training" if self.phase == "train" else "validation"
        values = [f"{clean(name, 40)} {metric(value)}" for name, value in self.metrics.items()]
        where = f"epoch {self.epoch + 1}/{self.epochs}, {half}, batch {self.batch}/{self.of}"
        return ", ".join([where, *values, duration(self.at)])


def position(run: RunDir) -> Position:
    """Where `run` is; of a run that was resumed, what its journal told last holds."""
    lines, _ = newest(run.journal, _KINDS, _ROOM)
    last = {kind(line): i for i, line in enumerate(lines)}
    found = Position()
    for i, line in enumerate(lines):
        if kind(line) == "Progressed" and last["Progressed"] != i:
            continue
        with contextlib.suppress(msgspec.DecodeError):  # of a newer version
            found.apply(ev.decode(line))
    return found
