"""What the trainer's answers to requests say, in words for the header."""

from __future__ import annotations

from typing import TypeAlias

from miniai.run import events as ev
from tui.text import clean

__all__ = ["Answer", "words"]

Answer: TypeAlias = ev.Paused | ev.Continued | ev.BatchSkipped | ev.EpochSkipped | ev.StopPlanned | ev.Refused


def words(fact: Answer, of: int) -> str:
    """A notice; empty where the status says it already. `of` is how many batches the running half has."""
    match fact:
        case ev.BatchSkipped():
            return f"batch {fact.batch + 1} skipped"
        case ev.EpochSkipped():
            half, then = ("training", ", on to validation") if fact.phase == "train" else ("validation", "")
            return f"{half} skipped at {fact.at_batch}/{of}{then}"
        case ev.StopPlanned():
            return f"stops after {'this batch' if fact.when == 'batch' else f'epoch {fact.epoch + 1}'}"
        case ev.Refused():
            return f"refused: {clean(fact.why)}"
    return ""
