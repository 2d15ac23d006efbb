"""Loading torch: the longest part of every start."""

from __future__ import annotations

import gc
import sys

__all__ = ["load_torch"]


def load_torch() -> None:
    """Import torch, if it is not there yet, while Python's collector of reference cycles rests.

    It would walk through the thousand modules again and again, a sixth of the time, and find nothing: they stay. For
    the same reason it passes them over afterwards (`gc.freeze`), in training and at the process's end.
    """
    if "torch" in sys.modules:
        return
    was_on = gc.isenabled()
    gc.disable()
    try:
        import torch  # noqa: F401
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
