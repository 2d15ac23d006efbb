"""Give memory back: what notebooks and tracebacks keep alive."""

from __future__ import annotations

import gc
import sys
import traceback
from typing import Any

import torch

__all__ = ["clean_ipython_hist", "clean_mem", "clean_tb"]


def _ipython() -> Any:
    """The running IPython shell; None outside of one. Never imports IPython."""
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None


def clean_ipython_hist() -> None:
    """Make IPython forget its inputs and outputs (`In`, `Out`, `_`, `_3`, `_i3` ...); outside IPython, do nothing."""
    shell = _ipython()
    if shell is None:
        return
    count = shell.displayhook.prompt_count + 1
    shell.displayhook.flush()
    names = shell.user_ns
    for n in range(1, count):
        names.pop(f"_i{n}", None)
    names.update(_i="", _ii="", _iii="")
    history = shell.history_manager
    # The lists stay the same ones: the user's In is one of them. Their length is IPython's count of cells.
    for cells in (history.input_hist_parsed, history.input_hist_raw):
        cells[:] = [""] * count


def clean_tb() -> None:
    """Forget the last uncaught exception: its traceback keeps every local variable of every frame alive."""
    last = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    seen: set[int] = set()
    todo: list[BaseException | None] = [last]
    while todo:
        error = todo.pop()
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        traceback.clear_frames(error.__traceback__)
        error.__traceback__ = None
        # both: `raise ... from` in an except block sets a cause that need not be the exception being handled
        todo += [error.__cause__, error.__context__, *getattr(error, "exceptions", ())]
    for name in ("last_exc", "last_value", "last_type", "last_traceback"):
        if hasattr(sys, name):
            delattr(sys, name)


def clean_mem() -> None:
    """Both of the above, then collect garbage and give the GPU's cached memory back."""
    clean_tb()
    clean_ipython_hist()
    gc.collect()
    torch.cuda.empty_cache()
