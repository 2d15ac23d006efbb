"""A run on the screen: started by us, in a process or a thread, or attached to."""

from __future__ import annotations

from miniai.run.directory import RunDir
from tui.app import MonitorApp
from tui.attach import AttachedSession
from tui.in_process import ProcessSession
from tui.show import Shown, show

__all__ = ["attach_on_screen", "fit_on_screen"]


def fit_on_screen(run: RunDir, worker: str) -> int:
    """Start the trainer of `run` ("process" or "thread") under a screen; returns the exit code."""
    if worker == "thread":
        from tui.in_thread import ThreadSession  # the trainer's modules: another screen has no use for them

        return _show(ThreadSession(run), run)
    return _show(ProcessSession(run), run)


def attach_on_screen(run: RunDir) -> int:
    """Show a run of another process; returns the exit code."""
    return _show(AttachedSession(run), run)


def _show(session: Shown, run: RunDir) -> int:
    return show(MonitorApp(session), session, run)
