"""ThreadSession: the Learner itself in a Textual thread worker of the screen's process (`--worker thread`)."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable

from textual.message import Message

from miniai.run.control import RunControl
from miniai.run.directory import RunDir
from miniai.run.events import Alerted, AnyFact, Fact, FitEnded
from miniai.run.listener import kill_group
from miniai.run.requests import AnyRequest, Kill
from tui.follow import Follower
from tui.hand_over import HandOver
from tui.messages import Reported, TrainerGone, TrainerSaid

__all__ = ["ThreadSession"]


class ThreadSession:
    """A run that trains in this process (see `tui.session.Session`).

    The journal is the mailbox between the two threads: it is bounded by the disk and not by memory, and a stalled
    terminal costs the trainer nothing. Each fact only wakes the follower, which posts what the journal holds.
    """

    owns = True
    can_leave = False

    def __init__(self, run: RunDir) -> None:
        self.run_info = run
        self.run_dir = run.path
        self.control = RunControl()
        self.over = threading.Event()
        """Set when training has ended."""
        self.ended: FitEnded | None = None
        self.leave_at_once: Callable[[], None] = kill_group
        """Ends this process; whoever owns the terminal puts in one that gives it back first."""
        self._follower = Follower(run.journal)
        if run.begun:
            self._follower.hold_until_resumed()
        self._trained = self._closed = False
        self._app_post: Callable[[Message], object] = bool
        self._to_app: Callable[[list[AnyFact]], object] = bool

    def run(self, app_post: Callable[[Message], object]) -> None:
        """Train to the end of the fit; another thread follows the journal meanwhile."""
        self._app_post = app_post
        self._to_app = HandOver(app_post, lambda: not self._closed)
        app_post(TrainerSaid("loading torch"))
        follow = threading.Thread(target=self._follow, name="follower", daemon=True)
        follow.start()
        try:
            from miniai.run.output import install
            from miniai.trainer import host

            output = install()  # a print in training goes to the log that descriptors 1 and 2 point at, not to Textual
            self.ended = host(self.run_info, self.control, [self._notice], self.kill, output)
        except Exception as problem:  # noqa: BLE001  # the thread's edge: the screen must not go down with it
            traceback.print_exc()
            error = f"{type(problem).__name__}: {problem}"
        else:
            error = self.ended.error
        self._trained = True
        self._follower.wake.set()
        follow.join()
        self._say_how_it_ended(error)
        self.over.set()

    def _say_how_it_ended(self, error: str) -> None:
        if self._closed:
            return
        if self.ended is not None and self._follower.ended is None:  # the journal could not take the last word
            self._app_post(Reported([self.ended]))
        if error:
            self._app_post(TrainerGone(error, self.run_info.log_tail()))

    def request(self, request: AnyRequest) -> None:
        """Hand a request to the loop; never blocks."""
        if isinstance(request, Kill):
            self.kill()
        else:
            self.control.submit(request)

    def kill(self) -> None:
        """Give the terminal back and end this process, training and all."""
        self.leave_at_once()

    def close(self) -> None:
        """Stop showing; training goes on to its end unless it is asked to stop."""
        self._closed = True
        self._follower.wake.set()

    def _notice(self, fact: Fact) -> None:
        self._follower.wake.set()
        if isinstance(fact, Alerted) and fact.topic == "journal" and not self._closed:
            self._app_post(Reported([fact]))

    def _follow(self) -> None:
        self._follower.follow(self._hand_over, lambda: not self._closed and not self._trained)
        self._follower.close()

    def _hand_over(self, facts: list[AnyFact]) -> None:
        self._to_app(facts)
