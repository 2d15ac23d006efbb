"""miniai: a Learner one reads in a sitting, where everything else is a callback.

Names are loaded when they are first asked for: `import miniai` takes no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from miniai.activations import ActivationStats, HooksCallback
    from miniai.augment import RandCopy, RandCrop, RandErase, RandFlip
    from miniai.callbacks import (
        AccelerateCB,
        BaseSchedCB,
        BatchSchedCB,
        BatchTransformCB,
        Callback,
        CancelBatchException,
        CancelEpochException,
        CancelFitException,
        CapturePreds,
        CompletionCB,
        DeviceCB,
        EpochSchedCB,
        FuncCB,
        HasLearnCB,
        LRFinderCB,
        MetricsCB,
        MixedPrecision,
        ProgressCB,
        RecorderCB,
        SingleBatchCB,
        TrainCB,
        run_cbs,
        with_cbs,
    )
    from miniai.datasets import DataLoaders, collate_dict, inplace
    from miniai.errors import DataError, LearnerError, MiniaiError, RunError, UsageError
    from miniai.hooks import Hook, Hooks
    from miniai.init import GeneralRelu, init_weights, lsuv_init
    from miniai.learner import Learner, MomentumLearner, TrainLearner
    from miniai.loader import MemoryLoader
    from miniai.metrics import Accuracy, Mean
    from miniai.resnet import ResBlock
    from miniai.seed import set_seed
    from miniai.summary import Summary

_HOMES = {
    "miniai.activations": ("ActivationStats", "HooksCallback"),
    "miniai.augment": ("RandCopy", "RandCrop", "RandErase", "RandFlip"),
    "miniai.callbacks": (
        "AccelerateCB", "BaseSchedCB", "BatchSchedCB", "BatchTransformCB", "Callback", "CancelBatchException",
        "CancelEpochException", "CancelFitException", "CapturePreds", "CompletionCB", "DeviceCB", "EpochSchedCB",
        "FuncCB", "HasLearnCB", "LRFinderCB", "MetricsCB", "MixedPrecision", "ProgressCB", "RecorderCB",
        "SingleBatchCB", "TrainCB", "run_cbs", "with_cbs",
    ),
    "miniai.datasets": ("DataLoaders", "collate_dict", "inplace"),
    "miniai.errors": ("DataError", "LearnerError", "MiniaiError", "RunError", "UsageError"),
    "miniai.hooks": ("Hook", "Hooks"),
    "miniai.init": ("GeneralRelu", "init_weights", "lsuv_init"),
    "miniai.learner": ("Learner", "MomentumLearner", "TrainLearner"),
    "miniai.loader": ("MemoryLoader",),
    "miniai.metrics": ("Accuracy", "Mean"),
    "miniai.resnet": ("ResBlock",),
    "miniai.seed": ("set_seed",),
    "miniai.summary": ("Summary",),
}  # fmt: skip
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "AccelerateCB", "Accuracy", "ActivationStats", "BaseSchedCB", "BatchSchedCB", "BatchTransformCB", "Callback",
    "CancelBatchException", "CancelEpochException", "CancelFitException", "CapturePreds", "CompletionCB", "DataError",
    "DataLoaders", "DeviceCB", "EpochSchedCB", "FuncCB", "GeneralRelu", "HasLearnCB", "Hook", "Hooks",
    "HooksCallback", "LRFinderCB", "Learner", "LearnerError", "Mean", "MemoryLoader", "MetricsCB", "MiniaiError",
    "MixedPrecision", "MomentumLearner", "ProgressCB", "RandCopy", "RandCrop", "RandErase", "RandFlip", "RecorderCB",
    "ResBlock", "RunError", "SingleBatchCB", "Summary", "TrainCB", "TrainLearner", "UsageError", "collate_dict",
    "init_weights", "inplace", "lsuv_init", "run_cbs", "set_seed", "with_cbs",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
