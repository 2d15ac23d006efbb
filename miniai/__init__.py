"""miniai: a Learner one reads in a sitting, where everything else is a callback.

Names are loaded when they are first asked for: `import miniai` takes no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from miniai.activations import ActivationStats, Hook, Hooks, HooksCallback
    from miniai.callbacks import (
        Callback,
        CancelBatchException,
        CancelEpochException,
        CancelFitException,
        CompletionCB,
        DeviceCB,
        FuncCB,
        MetricsCB,
        SingleBatchCB,
        TrainCB,
        run_cbs,
        with_cbs,
    )
    from miniai.datasets import DataLoaders
    from miniai.errors import DataError, LearnerError, MiniaiError, RunError, UsageError
    from miniai.learner import Learner, MomentumLearner, TrainLearner
    from miniai.loader import MemoryLoader
    from miniai.seed import set_seed

_HOMES = {
    "miniai.activations": ("ActivationStats", "Hook", "Hooks", "HooksCallback"),
    "miniai.callbacks": (
        "Callback", "CancelBatchException", "CancelEpochException", "CancelFitException", "CompletionCB", "DeviceCB",
        "FuncCB", "MetricsCB", "SingleBatchCB", "TrainCB", "run_cbs", "with_cbs",
    ),
    "miniai.datasets": ("DataLoaders",),
    "miniai.errors": ("DataError", "LearnerError", "MiniaiError", "RunError", "UsageError"),
    "miniai.learner": ("Learner", "MomentumLearner", "TrainLearner"),
    "miniai.loader": ("MemoryLoader",),
    "miniai.seed": ("set_seed",),
}  # fmt: skip
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "ActivationStats", "Callback", "CancelBatchException", "CancelEpochException", "CancelFitException",
    "CompletionCB", "DataError", "DataLoaders", "DeviceCB", "FuncCB", "Hook", "Hooks", "HooksCallback", "Learner",
    "LearnerError", "MemoryLoader", "MetricsCB", "MiniaiError", "MomentumLearner", "RunError", "SingleBatchCB",
    "TrainCB", "TrainLearner", "UsageError", "run_cbs", "set_seed", "with_cbs",
]  # fmt: skip


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
