"""AttachedSession: a screen on a run of another process, running or over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from platform import node

import psutil
from textual.message import Message

from miniai.errors import RunError
from miniai.run.client import ControlClient, is_alive
from miniai.run.control import new_id
from miniai.run.directory import RunDir, RunInfo, boot_id
from miniai.run.events import AnyFact, FitEnded
from miniai.run.requests import AnyRequest, Kill
from tui.follow import Follower
from tui.hand_over import HandOver
from tui.messages import Reported, RequestFailed, TrainerGone, TrainerSaid

__all__ = ["AttachedSession"]

_DOUBT = 3.0
"""Seconds of a silent journal after which the trainer is asked whether it lives."""


class AttachedSession:
    """A run that somebody else trains, or that is over (see `tui.session.Session`)."""

    owns = False
    can_leave = True

    def __init__(self, run: RunDir) -> None:
        self.run_info = run
        self.run_dir = run.path
        self.over = threading.Event()
        """Set when there is nothing more to come."""
        self._follower = Follower(run.journal)
        self._closed = False
        self._client = ControlClient(
            self._address,
            heard=self._hear,
            failed=lambda request, text: self._app_post(RequestFailed(request, text)),
        )
        self._ended: FitEnded | None = None
        self._app_post: Callable[[Message], object] = bool
        self._to_app: Callable[[list[AnyFact]], object] = bool
        self._next_doubt = 0.0

    def run(self, app_post: Callable[[Message], object]) -> None:
        """Read what there is, follow what comes, and say so if the trainer is gone without a last word."""
        self._app_post = app_post
        self._to_app = HandOver(app_post, lambda: not self._closed)
        try:
            app_post(TrainerSaid("reading the journal"))
            self._follower.follow(self._hand_over, self._goes_on)
            end = self._end
            if not self._closed and (end is None or end.reason == "failed"):
                app_post(TrainerGone(self._why_gone() if end is None else end.error, self.run_info.log_tail()))
        finally:
            self._follower.close()
            self.over.set()

    def request(self, request: AnyRequest) -> None:
        """Send a request over the control socket; never blocks."""
        self._client.send(request)

    def kill(self) -> None:
        """Ask the trainer to end its process group at once."""
        self.request(Kill(id=new_id()))

    def close(self) -> None:
        """Stop following."""
        self._closed = True
        self._follower.wake.set()
        self._client.close()

    @property
    def _end(self) -> FitEnded | None:
        """The run's last word, from the journal or from the socket."""
        return self._follower.ended or self._ended

    def _hear(self, fact: AnyFact) -> None:
        """What the trainer says over the socket, because its journal cannot take it."""
        if isinstance(fact, FitEnded):
            self._ended = fact
        self._app_post(Reported([fact]))

    def _hand_over(self, facts: list[AnyFact]) -> None:
        self._next_doubt = time.monotonic() + _DOUBT
        self._to_app(facts)

    def _goes_on(self) -> bool:
        if self._closed or self._end is not None:
            return False
        if time.monotonic() < self._next_doubt:
            return True
        self._next_doubt = time.monotonic() + _DOUBT
        try:
            info = self.run_info.read_info()
            if info.host != node():  # only the host itself can tell whether its process lives
                self._app_post(TrainerSaid(f"on {info.host}, {self._last_sign()}: it can be controlled only there"))
                return True
            return _lives(info, self._address())
        except (RunError, OSError):  # the run's directory was deleted
            return False

    def _address(self) -> str:
        try:
            return self.run_info.read_info().socket or str(self.run_dir / "control.sock")
        except RunError as error:
            raise OSError(str(error)) from error

    def _last_sign(self) -> str:
        """When the journal last grew."""
        return f"last sign {time.time() - self.run_info.journal.stat().st_mtime:,.0f} s ago"

    def _why_gone(self) -> str:
        """What can honestly be said of a trainer that does not answer."""
        try:
            info, sign = self.run_info.read_info(), self._last_sign()
        except (RunError, OSError):
            return "the run's directory is gone, or it holds no journal"
        if info.boot != boot_id():
            return f"the trainer is gone: this machine was started anew since; {sign}"
        return f"the trainer does not answer; {sign}"


def _lives(info: RunInfo, address: str) -> bool:
    """Whether the trainer answers; one that is too busy to answer lives too, if its process does."""
    if is_alive(address, info.id):
        return True
    if not info.pid or info.boot != boot_id():
        return False
    try:
        process = psutil.Process(info.pid)
        return abs(process.create_time() - info.pid_started) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
