"""RemoteSession: what the screen does with a trainer in another process, whoever started it."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable

from textual.message import Message

from miniai.run.client import ControlClient
from miniai.run.directory import RunDir
from miniai.run.events import AnyFact, FitEnded
from miniai.run.requests import AnyRequest
from tui.follow import Follower
from tui.hand_over import HandOver
from tui.messages import Reported, RequestFailed

__all__ = ["RemoteSession"]


class RemoteSession(ABC):
    """Facts come from the run's journal, requests go over its control socket (see `tui.session.Session`)."""

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
        self._app_post: Callable[[Message], object] = bool
        self._to_app: Callable[[list[AnyFact]], object] = bool

    def run(self, app_post: Callable[[Message], object]) -> None:
        """Post what the journal holds and what comes, until the run is read to its end or `close` was called."""
        self._app_post = app_post
        self._to_app = HandOver(app_post, lambda: not self._closed)
        try:
            self._conduct()
        finally:
            self._follower.close()
            self.over.set()

    def request(self, request: AnyRequest) -> None:
        """Send a request over the control socket, as soon as there is one; never blocks."""
        self._client.send(request)

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

    def _follow(self) -> None:
        self._follower.follow(self._hand_over, self._goes_on)

    def _hand_over(self, facts: list[AnyFact]) -> None:
        self._to_app(facts)

    def _hear(self, fact: AnyFact) -> None:
        """What the trainer says over the socket, because its journal cannot take it."""
        if isinstance(fact, FitEnded):
            self._last_word = fact
        self._app_post(Reported([fact]))
