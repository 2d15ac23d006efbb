"""Diverging: whether the training loss has gone up for good. A slow rise is no spike, and nothing in it is infinite."""

from __future__ import annotations

import math
import statistics
from typing import Any

__all__ = ["Diverging"]

WINDOW = 20
"""Finite losses whose median says where the loss is."""
TIMES = 10.0
"""So many times what it was is too much."""
SMALL = 2
"""Losses of a window that may be small, and it has left the first loss all the same."""


class Diverging:
    """Takes training losses one by one. Only positive ones can be so many times as large: others tell nothing."""

    rule = (
        f"the median of {WINDOW} losses is above {TIMES:g} times the least such median before, "
        f"or all of them but {SMALL} above {TIMES:g} times the first loss"
    )

    def __init__(self) -> None:
        self._first = self._least = math.inf
        self._newest: list[float] = []

    def take(self, loss: float) -> str:
        """What is wrong, if it shows with this loss; else nothing."""
        if not math.isfinite(loss):
            return ""
        if math.isinf(self._first):
            self._first = loss
        self._newest.append(loss)
        if len(self._newest) < WINDOW:
            return ""
        middle, before = statistics.median(self._newest), min(self._first, self._least)
        nearly_all = sorted(self._newest)[SMALL]  # one batch, the first, may have been lucky: the median is not enough
        too_much = 0 < TIMES * self._least < middle or 0 < TIMES * self._first < nearly_all
        self._newest.clear()
        self._least = min(self._least, middle)
        return f"the training loss went up from {before:.4g} to {middle:.4g}: it diverges" if too_much else ""

    def state_dict(self) -> dict[str, Any]:
        """What it has seen, in plain values."""
        return {"first": self._first, "least": self._least, "newest": list(self._newest)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a `state_dict`."""
        self._first, self._least, self._newest = state["first"], state["least"], list(state["newest"])
