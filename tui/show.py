"""Show a session on the terminal, and leave it in order whatever ends the screen.

DESIGN.md's table of signals: INT and TERM ask the trainer to stop, wait for it and leave; a hang-up leaves at once
and the run goes on. A screen that cannot leave by itself (a stalled terminal blocks its event loop) is helped by a
thread that gives the terminal back by hand.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import Any, Protocol

from miniai.run.control import new_id
from miniai.run.directory import RunDir
from miniai.run.requests import Continue, Save, Stop
from tui.app import MonitorApp
from tui.graphics import may_be_asked
from tui.messages import LeaveAsked
from tui.session import Session
from tui.terminal import Terminal
from tui.text import clean

__all__ = ["Shown", "show"]

_STOPPING = 10.0
"""Seconds that the trainer gets to stop after a signal."""
_LEAVING = 3.0
"""Seconds that the app gets to leave before it is done by hand."""
_ON_ITS_WAY = 0.2
"""Seconds after which a signal that was sent before another has arrived too."""


class Shown(Session, Protocol):
    """A session that says when it is over."""

    over: threading.Event
    """Set when there is nothing more to come from the trainer."""


def show(app: MonitorApp, session: Shown, run: RunDir) -> int:
    """Run `app` on the terminal until it is left; prints the summary afterwards and returns the exit code."""
    with Terminal(run.log if session.owns else None) as terminal:
        leaver = _Leaver(app, session, terminal)
        leaver.install()
        _ask_for_graphics(app, terminal)
        if hasattr(session, "leave_at_once"):  # training in this very process
            session.leave_at_once = leaver.kill
        app.run()
        leaver.left.set()
        caught = terminal.caught()
    if leaver.gone:
        return leaver.outlive()
    crashed = bool(app.return_code)
    if crashed and not app.state.over:
        app.parting = "left running"
    print(app.summary())  # noqa: T201
    if leaver.signal:
        return 128 + leaver.signal
    if crashed:
        where = f"the report is in {clean(str(run.log))}" if session.owns else f"this is the report:\n{caught}"
        sys.stderr.write(f"miniai-tui: the screen failed; {where}\n")
        return 1
    return app.exit_code


def _ask_for_graphics(app: MonitorApp, terminal: Terminal) -> None:
    """Let the driver ask the terminal whether it draws pictures, where that may be and would be of use."""
    all_colors = app.console.color_system == "truecolor" and not app.no_color
    if app.preferences.settings.graphics == "off" or not all_colors or not may_be_asked():
        return
    from tui.graphics_driver import GraphicsDriver

    app.driver_class = GraphicsDriver
    terminal.farewell = app.graphics.farewell


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
        self._suspended = False
        self._of_textual: dict[int, Any] = {}

    def install(self) -> None:
        """Put the handlers in place; a signal inherited as ignored stays ignored."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT):
            self._handle(number, self._stop)
        self._handle(signal.SIGHUP, lambda *_: self._hang_up(signal.SIGHUP))
        self._handle(signal.SIGUSR1, self._save)
        # Means nothing from outside; `Terminal.restore` wakes a thread with it, for which it must have a handler.
        signal.signal(signal.SIGUSR2, lambda *_: None)
        hangup = 0 if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else signal.SIGHUP
        self.terminal.watch_for_hangup(lambda: self._hang_up(hangup))
        self.app.began = self._textual_is_up

    def _handle(self, number: int, handler: object) -> None:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal takes

    def _textual_is_up(self) -> None:
        """Its driver and its handlers are in place.

        Let it come back only from a suspension: the system also sends SIGCONT with every hang-up.
        """
        self.terminal.taken()
        # What was imported so far stays: the collector need not walk through it again and again.
        gc.freeze()
        gc.enable()
        for number, handler in ((signal.SIGTSTP, self._suspend), (signal.SIGCONT, self._resume)):
            self._of_textual[number] = signal.getsignal(number)
            signal.signal(number, handler)

    def _suspend(self, number: int, frame: FrameType | None) -> None:
        self._suspended = True
        self._of_textual[number](number, frame)

    def _resume(self, number: int, frame: FrameType | None) -> None:
        if not self._suspended:
            return
        if self.terminal.is_anothers():
            self._stay_suspended()
        elif self.terminal.is_ours() and not self.gone and not self.signal:
            self._of_textual[number](number, frame)
            self._suspended = False

    def _stay_suspended(self) -> None:
        """Woken by `bg`, which must not draw, or by `kill`: its signal may be in another thread's hands still."""
        end = time.monotonic() + _ON_ITS_WAY
        while time.monotonic() < end:
            if self.signal or self.gone:
                return
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGSTOP)

    def _stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Ask the trainer to stop if it is ours, and leave when it has."""
        if self.signal:
            return
        self.signal = number
        if self.session.owns:
            self.session.request(Stop(id=new_id()))
        threading.Thread(target=self._leave_after_stop, name="leave", daemon=True).start()

    def _save(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Ask the trainer for a checkpoint if it is ours, also where it trains in this very process."""
        if self.session.owns:
            self.session.request(Save(id=new_id()))

    def _leave_after_stop(self) -> None:
        if self.session.owns and not self.session.over.wait(_STOPPING):
            what = "left running" if self.session.can_leave else "ended with the screen"
            self.app.parting = f"{what}; it was asked to stop and has not yet"
        if not self._suspended:  # else the terminal was given back then, and is the shell's
            self._ask_to_leave()
            if self.left.wait(_LEAVING):
                return
            self._leave_by_hand()
        os._exit(128 + self.signal)

    def _leave_by_hand(self) -> None:
        """Give back a terminal that the app cannot leave by itself, say what the app would have said, and end."""
        words = ""
        try:
            words = self.app.summary() + "\n"
        finally:  # whatever the app is doing to its state meanwhile
            self.terminal.restore(words)
            os._exit(128 + self.signal)

    def _ask_to_leave(self) -> None:
        with contextlib.suppress(RuntimeError):  # the app's loop is closed: it has left already
            self.app.post_message(LeaveAsked())

    def _hang_up(self, number: int) -> None:
        """Restore what can be restored and leave; only training in this very process keeps it alive."""
        if not self._hangup.acquire(blocking=False):
            return
        self.terminal.restore()
        self._let_it_go_on()
        if self.session.can_leave or self.session.over.is_set():
            os._exit(128 + number if number else 0)
        self.gone = True
        self.session.close()
        self.terminal.let_go()
        threading.Thread(target=self._leave_after_training, name="leave", daemon=True).start()

    def _let_it_go_on(self) -> None:
        """A run of ours that is paused would stand still for ever: the screen that could wake it is gone."""
        if self.session.owns and self.app.state.paused:
            self.session.request(Continue(id=new_id()))
            if self.session.can_leave:
                self.session.close()  # delivers it

    def _leave_after_training(self) -> None:
        """The app may be stuck in a write to the dead terminal: the process must still end with its training."""
        self._ask_to_leave()
        self.session.over.wait()
        if not self.left.wait(_LEAVING):
            os._exit(self._code())

    def outlive(self) -> int:
        """Train on without a screen; returns the exit code when training has ended."""
        self.session.over.wait()
        return self._code()

    def _code(self) -> int:
        """How training in this very process ended, which the closed app has not heard."""
        if self.signal:
            return 128 + self.signal
        ended = getattr(self.session, "ended", None)
        return 1 if ended is None or ended.reason == "failed" else 0

    def kill(self) -> None:
        """Give the terminal back and end this process, training and all."""
        self.terminal.restore()
        os._exit(128 + signal.SIGKILL)
