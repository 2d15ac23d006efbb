"""Alerts: what the user should know of the run, and what of it has been acknowledged."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from miniai.run import events as ev
from tui.text import clean, count

if TYPE_CHECKING:
    from tui.state.run import Section

__all__ = ["Alert", "AlertKey", "Alerts"]

AlertKey: TypeAlias = tuple[str, int, float]
"""Topic, step and time of an alert: no other of the run has all three."""

LIMIT = 100
"""Alerts that are kept."""


def _stays(step: int, at: float, resumed: ev.RunResumed) -> bool:
    """Whether what was said of a step, or of none (0), at a time, holds in a run that is resumed."""
    if step == resumed.step > 0 and resumed.saved_at is not None:
        return at <= resumed.saved_at
    return step <= resumed.step


@dataclass(eq=False)
class Alert:
    """Something that the user should know."""

    topic: str
    text: str
    step: int = 0
    at: float = 0.0
    """Seconds since the trainer started."""
    rule: str = ""
    """What must be so for this alert; empty where the text says all."""
    seen: bool = False
    """Acknowledged."""

    @property
    def key(self) -> AlertKey:
        """What no other alert of the run has."""
        return self.topic, self.step, self.at

    @property
    def line(self) -> str:
        """The text and where it happened."""
        told = f"step {self.step}" in self.text
        return self.text + (f" (step {count(self.step)})" if self.step and not told else "")


class Alerts:
    """The newest alerts, the oldest first; one that is told again, as to every new viewer, is there once."""

    section: Section = "alerts"

    def __init__(self, acknowledged: set[AlertKey] | None = None) -> None:
        self.acknowledged = set() if acknowledged is None else acknowledged
        """Keys of those that have been acknowledged, here or by an earlier viewer."""
        self._alerts: deque[Alert] = deque(maxlen=LIMIT)
        self._told: deque[tuple[str, str, int, float]] = deque(maxlen=LIMIT)
        self.total = 0
        """How many there have been; grows with each new one."""

    def __iter__(self) -> Iterator[Alert]:
        return iter(self._alerts)

    def __len__(self) -> int:
        return len(self._alerts)

    def __getitem__(self, i: int) -> Alert:
        return self._alerts[i]

    def apply(self, fact: ev.AnyFact) -> bool:
        """Take a fact; True if there is a new alert, or one less."""
        if isinstance(fact, ev.RunResumed):
            self._resumed(fact)
            return True
        if not isinstance(fact, ev.Alerted):
            return False
        told = (fact.topic, fact.text, fact.step)
        if any(told == before[:3] for before in self._told):
            return False
        self._told.append((*told, fact.at))
        text, rule = clean(fact.text), clean(fact.rule)
        alert = Alert(clean(fact.topic, 40), text, max(fact.step, 0), fact.at, rule)
        alert.seen = alert.key in self.acknowledged
        self._alerts.append(alert)
        self.total += 1
        return True

    def _resumed(self, fact: ev.RunResumed) -> None:
        """What was said of later steps is void; that the run was resumed is said, and needs no attention."""
        kept = [alert for alert in self._alerts if _stays(alert.step, alert.at, fact)]
        for alert in kept:
            alert.seen |= alert.topic == "signal"  # it has not ended the run after all
        text = f"the run was resumed at step {count(fact.step)}"
        self._alerts = deque([*kept, Alert("resumed", text, at=fact.at, seen=True)], maxlen=LIMIT)
        self._told = deque((told for told in self._told if _stays(*told[2:], fact)), maxlen=LIMIT)

    @property
    def open(self) -> list[Alert]:
        """Those that are not acknowledged, the oldest first."""
        return [alert for alert in self._alerts if not alert.seen]

    def acknowledge(self, *alerts: Alert) -> None:
        """They have been seen; without any, all have."""
        for alert in alerts or self._alerts:
            alert.seen = True
            self.acknowledged.add(alert.key)
