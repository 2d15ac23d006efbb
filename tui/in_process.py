"""ProcessSession: the trainer in a process of its own, started by the screen and outliving it."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable

from textual.message import Message

from miniai.errors import RunError
from miniai.run.client import ControlClient
from miniai.run.directory import RunDir
from miniai.run.events import AnyFact, FitEnded
from miniai.run.requests import AnyRequest
from tui.follow import Follower
from tui.hand_over import HandOver
from tui.launch import start_trainer
from tui.messages import Reported, RequestFailed, TrainerGone, TrainerSaid

__all__ = ["ProcessSession"]


_LISTENS = 10.0
"""Seconds after its first fact by which a trainer has a socket, if it ever has one."""


class ProcessSession:
    """A run whose trainer this screen starts (see `tui.session.Session`)."""

    owns = True
    can_leave = True

    def __init__(self, run: RunDir) -> None:
        self.run_info = run
        self.run_dir = run.path
        self.over = threading.Event()
        """Set when the trainer has ended or nobody follows it any more."""
        self._trainer: subprocess.Popen[bytes] | None = None
        self._client: ControlClient | None = None
        self._early: deque[AnyRequest] = deque()
        self._follower = Follower(run.journal)
        self._ended: FitEnded | None = None
        self._app_post: Callable[[Message], object] = bool
        self._to_app: Callable[[list[AnyFact]], object] = bool
        self._listens_by = math.inf
        self._closed = False

    def run(self, app_post: Callable[[Message], object]) -> None:
        """Start the trainer, follow its journal, and say so if it fails or goes without a last word."""
        self._app_post = app_post
        self._to_app = HandOver(app_post, lambda: not self._closed)
        try:
            app_post(TrainerSaid("starting the trainer"))
            try:
                self._trainer = start_trainer(self.run_info)
            except OSError as error:
                app_post(TrainerGone(f"the trainer could not be started: {error.strerror}", []))
                return
            self._connect()
            app_post(TrainerSaid("waiting for the trainer's first word"))
            self._follower.follow(self._hand_over, self._goes_on)
            if not self._closed:
                self._say_how_it_ended(self._trainer)
        finally:
            self._follower.close()
            self.over.set()
            self._reap()

    def request(self, request: AnyRequest) -> None:
        """Send a request over the control socket, as soon as there is one; never blocks."""
        self._early.append(request)
        self._send_early()

    def kill(self) -> None:
        """End the trainer's whole process group at once."""
        if self._trainer is not None and self._trainer.poll() is None:
            os.killpg(self._trainer.pid, signal.SIGKILL)

    def close(self) -> None:
        """Stop following; the trainer is left alone."""
        self._closed = True
        self._follower.wake.set()
        if self._client is not None:
            self._client.close()

    def _connect(self) -> None:
        """Be there for what the trainer cannot write into its journal, and pass on what was asked meanwhile."""
        self._client = client = ControlClient(
            self._address,
            heard=self._hear,
            failed=lambda request, text: self._app_post(RequestFailed(request, text)),
        )
        client.listen()
        self._send_early()

    def _send_early(self) -> None:
        """Pass on what was asked, in the thread of whoever comes first."""
        with contextlib.suppress(IndexError):
            while self._client is not None:
                self._client.send(self._early.popleft())

    def _hear(self, fact: AnyFact) -> None:
        """What the trainer says over the socket, because its journal cannot take it."""
        if isinstance(fact, FitEnded):
            self._ended = fact
        self._app_post(Reported([fact]))

    def _hand_over(self, facts: list[AnyFact]) -> None:
        self._listens_by = min(self._listens_by, time.monotonic() + _LISTENS)
        for fact in facts:
            if isinstance(fact, FitEnded):
                self._ended = fact
        self._to_app(facts)

    def _goes_on(self) -> bool:
        return not self._closed and self._ended is None and self._trainer is not None and self._trainer.poll() is None

    def _say_how_it_ended(self, trainer: subprocess.Popen[bytes]) -> None:
        if self._ended is None and self._client is not None:
            code = trainer.wait()
            self._client.close()  # what the trainer said last is heard by then, if its journal could not take it
            if self._ended is None:
                self._app_post(TrainerGone(how_it_went(code), self.run_info.log_tail()))
        if self._ended is not None and self._ended.reason == "failed":
            self._app_post(TrainerGone(self._ended.error, self.run_info.log_tail()))

    def _reap(self) -> None:
        """Take leave of a trainer that has said its last word."""
        if self._trainer is not None and self._ended is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._trainer.wait(timeout=5)

    def _address(self) -> str:
        """Where the trainer listens; waits until it does, in the client's thread."""
        default = self.run_dir / "control.sock"
        while not self._closed and self._trainer is not None and self._trainer.poll() is None:
            try:
                address = self.run_info.read_info().socket
            except RunError as error:
                raise OSError(str(error)) from error
            if address or default.exists():  # a full disk keeps the address out of run.json
                return address or str(default)
            if time.monotonic() > self._listens_by:
                raise OSError("it listens nowhere")
            self.over.wait(0.05)
        raise OSError("it has ended")


def how_it_went(code: int) -> str:
    """Words for a trainer that ended without a last fact; `code` as `Popen.wait` returns it."""
    if code < 0:
        return f"the trainer was ended by signal {-code} ({signal.Signals(-code).name})"
    return f"the trainer ended with exit code {code} before it could say why"
