"""Callbacks: everything that happens around the training loop.

`base` says what a callback is; each other module holds one kind. They know the Learner only by its attributes:
`miniai.learner` imports them, never the other way.
"""

from miniai.callbacks.accelerate import AccelerateCB
from miniai.callbacks.base import Callback, CancelBatchException, CancelEpochException, CancelFitException, run_cbs
from miniai.callbacks.capture import CapturePreds
from miniai.callbacks.device import DeviceCB
from miniai.callbacks.events import with_cbs
from miniai.callbacks.func import CompletionCB, FuncCB, SingleBatchCB
from miniai.callbacks.lr_find import LRFinderCB
from miniai.callbacks.metrics import MetricsCB
from miniai.callbacks.precision import MixedPrecision
from miniai.callbacks.progress import ProgressCB
from miniai.callbacks.record import RecorderCB
from miniai.callbacks.schedule import BaseSchedCB, BatchSchedCB, EpochSchedCB, HasLearnCB
from miniai.callbacks.train import TrainCB
from miniai.callbacks.transform import BatchTransformCB

__all__ = [
    "AccelerateCB", "BaseSchedCB", "BatchSchedCB", "BatchTransformCB", "Callback", "CancelBatchException",
    "CancelEpochException", "CancelFitException", "CapturePreds", "CompletionCB", "DeviceCB", "EpochSchedCB",
    "FuncCB", "HasLearnCB", "LRFinderCB", "MetricsCB", "MixedPrecision", "ProgressCB", "RecorderCB", "SingleBatchCB",
    "TrainCB", "run_cbs", "with_cbs",
]  # fmt: skip
