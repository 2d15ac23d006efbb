"""The words of `miniai-tui ctl RUN WORD...`: what they ask for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from miniai.errors import UsageError
from miniai.run.requests import (
    AnyRequest,
    Continue,
    Kill,
    Pause,
    Save,
    SetEpochs,
    SetLearningRate,
    SetValidation,
    SkipBatch,
    SkipEpoch,
    Step,
    Stop,
)
from tui.typed import Wrong, read_epochs, read_rate

__all__ = ["WORDS", "Wanted", "read_words"]

WORDS: dict[str, tuple[str, str]] = {
    "status": ("status", "say how the run stands, and how far it is"),
    "pause": ("pause", "stand still after the running batch"),
    "resume": ("resume", "go on after a pause"),
    "step": ("step", "do one batch, then pause"),
    "skip-batch": ("skip-batch", "do not train on the next batch"),
    "skip-epoch": ("skip-epoch", "skip the rest of this half of the epoch"),
    "validation": ("validation on|off", "validate or not, from the next epoch on"),
    "stop": (
        "stop",
        "end the run in order after the running batch;\n" + " " * 24 + "with --after epoch after the epoch",
    ),
    "save": ("save", "write a checkpoint after the running batch"),
    "lr": ("lr 0.01 | lr x0.5", "set the learning rate, or multiply it"),
    "epochs": ("epochs 10 | +3", "change the number of epochs"),
    "kill": ("kill", "end the trainer and its workers at once"),
}
"""What may be asked: how it is written, and what it does."""
_FORMS = {
    "validation": "validation on or validation off",
    "lr": "lr 0.01 or lr x0.5",
    "epochs": "epochs 10 or epochs +3",
}
_PLAIN: dict[str, type[Any]] = {
    "pause": Pause, "resume": Continue, "step": Step, "skip-batch": SkipBatch, "skip-epoch": SkipEpoch, "save": Save,
    "kill": Kill,
}  # fmt: skip


@dataclass(frozen=True)
class Wanted:
    """What was asked for."""

    text: str
    """As it was typed."""
    kind: type[Any] | None
    """The request that asks it; None for "status"."""
    fields: dict[str, Any]
    """Fields of the request that do not depend on the run."""
    epochs: str = ""
    """A number of epochs as it was typed: what "+3" means depends on the run."""

    def request(self, id: str, more: dict[str, Any]) -> AnyRequest:
        """The request itself; `more` are the fields that say what is known of the run."""
        assert self.kind is not None
        request: AnyRequest = self.kind(id=id, **self.fields, **more)
        return request


def read_words(words: Sequence[str], after: Literal["batch", "epoch"] | None = None) -> Wanted:
    """Understand what was typed; UsageError, which names what is allowed, if that cannot be."""
    first, *rest = words
    text = " ".join([*words, *(["--after", after] if after else [])])
    if first not in WORDS:
        raise UsageError(f"{first!r} is not known: choose {', '.join([*WORDS][:-1])} or {[*WORDS][-1]}")
    if after and first != "stop":
        raise UsageError(f"--after goes with stop, not with {first}")
    takes = first in ("validation", "lr", "epochs")
    if len(rest) != takes:
        raise UsageError(f"{' '.join(words)!r} is not understood: write {_FORMS.get(first, WORDS[first][0])}")
    if not takes:
        when = {"when": after or "batch"} if first == "stop" else {}
        return Wanted(text, Stop if first == "stop" else _PLAIN.get(first), when)
    return _with_value(first, rest[0], text)


def _with_value(word: str, value: str, text: str) -> Wanted:
    try:
        if word == "lr":
            factor, lr = read_rate(value)
            return Wanted(text, SetLearningRate, {"factor": factor, "lr": lr})
        if word == "epochs":
            read_epochs(value, 1, -1_000_000)  # that it is a number
            return Wanted(text, SetEpochs, {}, epochs=value)
    except Wrong as wrong:
        raise UsageError(f"{text!r}: {wrong}") from None
    if value not in ("on", "off"):
        raise UsageError(f"{value!r} is not known: write validation on or validation off")
    return Wanted(text, SetValidation, {"on": value == "on"})
