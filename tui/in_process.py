"""ProcessSession: the trainer in a process of its own, started by the screen and outliving it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable

from textual.message import Message

from miniai.errors import RunError
from miniai.run.client import ControlClient
from miniai.run.directory import RunDir
from miniai.run.requests import AnyRequest
from tui.follow import Follower
from tui.launch import start_trainer
from tui.messages import Reported, TrainerGone, TrainerSaid

__all__ = ["ProcessSession"]


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
        self._follower = Follower(run.journal)
        self._closed = False
        self._killed = False

    def run(self, app_post: Callable[[Message], object]) -> None:
        """Start the trainer, follow its journal, and say so if it goes without a last word."""
        try:
            app_post(TrainerSaid("starting the trainer"))
            try:
                self._trainer = start_trainer(self.run_info)
            except OSError as error:
                app_post(TrainerGone(f"the trainer could not be started: {error.strerror}", []))
                return
            self._client = ControlClient(
                self._address,
                heard=lambda fact: app_post(Reported([fact])),
                failed=lambda text: app_post(TrainerSaid(text)),
            )
            app_post(TrainerSaid("waiting for the trainer's first word"))
            self._follower.follow(lambda facts: app_post(Reported(facts)), self._goes_on)
            if self._follower.ended is None and not self._closed:
                app_post(TrainerGone(how_it_went(self._trainer.wait()), self.run_info.log_tail()))
        finally:
            self._follower.close()
            self.over.set()

    def request(self, request: AnyRequest) -> None:
        """Send a request over the control socket; never blocks."""
        if self._client is not None:
            self._client.send(request)

    def kill(self) -> None:
        """End the trainer's whole process group at once."""
        self._killed = True
        if self._trainer is not None and self._trainer.poll() is None:
            os.killpg(self._trainer.pid, signal.SIGKILL)

    def close(self) -> None:
        """Stop following; the trainer is left alone."""
        self._closed = True
        self._follower.wake.set()
        if self._client is not None:
            self._client.close()

    def _goes_on(self) -> bool:
        if self._closed or self._follower.ended is not None:
            return False
        return self._trainer is not None and self._trainer.poll() is None

    def _address(self) -> str:
        try:
            return self.run_info.read_info().socket
        except RunError as error:
            raise OSError(str(error)) from error


def how_it_went(code: int) -> str:
    """Words for a trainer that ended without a last fact; `code` as `Popen.wait` returns it."""
    if code < 0:
        return f"the trainer was ended by signal {-code} ({signal.Signals(-code).name})"
    return f"the trainer ended with exit code {code} before it could say why"
