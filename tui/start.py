"""The commands that start a run under a screen: first the trainer, which has more to load, then what the screen needs.

Neither Textual nor torch at the top.
"""

from __future__ import annotations

import gc
from contextlib import AbstractContextManager
from pathlib import Path

from miniai.run.directory import RunDir
from tui.launch import Launch, ahead
from tui.remembered import Preferences

__all__ = ["data", "fit", "lr_find"]


def fit(run: RunDir, worker: str, preferences: Preferences | None) -> int:
    """Train; returns the exit code."""
    with _start(run, worker) as launch:
        from tui.screen import fit_on_screen

        return fit_on_screen(run, worker, preferences, launch)


def lr_find(run: RunDir, worker: str, preferences: Preferences | None) -> int:
    """Look for a learning rate; returns the exit code."""
    with _start(run, worker) as launch:
        from tui.screen import lr_find_on_screen

        return lr_find_on_screen(run, worker, preferences, launch)


def data(name: str, data_dir: Path | None, preferences: Preferences | None) -> int:
    """Say what is known of a dataset; returns the exit code."""
    from tui.temporary import data_run

    run = data_run(name, data_dir)
    with _start(run) as launch:
        from tui.screen import data_on_screen

        return data_on_screen(run, preferences, launch)


def _start(run: RunDir, worker: str = "process") -> AbstractContextManager[Launch]:
    gc.disable()  # until the first frame is drawn
    return ahead(run, worker == "process")
