"""A run on the screen: started by us, in a process or a thread, or attached to."""

from __future__ import annotations

import shutil

from miniai.config import read_config
from miniai.errors import UsageError
from miniai.run.directory import RunDir
from tui.app import MonitorApp
from tui.attach import AttachedSession
from tui.in_process import ProcessSession
from tui.launch import Launch
from tui.remembered import Preferences
from tui.show import Shown, show

__all__ = ["attach_on_screen", "data_on_screen", "fit_on_screen", "lr_find_on_screen"]


def fit_on_screen(
    run: RunDir, worker: str, preferences: Preferences | None = None, launch: Launch | None = None
) -> int:
    """Start the trainer of `run` ("process" or "thread") under a screen; returns the exit code.

    `launch`: the process that was perhaps started already.
    """
    if worker == "thread":
        from tui.in_thread import ThreadSession  # the trainer's modules: another screen has no use for them

        return _show(ThreadSession(run), run, preferences)
    return _show(ProcessSession(run, launch), run, preferences)


def lr_find_on_screen(
    run: RunDir, worker: str, preferences: Preferences | None = None, launch: Launch | None = None
) -> int:
    """Look for a learning rate under a screen, as `fit_on_screen` trains; returns the exit code."""
    from tui.lr_find_app import LRFindApp

    session: Shown
    if worker == "thread":
        from tui.in_thread import ThreadSession

        session = ThreadSession(run)
    else:
        session = ProcessSession(run, launch)
    return show(LRFindApp(session, preferences=preferences), session, run)


def data_on_screen(run: RunDir, preferences: Preferences | None = None, launch: Launch | None = None) -> int:
    """Load the dataset of `run` in a process of its own, show what is known of it, and remove the run's folder.

    Returns the exit code. `run` is one of `tui.temporary.data_run`.
    """
    from tui.data_app import DataApp

    session = ProcessSession(run, launch)
    app = DataApp(session, preferences=preferences)
    code = show(app, session, run)
    if not app.return_code:  # else the report of what went wrong lies there
        shutil.rmtree(run.path.parent, ignore_errors=True)
    return code


def attach_on_screen(run: RunDir, preferences: Preferences | None = None, speed: float | None = None) -> int:
    """Show a run of another process, or replay it at so many times its own speed; returns the exit code."""
    if speed is not None:
        from tui.replay import ReplaySession
        from tui.replay_app import ReplayApp

        if _job(run) != "fit":
            raise UsageError("attach: --speed replays fits only; leave it out to see the result")
        replay = ReplaySession(run, speed)
        return show(ReplayApp(replay, preferences=preferences), replay, run)
    session = AttachedSession(run)
    if _job(run) == "lr-find":
        from tui.lr_find_app import LRFindApp

        return show(LRFindApp(session, preferences=preferences), session, run)
    return _show(session, run, preferences)


def _job(run: RunDir) -> str:
    """What the run does; a fit if that cannot be read."""
    try:
        return read_config(run.config_file).job
    except UsageError:
        return "fit"


def _show(session: Shown, run: RunDir, preferences: Preferences | None) -> int:
    return show(MonitorApp(session, preferences=preferences), session, run)
