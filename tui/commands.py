"""The commands that reach a run from any shell, ready to be typed in the current folder."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from tui.text import clean

__all__ = ["attach", "ctl", "resume", "shown"]


def shown(run_dir: Path) -> str:
    """The run's directory as somebody in the current folder would name it."""
    try:
        path = os.path.relpath(run_dir)
    except (ValueError, OSError):  # another drive, or the current folder is gone
        path = str(run_dir)
    return clean(path if not path.startswith("..") else str(run_dir))


def attach(run_dir: Path) -> str:
    """The command that shows a run."""
    return f"miniai-tui attach {shlex.quote(shown(run_dir))}"


def resume(run_dir: Path) -> str:
    """The command that goes on with a run from its newest checkpoint."""
    return f"miniai-tui fit --resume {shlex.quote(shown(run_dir))}"


def ctl(run_dir: Path, *words: str) -> str:
    """The command that asks something of a run that is going on."""
    return " ".join(["miniai-tui ctl", shlex.quote(shown(run_dir)), *words])
