"""Libraries that only some features need: imported when asked for, with one clear error when they are missing."""

from __future__ import annotations

import importlib
from typing import Any

from miniai.errors import MiniaiError

__all__ = ["need"]


def need(module: str, extra: str) -> Any:
    """The module called `module`; MiniaiError that names the extra which brings it if it cannot be imported."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MiniaiError(f"{module} cannot be imported ({error}): pip install 'miniai-tui[{extra}]'") from error
