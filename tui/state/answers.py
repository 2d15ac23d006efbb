"""What the trainer's answers to requests say, in words for the header."""

from __future__ import annotations

from typing import TypeAlias

from miniai.run import events as ev
from tui.text import clean

__all__ = ["Answer", "change", "change_words", "words"]

Answer: TypeAlias = (
    ev.Paused | ev.Continued | ev.BatchSkipped | ev.EpochSkipped | ev.StopPlanned | ev.Changed | ev.Saved | ev.Refused
)


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
        case ev.Changed():
            return change(fact)
        case ev.Saved() if fact.why == "request":  # others come by themselves, after every epoch: no news
            return f"saved at step {fact.step:,}"
        case ev.Refused():
            return f"refused: {clean(fact.why)}"
    return ""


def change(fact: ev.Changed) -> str:
    """What is different now, from what to what, and what follows from it."""
    if fact.what == "lr":
        text = f"learning rate {_times(fact)}: {fact.old:.4g} > {fact.new:.4g}"
    elif fact.what == "epochs":
        text = f"epochs {fact.old:.0f} > {fact.new:.0f}"
    else:
        text = f"validation {_on(fact)} from epoch {fact.epoch + 1}"
    return text + (f"; {clean(fact.note)}" if fact.note else "")


def change_words(fact: ev.Changed) -> str:
    """The same in a word or two, for a mark on the chart."""
    return {"lr": f"lr {_times(fact)}", "epochs": f"{fact.new:.0f} epochs", "valid": f"valid {_on(fact)}"}[fact.what]


def _times(fact: ev.Changed) -> str:
    return f"x{fact.new / fact.old:.3g}" if fact.old else "set"


def _on(fact: ev.Changed) -> str:
    return "on" if fact.new else "off"
