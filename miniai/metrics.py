"""Metrics that never wait for the device: sums are kept as tensors where the predictions are.

Anything with `update`, `compute` and `reset` is a metric; those of torcheval are, too.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import torch

__all__ = ["Accuracy", "Mean", "Metric"]


@runtime_checkable
class Metric(Protocol):
    """What MetricsCB needs of a metric."""

    def update(self, *args: Any, **kwargs: Any) -> Any:
        """Take in one batch: `update(predictions, targets)`."""

    def compute(self) -> Any:
        """The value over all batches since the last reset, a number or a 0-dim tensor."""

    def reset(self) -> Any:
        """Forget all batches."""


def _wide(device: torch.device) -> torch.dtype:
    """The widest float of a device: MPS has no float64."""
    return torch.float32 if device.type == "mps" else torch.float64


class Mean:
    """Weighted mean; NaN while there are no values."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all values."""
        self.total: torch.Tensor | None = None
        self.weight = 0.0

    def update(self, value: torch.Tensor | float, weight: float = 1) -> None:
        """Add one value (a 0-dim tensor or a number) that counts `weight` times."""
        value = torch.as_tensor(value).detach()
        if self.total is None or self.total.device != value.device:
            start = 0.0 if self.total is None else self.total.item()
            self.total = torch.full((), start, dtype=_wide(value.device), device=value.device)
        self.total.add_(value, alpha=weight)
        self.weight += weight

    def compute(self) -> torch.Tensor:
        """The mean, a 0-dim tensor."""
        return torch.tensor(torch.nan) if self.total is None or not self.weight else self.total / self.weight


class Accuracy:
    """Share of samples whose largest output is the target's; a row with a NaN is wrong; NaN while there are none."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget all samples."""
        self.correct: torch.Tensor | None = None
        self.count = 0

    def update(self, preds: torch.Tensor, targets: torch.Tensor) -> None:
        """Take in outputs (n, classes, ...) or predicted classes (n, ...), and target classes (n, ...)."""
        if preds.ndim > targets.ndim:
            best, preds = preds.max(1)
            right = (preds == targets).logical_and_(best == best)  # noqa: PLR0124 - NaN differs from itself
        else:
            right = preds == targets
        hits = right.sum()
        self.correct = hits if self.correct is None else self.correct.add_(hits)
        self.count += targets.numel()

    def compute(self) -> torch.Tensor:
        """The accuracy, a 0-dim tensor."""
        return torch.tensor(torch.nan) if self.correct is None or not self.count else self.correct / self.count
