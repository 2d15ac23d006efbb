"""Callbacks: everything that happens around the training loop.

`base` says what a callback is; each other module holds one kind. They know the Learner only by its attributes:
`miniai.learner` imports them, never the other way.
"""

from miniai.callbacks.base import Callback, CancelBatchException, CancelEpochException, CancelFitException, run_cbs
from miniai.callbacks.device import DeviceCB
from miniai.callbacks.events import with_cbs
from miniai.callbacks.func import CompletionCB, FuncCB, SingleBatchCB
from miniai.callbacks.metrics import MetricsCB
from miniai.callbacks.train import TrainCB

__all__ = [
    "Callback", "CancelBatchException", "CancelEpochException", "CancelFitException", "CompletionCB", "DeviceCB",
    "FuncCB", "MetricsCB", "SingleBatchCB", "TrainCB", "run_cbs", "with_cbs",
]  # fmt: skip
