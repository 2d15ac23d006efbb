"""MetricsCB: metrics and the mean loss of each half epoch."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from miniai.callbacks.base import Callback, CancelBatchException, CancelEpochException, CancelFitException
from miniai.callbacks.torcheval import by_name, hushed, is_torcheval
from miniai.errors import LearnerError
from miniai.faults import no_pair, not_one_number
from miniai.metrics import Mean, Metric
from miniai.shapes import shapes_of

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["MetricsCB", "batch_size"]

_log = logging.getLogger("miniai")


def batch_size(batch: Any) -> int:
    """Samples in a batch: the length of the first tensor in it."""
    part = batch
    while not isinstance(part, torch.Tensor):
        if isinstance(part, Mapping):
            part = next(iter(part.values()), None)
        elif isinstance(part, (list, tuple)) and part:
            part = part[0]
        else:
            raise LearnerError(f"a batch must begin with a tensor, not with {type(part).__name__}")
    return part.shape[0] if part.ndim else 1


def _metric(given: object) -> Metric:
    made = by_name(given) if isinstance(given, str) else given
    if isinstance(made, type) or not isinstance(made, Metric):
        raise LearnerError(f"{given!r} is no metric: it needs update, compute and reset (and to be an instance)")
    return made


def _text(value: Any) -> str:
    """A metric's value with three decimals; those of a vector in brackets."""
    plain = torch.as_tensor(value).tolist()
    return f"{plain:.3f}" if not isinstance(plain, list) else f"[{', '.join(_text(v) for v in plain)}]"


def _failed(name: str, metric: Metric, error: Exception, what: str) -> None:
    """Raise LearnerError for a metric that failed at `what`; what steers the loop or is clear already passes."""
    if isinstance(error, (CancelBatchException, CancelEpochException, CancelFitException, LearnerError)):
        return
    text = f"{type(error).__name__}: {error}"
    raise LearnerError(f"the metric {name!r} ({type(metric).__name__}) failed at {what}: {text}") from error


class MetricsCB(Callback):
    """Compute metrics and the loss (mean weighted by batch size) of each half epoch and log them.

    Positional metrics are named by their class, keyword metrics by the keyword; a string names one of torcheval's.
    `metrics` holds them by name, `all_metrics` the same and `"loss"`; call `compute()` of any at any time. Sums stay
    on the device: nothing here waits for it, except `values` and the row at the end of a half epoch.
    """

    def __init__(self, *ms: Metric | str, **metrics: Metric | str) -> None:
        self.metrics = {name: _metric(m) for name, m in metrics.items()}
        for m in ms:
            made = _metric(m)
            name = type(made).__name__
            if name in self.metrics:
                raise LearnerError(f"two metrics are called {name}: name one by a keyword, MetricsCB(mine={name}(...))")
            self.metrics[name] = made
        if taken := [name for name in ("loss", "epoch", "train") if name in self.metrics]:
            raise LearnerError(f"a metric cannot be called {taken[0]}: every row has one of that name already")
        self.loss = Mean()
        self.all_metrics: dict[str, Metric] = {**self.metrics, "loss": self.loss}
        self.count = 0
        """Samples of this half epoch so far."""
        self.quiet = False
        """True: do not print the rows."""
        self._said: set[str] = set()

    def _log(self, row: dict[str, Any]) -> None:
        """Take one row; others may put themselves in its place for the time of a fit."""
        if not self.quiet:
            print(row)  # noqa: T201 - the course's behaviour in notebooks and scripts

    def before_fit(self, learn: Learner, /) -> None:
        """Let others find this."""
        learn.metrics = self

    def before_epoch(self, _learn: Learner, /) -> None:
        """Forget the half epoch before."""
        self.count = 0
        for metric in self.all_metrics.values():
            metric.reset()

    def after_batch(self, learn: Learner, /) -> None:
        """Take in one batch."""
        size = batch_size(learn.batch)
        if isinstance(learn.loss, torch.Tensor) and learn.loss.numel() != 1:
            raise not_one_number(learn.loss)
        if self.metrics:
            self._update(learn)
        self.loss.update(learn.loss, weight=size)
        self.count += size

    @torch.no_grad()
    def _update(self, learn: Learner) -> None:
        preds = learn.preds.detach() if isinstance(learn.preds, torch.Tensor) else learn.preds
        if not isinstance(learn.batch, (tuple, list)):
            raise no_pair(learn.batch)
        if len(learn.batch) <= learn.n_inp:
            raise LearnerError(
                f"metrics need a target, and a batch has {len(learn.batch)} parts of which {learn.n_inp} are inputs: "
                "make the loader give targets, TrainCB(n_inp=) fewer inputs, or MetricsCB no metrics"
            )
        targets = learn.batch[learn.n_inp]
        for name, metric in self.metrics.items():
            try:
                # torcheval keeps its sums on the CPU unless told otherwise: each update would copy the batch there
                device = getattr(metric, "device", None)
                if device is not None and isinstance(preds, torch.Tensor) and device != preds.device:
                    metric.to(preds.device)  # type: ignore[attr-defined]
                metric.update(preds, targets)
            except Exception as error:
                _failed(name, metric, error, f"predictions {shapes_of(preds)} and targets {shapes_of(targets)}")
                raise

    def _compute(self, name: str) -> Any:
        """The value so far of the metric called `name`."""
        metric = self.all_metrics[name]
        try:
            with hushed() if is_torcheval(metric) else contextlib.nullcontext():
                return metric.compute()
        except Exception as error:
            _failed(name, metric, error, f"computing its value over {self.count} samples")
            raise

    def after_epoch(self, learn: Learner, /) -> None:
        """Log the row of this half epoch."""
        if self.count:
            row: dict[str, Any] = {name: _text(self._compute(name)) for name in self.all_metrics}
        else:
            row = dict.fromkeys(self.all_metrics, "nan")
        row["epoch"] = learn.epoch
        row["train"] = "train" if learn.training else "eval"
        self._log(row)

    def state_dict(self) -> dict[str, Any]:
        """The sums so far; a metric without `state_dict` begins anew in a run that is resumed within a half epoch."""
        states = {name: m.state_dict() for name, m in self.all_metrics.items() if hasattr(m, "state_dict")}
        return {"count": self.count, "metrics": states}

    def load_state_dict(self, state: dict[str, Any], /) -> None:
        """Have the sums of before."""
        self.count = state["count"]
        for name, metric in self.all_metrics.items():
            if name in state["metrics"] and hasattr(metric, "load_state_dict"):
                metric.load_state_dict(state["metrics"][name])
            elif self.count:
                _log.warning("the metric %r cannot be saved: it leaves out what was before the run was resumed", name)

    def running(self) -> dict[str, torch.Tensor]:
        """The values so far as 0-dim tensors, the loss first; empty before the first batch.

        Metrics with more than one number are left out, and those that cannot be computed from what there is so far
        (some need each class once): that is an error only at the end of a half epoch.
        """
        if not self.count:
            return {}
        computed: dict[str, Any] = {}
        for name in ("loss", *self.metrics):
            try:
                computed[name] = self._compute(name)
            except LearnerError as error:
                if name not in self._said:
                    self._said.add(name)
                    _log.warning("left out for now: %s", error)
        tensors = {name: torch.as_tensor(value).detach() for name, value in computed.items()}
        return {name: value.reshape(()) for name, value in tensors.items() if value.numel() == 1}

    def values(self) -> dict[str, float]:
        """The values so far as numbers, the loss first; empty before the first batch. Waits for the device."""
        return {name: float(value) if value.numel() else math.nan for name, value in self.running().items()}
