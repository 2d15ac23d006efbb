"""Metrics that never wait for the device: sums are kept as tensors where the predictions are.

Anything with `update`, `compute` and `reset` is a metric; those of torcheval are, too.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import torch

from miniai.errors import LearnerError

__all__ = ["Accuracy", "Mean", "Metric", "check_classes"]

FOLD = 64
"""So many values are kept before they are added up: next to a small model's step, each tensor operation counts."""


@runtime_checkable
class Metric(Protocol):
    """What MetricsCB needs of a metric."""

    def update(self, *args: Any, **kwargs: Any) -> Any:
        """Take in one batch: `update(predictions, targets)`."""

    def compute(self) -> Any:
        """The value over all batches since the last reset, a number or a 0-dim tensor."""

    def reset(self) -> Any:
        """Forget all batches."""


class _Sum:
    """Sum of 0-dim tensors times weights, in float64 where the device has it."""

    def __init__(self) -> None:
        self.total: torch.Tensor | None = None
        self._kept: list[torch.Tensor] = []
        self._restored: torch.Tensor | None = None  # values kept before those, on whatever device
        self._weight = 1.0

    def add(self, value: torch.Tensor, weight: float = 1.0) -> None:
        """Add one value, which must not change any more."""
        if weight != self._weight or self._count() >= FOLD:
            self._fold()
            self._weight = weight
        self._kept.append(value)

    def value(self) -> torch.Tensor:
        """The sum so far, a 0-dim tensor."""
        self._fold()
        return torch.zeros(()) if self.total is None else self.total

    def _count(self) -> int:
        return len(self._kept) + (0 if self._restored is None else len(self._restored))

    def _waiting(self) -> torch.Tensor | None:
        """The values that are not added up yet, in their order."""
        if not self._kept:
            return self._restored
        kept = torch.stack(self._kept)
        return kept if self._restored is None else torch.cat([self._restored.to(kept.device), kept])

    def _fold(self) -> None:
        waiting = self._waiting()
        if waiting is None:
            return
        wide = torch.float32 if waiting.device.type == "mps" else torch.float64  # MPS has no float64
        part = waiting.sum(dtype=wide) * self._weight
        self.total = part if self.total is None else self.total.to(part.device) + part
        self._kept, self._restored = [], None

    def state_dict(self) -> dict[str, Any]:
        """To go on from here to the last bit: nothing is added up for it."""
        return {"total": self.total, "waiting": self._waiting(), "weight": self._weight}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a `state_dict`."""
        self.total, self._restored, self._weight = state["total"], state["waiting"], state["weight"]
        self._kept = []


class Mean:
    """Weighted mean; NaN while there are no values.

    >>> mean = Mean()
    >>> mean.update(1.0, weight=3)
    >>> mean.update(5.0)
    >>> float(mean.compute())
    2.0
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all values."""
        self._sum = _Sum()
        self.weight = 0.0

    def update(self, value: torch.Tensor | float, weight: float = 1.0) -> None:
        """Add one value (a 0-dim tensor or a number) that counts `weight` times."""
        value = value.detach() if isinstance(value, torch.Tensor) else torch.tensor(value)
        self._sum.add(value, weight)
        self.weight += weight

    def compute(self) -> torch.Tensor:
        """The mean, a 0-dim tensor."""
        return self._sum.value() / self.weight if self.weight else torch.tensor(torch.nan)

    def state_dict(self) -> dict[str, Any]:
        """The values so far."""
        return {"sum": self._sum.state_dict(), "weight": self.weight}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Have the values of a `state_dict`."""
        self._sum.load_state_dict(state["sum"])
        self.weight = state["weight"]


def check_classes(classes: torch.Tensor, targets: torch.Tensor) -> None:
    """LearnerError unless there is one target class for each predicted class: the comparison would broadcast."""
    if classes.shape != targets.shape:
        raise LearnerError(
            f"accuracy needs one target class a prediction: predicted classes are {tuple(classes.shape)}, targets "
            f"{tuple(targets.shape)}; for one-hot targets take targets.argmax(1), for (n, 1) targets.squeeze(1)"
        )


class Accuracy:
    """Share of samples whose largest output is the target's; NaN while there are none.

    As with every argmax, outputs that are all NaN stand for class 0: a loss that is NaN tells of those.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        self._hits = _Sum()
        self.count = 0

    def update(self, preds: torch.Tensor, targets: torch.Tensor) -> None:
        """Take in outputs (n, classes, ...) or predicted classes (n, ...), and target classes (n, ...)."""
        if preds.ndim > targets.ndim:
            preds = preds.argmax(1)
        check_classes(preds, targets)
        self._hits.add((preds == targets).sum())
        self.count += targets.numel()

    def compute(self) -> torch.Tensor:
        """The accuracy, a 0-dim tensor."""
        return self._hits.value() / self.count if self.count else torch.tensor(torch.nan)

    def state_dict(self) -> dict[str, Any]:
        """The samples so far."""
        return {"hits": self._hits.state_dict(), "count": self.count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Have the samples of a `state_dict`."""
        self._hits.load_state_dict(state["hits"])
        self.count = state["count"]
