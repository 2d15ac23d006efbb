"""Histograms as short strings: a count a character, so that a journal of hundreds of layers stays small.

A count is kept to the nearest of 93 levels: 0, and powers of `e ** 0.25` from 1 on, which is within 13 percent of it
up to seven billion. Zeros at the end are left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["LEVELS", "count_of", "pack", "unpack"]

_SYMBOLS = "".join(chr(c) for c in range(0x20, 0x7F) if chr(c) not in '"\\')
"""What JSON writes as a single character."""
LEVELS = len(_SYMBOLS)
_STEP = 0.25
_LEVEL_OF = {symbol: level for level, symbol in enumerate(_SYMBOLS)}


def pack(counts: Sequence[float]) -> str:
    """Counts from 0 up as a string."""
    return "".join(_SYMBOLS[_level(count)] for count in counts).rstrip(_SYMBOLS[0])


def _level(count: float) -> int:
    return 0 if count < 1 else min(1 + round(math.log(count) / _STEP), LEVELS - 1)


def unpack(text: str, slots: int) -> list[int]:
    """The levels of a packed histogram, exactly `slots`; what is no level counts as 0."""
    return [_LEVEL_OF.get(symbol, 0) for symbol in text[:slots].ljust(slots, _SYMBOLS[0])]


def count_of(level: int) -> float:
    """The count that a level stands for."""
    return 0.0 if level <= 0 else math.exp((level - 1) * _STEP)
