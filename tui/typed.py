"""What people type for a learning rate and a number of epochs, on the screen and in a shell."""

from __future__ import annotations

import math
from typing import TypeAlias

__all__ = ["EpochsAsked", "RateAsked", "Wrong", "read_epochs", "read_rate"]

RateAsked: TypeAlias = tuple[float, float]
"""Factor and rate, one of them 0."""
EpochsAsked: TypeAlias = int


class Wrong(ValueError):
    """What was typed cannot be taken; its text says why."""


def read_rate(text: str, now: float | None = None) -> RateAsked:
    """What "0.01", "x0.5", "*2", "/2" or "50%" ask for, as factor and rate; raises Wrong."""
    typed = text.strip().lower().replace("×", "x").replace(",", ".")
    try:
        if typed[:1] in ("x", "*"):
            factor, lr = float(typed[1:]), 0.0
        elif typed[:1] == "/":
            factor, lr = 1 / float(typed[1:]), 0.0
        elif typed[-1:] == "%":
            factor, lr = float(typed[:-1]) / 100, 0.0
        else:
            factor, lr = 0.0, float(typed)
    except (ValueError, ZeroDivisionError):
        raise Wrong("not a number: type a rate like 0.01, or x0.5, or /2") from None
    value = factor or lr
    if not 0 < value < math.inf or (now and factor and not 0 < now * factor < math.inf):
        raise Wrong("a learning rate is above 0 and not infinite")
    return factor, lr


def read_epochs(text: str, now: int, running: int) -> EpochsAsked:
    """The number that "8", "+3" or "-2" asks for; raises Wrong if it is none, or below the running epoch."""
    typed = text.strip().replace("−", "-")
    digits = typed.removeprefix("+").removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= 7 and len(typed) - len(digits) <= 1):
        raise Wrong("not a whole number: type for example 8, or +3")
    epochs = now + int(typed) if typed != digits else int(typed)
    if epochs < running:
        raise Wrong(f"epoch {running} is running already: there cannot be fewer")
    if epochs > 1_000_000:
        raise Wrong("more than 1,000,000 epochs are not taken")
    return epochs
