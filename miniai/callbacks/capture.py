"""CapturePreds: all predictions of a fit, with their targets and inputs, on the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from miniai.callbacks.base import Callback
from miniai.callbacks.drain import Copy, start_copy
from miniai.conv import to_cpu
from miniai.errors import LearnerError

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["CapturePreds"]

_Batches = list[list[Copy]]
"""One list a batch: its tensors, on their way to the CPU."""


def _copies(parts: Any, what: str) -> list[Copy]:
    """The tensors of `parts`, a tensor or a sequence of them, set on their way."""
    tensors = [parts] if isinstance(parts, Tensor) else parts
    if not isinstance(tensors, (list, tuple)) or not all(isinstance(t, Tensor) for t in tensors):
        raise LearnerError(f"CapturePreds keeps tensors, alone or in a tuple; the {what} are {type(parts).__name__}")
    return [start_copy(t) for t in tensors]


def _joined(column: list[Tensor]) -> Tensor | list[Tensor]:
    """The batches' tensors as one, where their shapes allow that."""
    if all(t.ndim == 0 for t in column):
        return torch.stack(column)
    if len({t.shape[1:] for t in column}) == 1 and all(t.ndim for t in column):
        return torch.cat(column)
    return column


def _read(batches: _Batches) -> Any:
    """Wait for all copies; one tensor for each part of a batch, alone or in a tuple; None if there is no part."""
    columns = [_joined([to_cpu(copy.read()) for copy in column]) for column in zip(*batches, strict=True)]
    return columns[0] if len(columns) == 1 else tuple(columns) or None


class CapturePreds(Callback):
    """Keep the predictions of all batches of a fit; use it with `fit(1, train=False)`.

    After the fit, also after one that was cut short, `all_preds`, `all_targs` and `all_inps` are tensors on the CPU
    (samples, ...), half precision as float32, in the order of the batches. A model with several inputs, outputs or
    targets gives a tuple of tensors; batches whose shapes do not go together stay a list; None where there was
    nothing. `inps=False` keeps no inputs. Nothing here waits for the device before the fit's end.
    """

    def __init__(self, inps: bool = True) -> None:
        self.inps = inps
        self.all_preds: Any = None
        self.all_targs: Any = None
        self.all_inps: Any = None
        self._preds, self._targs, self._inps = _Batches(), _Batches(), _Batches()

    def before_fit(self, _learn: Learner, /) -> None:
        """Forget the fit before."""
        self.all_preds = self.all_targs = self.all_inps = None
        self._forget()

    def after_batch(self, learn: Learner, /) -> None:
        """Set this batch's tensors on their way to the CPU."""
        if not isinstance(learn.batch, (list, tuple)):
            raise LearnerError(f"CapturePreds needs batches that are tuples, not {type(learn.batch).__name__}")
        self._preds.append(_copies(learn.preds, "predictions"))
        self._targs.append(_copies(learn.batch[learn.n_inp :], "targets"))
        if self.inps:
            self._inps.append(_copies(learn.batch[: learn.n_inp], "inputs"))

    def cleanup_fit(self, _learn: Learner, /) -> None:
        """Join what was kept."""
        self.all_preds, self.all_targs, self.all_inps = _read(self._preds), _read(self._targs), _read(self._inps)
        self._forget()

    def _forget(self) -> None:
        self._preds, self._targs, self._inps = _Batches(), _Batches(), _Batches()
