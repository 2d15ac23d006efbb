"""Lesson 14's training loop: one function, for when a Learner is more than is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from miniai.errors import LearnerError, UsageError
from miniai.metrics import Mean, check_classes
from miniai.scratch.data import Dataset

__all__ = ["Dataset", "accuracy", "fit", "get_dls", "report"]


def accuracy(out: Tensor, yb: Tensor) -> Tensor:
    """Share of rows of `out`, (batch, classes), whose largest number is at the class in `yb`, (batch,); 0-dim.

    >>> accuracy(torch.tensor([[2.0, 1.0], [0.0, 3.0], [5.0, 4.0]]), torch.tensor([0, 1, 1]))
    tensor(0.6667)
    """
    classes = out.argmax(1)
    check_classes(classes, yb)
    return (classes == yb).to(torch.float32).mean()


def report(loss: Tensor | float, preds: Tensor, yb: Tensor) -> None:
    """Print a batch's loss and accuracy."""
    print(f"loss {float(loss):.3f}, accuracy {float(accuracy(preds, yb)):.3f}")  # noqa: T201 - what it is for


def fit(
    epochs: int,
    model: Any,
    loss_func: Callable[[Any, Any], Tensor],
    opt: Any,
    train_dl: Iterable[Any],
    valid_dl: Iterable[Any],
) -> tuple[float, float]:
    """Train for `epochs`, print a line after each; returns the last validation loss and accuracy.

    Both are means over all samples of `valid_dl`, batches weighted by their size. `loss_func(out, yb)` is a mean over
    the batch; loaders yield pairs (xb, yb) on the model's device. The model is left in evaluation mode.
    """
    if epochs < 1:
        raise UsageError(f"the number of epochs must be at least 1, not {epochs}")
    for epoch in range(epochs):
        model.train()
        for xb, yb in train_dl:
            loss = loss_func(model(xb), yb)
            loss.backward()  # type: ignore[no-untyped-call]
            opt.step()
            opt.zero_grad()
        loss_mean, accuracy_mean = _validate(model, loss_func, valid_dl)
        place = f"{epoch + 1:{len(str(epochs))}}/{epochs}"
        print(f"epoch {place}  validation loss {loss_mean:.4f}  accuracy {accuracy_mean:.4f}")  # noqa: T201
    return loss_mean, accuracy_mean


@torch.no_grad()
def _validate(model: Any, loss_func: Callable[[Any, Any], Tensor], valid_dl: Iterable[Any]) -> tuple[float, float]:
    model.eval()
    loss, right, count = Mean(), Mean(), 0
    for xb, yb in valid_dl:
        out, n = model(xb), len(yb)
        loss.update(loss_func(out, yb), weight=n)
        right.update(accuracy(out, yb), weight=n)
        count += n
    if not count:
        raise LearnerError("the validation loader yields no samples: loss and accuracy would be means of nothing")
    return float(loss.compute()), float(right.compute())


def get_dls(train_ds: Any, valid_ds: Any, bs: int, **kwargs: Any) -> tuple[DataLoader[Any], DataLoader[Any]]:
    """Make torch's DataLoaders for training, shuffled, batches of `bs`, and for validation, batches of `2 * bs`.

    Validation keeps no activations for a backward pass and so has room for twice as much. `kwargs` go to both.
    """
    return DataLoader(train_ds, bs, shuffle=True, **kwargs), DataLoader(valid_ds, bs * 2, **kwargs)
