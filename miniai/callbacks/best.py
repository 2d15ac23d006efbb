"""Which validation was the best so far, and where the checkpoint of it is."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from miniai.callbacks.metrics import MetricsCB
from miniai.run import checkpoint

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["Best", "Record"]

_SIGNS = {"accuracy": 1.0, "loss": -1.0}
"""What may be called best: 1 if more is better."""


class Record(NamedTuple):
    """The best value so far and, in trained batches, where it was reached."""

    value: float
    step: int


class Best:
    """Compares validations by `metric`, "accuracy" or "loss"; by another name nothing is ever better.

    A record counts only while its weights are in a checkpoint: whoever could not write one takes it back (`record`).
    """

    def __init__(self, folder: Path, metric: str) -> None:
        self.folder, self.metric = folder, metric
        self.record: Record | None = None
        self.owed = ""
        """A checkpoint that is the best and could not be kept under a name of its own yet; it must stay."""

    def better(self, learn: Learner) -> Record | None:
        """What this validation has reached, if that is better than all before."""
        metrics = next((cb for cb in learn.cbs if isinstance(cb, MetricsCB)), None)
        if self.metric not in _SIGNS or metrics is None:
            return None
        value = metrics.values().get(self.metric, math.nan)
        if math.isnan(value) or (self.record and _SIGNS[self.metric] * (value - self.record.value) <= 0):
            return None
        return Record(value, learn.steps)

    def state_dict(self) -> dict[str, Any]:
        """The best value so far, of what, and where."""
        value, step = self.record or (None, 0)
        return {"best": self.metric, "record": value, "step": step}

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Compare with that one; find its checkpoint."""
        self.record, self.owed = None, ""
        if state["best"] != self.metric or state["record"] is None:
            return
        self.record = Record(state["record"], state.get("step", 0))
        there = [name for name in checkpoint.names(self.folder) if int(name.split("-")[1]) == self.record.step]
        if there and not any(name.startswith("best") for name in there):
            self.owed = there[-1]
