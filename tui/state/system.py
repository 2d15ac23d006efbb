"""The machine as the samples of the trainer tell it, with a short history of each number."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from miniai.run import events as ev
from miniai.run.machine import GpuUse, Machine

if TYPE_CHECKING:
    from tui.state.run import Section

__all__ = ["KEPT", "System"]

KEPT = 300
"""Samples of each history: ten minutes."""
MINUTE = 30
"""Samples over which the share of time spent waiting for data is taken."""


class System:
    """The newest sample, and histories by name: "cpu", "memory", "wait", "gpu 0 busy" ...; NaN where n/a."""

    section: Section = "system"

    def __init__(self) -> None:
        self.machine: Machine | None = None
        self.now: ev.SystemSampled | None = None
        self.log: int | None = None
        """Bytes of the run's log by then; None if no sample has told."""
        self.history: dict[str, deque[float]] = {}
        self._spent: deque[tuple[float, float]] = deque([(0.0, 0.0)], maxlen=MINUTE)
        """Seconds of training and of waiting for data, between two samples each."""
        self._last = 0.0, 0.0

    @property
    def gpus(self) -> list[GpuUse]:
        """One for each GPU of the machine."""
        known = len(self.machine.gpus) if self.machine is not None else 0
        told = self.now.gpus if self.now is not None else []
        return [*told, *[GpuUse()] * (known - len(told))][:known]

    @property
    def waiting(self) -> float | None:
        """Share, 0 to 1, of the training of the last minute that was spent waiting for data; None before any."""
        seconds = sum(s for s, _ in self._spent)
        return min(max(sum(w for _, w in self._spent) / seconds, 0.0), 1.0) if seconds > 0 else None

    def apply(self, fact: ev.AnyFact) -> bool:
        """Take a fact; True if what is shown has changed."""
        match fact:
            case ev.SystemSampled():
                self.now = fact
                self.machine = fact.machine or self.machine
                self.log = self.log if fact.log is None else fact.log
                self._remember(fact)
                return True
            case ev.Progressed():
                self._spend(fact)
            case ev.RunStarted() | ev.FitEnded():
                return True
        return False

    def _spend(self, fact: ev.Progressed) -> None:
        seconds, waited = self._last
        if fact.seconds < seconds:  # another half epoch
            seconds = waited = 0.0
        self._last = fact.seconds, fact.waited
        a, b = self._spent[-1]
        self._spent[-1] = a + max(fact.seconds - seconds, 0.0), b + max(fact.waited - waited, 0.0)

    def _remember(self, fact: ev.SystemSampled) -> None:
        seconds, waited = self._spent[-1]
        values: dict[str, float | None] = {
            "cpu": fact.cpu, "memory": fact.memory, "process_cpu": fact.process_cpu,
            "process_memory": fact.process_memory, "disk": fact.disk_free,
            "wait": min(waited / seconds, 1.0) if seconds > 0 else None,
        }  # fmt: skip
        for i, use in enumerate(self.gpus):
            for name in ("busy", "memory", "temperature", "power"):
                values[f"gpu {i} {name}"] = getattr(use, name)
        for name, value in values.items():
            held = self.history.setdefault(name, deque(maxlen=KEPT))
            held.append(math.nan if value is None else float(value))
        self._spent.append((0.0, 0.0))
