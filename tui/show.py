"""Show a session on the terminal, and leave it in order whatever ends the screen.

DESIGN.md's table of signals: INT and TERM ask the trainer to stop, wait for it and leave; a hang-up leaves at once
and the run goes on. A screen that cannot leave by itself (a stalled terminal blocks its event loop) is helped by a
thread that gives the terminal back by hand.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from types import FrameType
from typing import Protocol

from miniai.run.control import new_id
from miniai.run.directory import RunDir
from miniai.run.requests import Stop
from tui.app import MonitorApp
from tui.in_thread import ThreadSession
from tui.messages import LeaveAsked
from tui.session import Session
from tui.terminal import Terminal

__all__ = ["Shown", "show"]

_STOPPING = 10.0
"""Seconds that the trainer gets to stop after a signal."""
_LEAVING = 3.0
"""Seconds that the app gets to leave before it is done by hand."""


class Shown(Session, Protocol):
    """A session that says when it is over."""

    over: threading.Event
    """Set when there is nothing more to come from the trainer."""


def show(app: MonitorApp, session: Shown, run: RunDir) -> int:
    """Run `app` on the terminal until it is left; prints the summary afterwards and returns the exit code."""
    log = run.log if session.owns else run.path / os.devnull
    with Terminal(log) as terminal:
        leaver = _Leaver(app, session, terminal)
        leaver.install()
        if isinstance(session, ThreadSession):
            session.leave_at_once = leaver.kill
        app.run()
        leaver.left.set()
    if leaver.gone:
        return leaver.outlive()
    print(app.summary())  # noqa: T201
    return 128 + leaver.signal if leaver.signal else app.exit_code


class _Leaver:
    """Ends the screen when a signal or a closed terminal says so."""

    def __init__(self, app: MonitorApp, session: Shown, terminal: Terminal) -> None:
        self.app, self.session, self.terminal = app, session, terminal
        self.signal = 0
        """Number of the signal that ends the screen."""
        self.gone = False
        """True if the terminal is gone and training goes on in this process."""
        self.left = threading.Event()
        """Set when the app has returned."""
        self._hangup = threading.Lock()

    def install(self) -> None:
        """Put the handlers in place; a signal inherited as ignored stays ignored."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
            self._handle(number, self._stop)
        self._handle(signal.SIGHUP, lambda *_: self._hang_up(signal.SIGHUP))
        self._handle(signal.SIGUSR1, lambda *_: None)
        self.terminal.watch_for_hangup(lambda: self._hang_up(0))

    def _handle(self, number: int, handler: object) -> None:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal takes

    def _stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Ask the trainer to stop if it is ours, and leave when it has."""
        if self.signal:
            return
        self.signal = number
        if self.session.owns:
            self.session.request(Stop(id=new_id()))
        threading.Thread(target=self._leave_after_stop, name="leave", daemon=True).start()

    def _leave_after_stop(self) -> None:
        if self.session.owns:
            self.session.over.wait(_STOPPING)
        self.app.post_message(LeaveAsked())
        if not self.left.wait(_LEAVING):
            self.terminal.restore()
            os._exit(128 + self.signal)

    def _hang_up(self, number: int) -> None:
        """Restore what can be restored and leave; only training in this very process keeps it alive."""
        if not self._hangup.acquire(blocking=False):
            return
        self.terminal.restore()
        if self.session.can_leave:
            os._exit(128 + number if number else 0)
        self.gone = True
        self.session.close()
        self.terminal.let_go()
        threading.Thread(target=self._leave_after_training, name="leave", daemon=True).start()

    def _leave_after_training(self) -> None:
        """The app may be stuck in a write to the dead terminal: the process must still end with its training."""
        self.app.post_message(LeaveAsked())
        self.session.over.wait()
        time.sleep(_LEAVING)
        os._exit(0)

    def outlive(self) -> int:
        """Train on without a screen; returns when training has ended."""
        self.session.over.wait()
        return self.app.exit_code

    def kill(self) -> None:
        """Give the terminal back and end this process, training and all."""
        self.terminal.restore()
        os._exit(128 + signal.SIGKILL)
