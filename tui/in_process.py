"""ProcessSession: the trainer in a process of its own, started by the screen and outliving it."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import time

from miniai.errors import RunError
from miniai.run.directory import RunDir
from miniai.run.events import AnyFact, FitEnded, Progressed
from tui.launch import Launch, how_it_went
from tui.messages import TrainerGone, TrainerSaid
from tui.remote import RemoteSession

__all__ = ["ProcessSession"]

_LISTENS = 10.0
"""Seconds after its first fact by which a trainer has a socket, if it ever has one."""


_PREPARING = 30.0
"""Seconds of a start in which the screen looks often for what the trainer is at; mostly it trains long before."""


class ProcessSession(RemoteSession):
    """A run whose trainer this screen starts, or takes over from `launch` (see `tui.session.Session`)."""

    owns = True

    def __init__(self, run: RunDir, launch: Launch | None = None) -> None:
        super().__init__(run)
        self._launch = launch or Launch(run)
        if run.begun and not self._launch.begun:
            self._follower.hold_until_resumed()
        self._trainer: subprocess.Popen[bytes] | None = None
        self._listens_by = math.inf

    def kill(self) -> None:
        """End the trainer's whole process group at once."""
        if self._trainer is not None and self._trainer.poll() is None:
            os.killpg(self._trainer.pid, signal.SIGKILL)

    def _conduct(self) -> None:
        """Start the trainer, follow its journal, and say so if it fails or goes without a last word."""
        self._app_post(TrainerSaid("starting the trainer"))
        self._follower.hurry(_PREPARING)
        try:
            self._trainer = self._launch.take()
        except OSError as error:
            self._app_post(TrainerGone(f"the trainer could not be started: {error.strerror}", []))
            return
        self._client.listen()  # for what the trainer cannot write into its journal
        self._app_post(TrainerSaid("waiting for the trainer's first word"))
        self._follow()
        if not self._closed:
            self._say_how_it_ended(self._trainer)
        self.over.set()
        self._reap(self._trainer)

    def _hand_over(self, facts: list[AnyFact]) -> None:
        self._listens_by = min(self._listens_by, time.monotonic() + _LISTENS)
        if any(isinstance(fact, (Progressed, FitEnded)) for fact in facts):
            self._follower.calm()
        super()._hand_over(facts)

    def _goes_on(self) -> bool:
        if self._anothers:
            return self._another_goes_on()
        return not self._closed and self._ended is None and self._lives

    @property
    def _lives(self) -> bool:
        return self._trainer is not None and self._trainer.poll() is None

    def _say_how_it_ended(self, trainer: subprocess.Popen[bytes]) -> None:
        if self._ended is None:
            code = trainer.wait()
            self._client.close()  # what the trainer said last is heard by then, if its journal could not take it
            if self._ended is None:
                self._app_post(TrainerGone(how_it_went(code), self.run_info.log_tail()))
        if self._ended is not None and self._ended.reason == "failed":
            self._app_post(TrainerGone(self._ended.error, self.run_info.log_tail()))

    def _reap(self, trainer: subprocess.Popen[bytes]) -> None:
        """Take leave of a trainer that has said its last word."""
        if self._ended is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                trainer.wait(timeout=5)

    def _address(self) -> str:
        """Where the trainer listens; waits until it is started and does."""
        if self._anothers:
            return self._told_address()
        default = self.run_dir / "control.sock"
        while not self._closed and not self.over.is_set() and (self._trainer is None or self._lives):
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
