"""What happened at a train step: marks for the chart, and the learning rate's jumps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from miniai.run.events import Scalars

__all__ = ["Mark", "RateWatch"]

STILL = 10
"""Steps for which a learning rate must have stood still for its change to be a jump and not a schedule."""


@dataclass(frozen=True)
class Mark:
    """Something that happened at a train step and that the chart shows."""

    step: int
    kind: Literal["pause", "skip", "lr", "stop", "change", "alert"]
    text: str


class RateWatch:
    """Finds where the learning rate changes after having stood still; a schedule makes no marks."""

    def __init__(self) -> None:
        self._last, self._same = 0.0, 0

    def marks(self, fact: Scalars) -> list[Mark]:
        """The jumps among new values of the learning rate."""
        found = []
        for i, number in enumerate(fact.values):
            value = float(number)
            if value == self._last:
                self._same += 1
                continue
            if self._same >= STILL and self._last > 0:
                found.append(Mark(fact.first + i * fact.stride, "lr", f"lr x{value / self._last:.3g}"))
            self._last, self._same = value, 0
        return found
