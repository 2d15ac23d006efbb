"""RemoteSession: what the screen does with a trainer in another process, whoever started it."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from platform import node

from textual.message import Message

from miniai.errors import RunError
from miniai.run.client import ControlClient
from miniai.run.directory import RunDir, boot_id
from miniai.run.events import AnyFact, FitEnded, RunResumed
from miniai.run.requests import AnyRequest
from miniai.run.status import status
from tui.follow import Follower
from tui.hand_over import HandOver
from tui.messages import Reported, RequestFailed, TrainerGone, TrainerSaid

__all__ = ["RemoteSession"]

_DOUBT = 3.0
"""Seconds of a silent journal after which the trainer is asked whether it lives."""
_COPY = "a copy of the folder in which the run was trained"
_QUIET = 0.5
"""Seconds between two looks whether a run that is over was resumed."""


class RemoteSession(ABC):
    """Facts come from the run's journal, requests go over its control socket (see `tui.session.Session`)."""

    owns: bool
    can_leave = True

    def __init__(self, run: RunDir) -> None:
        self.run_info = run
        self.run_dir = run.path
        self.over = threading.Event()
        """Set when there is nothing more to come, or nobody follows any more."""
        self._follower = Follower(run.journal)
        self._client = ControlClient(
            self._address,
            heard=self._hear,
            failed=lambda request, text: self._app_post(RequestFailed(request, text)),
        )
        self._last_word: FitEnded | None = None
        self._closed = False
        self._anothers = False
        """Whether the run was resumed since by a trainer that this screen has not started."""
        self._next_doubt = 0.0
        self._app_post: Callable[[Message], object] = bool
        self._to_app: Callable[[list[AnyFact]], object] = bool

    def run(self, app_post: Callable[[Message], object]) -> None:
        """Post what the journal holds and what comes, until `close` is called: a run that is over may be resumed."""
        self._app_post = app_post
        self._to_app = HandOver(app_post, lambda: not self._closed)
        try:
            self._conduct()
            while self._is_resumed():
                self._follow()
                self._say_if_gone()
        finally:
            self._follower.close()
            self.over.set()

    def request(self, request: AnyRequest) -> None:
        """Send a request over the control socket, as soon as there is one; never blocks."""
        self._client.send(request)
        self._follower.hurry()

    def close(self) -> None:
        """Stop following; the trainer is left alone."""
        self._closed = True
        self._follower.wake.set()
        self._client.close()

    @property
    def _ended(self) -> FitEnded | None:
        """The run's last word, from the journal or from the socket."""
        return self._follower.ended or self._last_word

    @abstractmethod
    def _conduct(self) -> None:
        """Follow the run (`_follow`), and say what became of it."""

    @abstractmethod
    def _goes_on(self) -> bool:
        """Whether there may be more to come."""

    @abstractmethod
    def _address(self) -> str:
        """Where the trainer listens; OSError if nowhere. Called in the client's thread."""

    def _is_resumed(self) -> bool:
        """Wait until another trainer goes on with the run; False when nobody wants to know any more."""
        self.over.set()
        while not self._closed:
            facts = self._follower.read()
            if any(isinstance(fact, RunResumed) for fact in facts):
                self._anothers, self.owns, self._last_word = True, False, None
                self.over.clear()
            if facts:
                self._hand_over(facts)
            if not self.over.is_set():
                return True
            self._follower.wake.wait(_QUIET)
            self._follower.wake.clear()
        return False

    def _another_goes_on(self) -> bool:
        """Whether there may be more to come of a trainer that this screen has not started."""
        if self._closed or self._ended is not None:
            return False
        if time.monotonic() < self._next_doubt:
            return True
        self._next_doubt = time.monotonic() + _DOUBT
        how = status(self.run_info)
        if how.state == "not answering":  # too busy, or suspended: it is not gone
            self._app_post(TrainerSaid(how.words))
        if how.state == "elsewhere" and how.host != node():  # only the host itself can tell whether its process lives
            self._app_post(TrainerSaid(f"{how.words}: it can be controlled only there"))
            return True
        return how.alive or how.state in ("starting", "not answering")

    def _say_if_gone(self) -> None:
        """Say so if the trainer failed or went without a last word."""
        end = self._ended
        if not self._closed and (end is None or end.reason == "failed"):
            self._app_post(TrainerGone(self._why_gone() if end is None else end.error, self.run_info.log_tail()))

    def _told_address(self) -> str:
        """Where the trainer says that it listens."""
        try:
            info = self.run_info.read_info()
        except RunError as error:
            raise OSError(str(error)) from error
        if self.run_info.is_copy(info):
            raise OSError(f"this is {_COPY}")
        return info.socket or str(self.run_dir / "control.sock")

    def _why_gone(self) -> str:
        """What can honestly be said of a trainer that does not answer."""
        try:
            info = self.run_info.read_info()
            sign = f"last sign {time.time() - self.run_info.journal.stat().st_mtime:,.0f} s ago"
        except (RunError, OSError):
            return "the run's directory is gone, or it holds no journal"
        if self.run_info.is_copy(info):
            return f"nobody trains here: this is {_COPY}; {sign}"
        if info.boot != boot_id():
            return f"the trainer is gone: this machine was started anew since; {sign}"
        return f"the trainer does not answer; {sign}"

    def _follow(self) -> None:
        self._follower.follow(self._hand_over, self._goes_on)

    def _hand_over(self, facts: list[AnyFact]) -> None:
        self._next_doubt = time.monotonic() + _DOUBT
        self._to_app(facts)

    def _hear(self, fact: AnyFact) -> None:
        """What the trainer says over the socket, because its journal cannot take it."""
        if isinstance(fact, FitEnded):
            self._last_word = fact
        self._app_post(Reported([fact]))
