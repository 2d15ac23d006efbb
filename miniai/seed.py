"""Seeds: the same numbers again."""

from __future__ import annotations

import os
import random

import numpy as np
import torch

__all__ = ["set_seed"]


def set_seed(seed: int, deterministic: bool = False) -> None:
    """Seed torch (all devices), numpy and random.

    `deterministic=True` also makes torch use deterministic algorithms only; False never turns that off again.
    """
    if deterministic:
        # cuBLAS reads this when it is first used and is deterministic only with a workspace of fixed size
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)
