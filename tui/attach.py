"""AttachedSession: a screen on a run of another process, running or over."""

from __future__ import annotations

import time
from platform import node

import psutil

from miniai.errors import RunError
from miniai.run.client import is_alive
from miniai.run.control import new_id
from miniai.run.directory import RunDir, RunInfo, boot_id
from miniai.run.events import AnyFact
from miniai.run.requests import Kill
from tui.messages import TrainerGone, TrainerSaid
from tui.remote import RemoteSession

__all__ = ["AttachedSession"]

_DOUBT = 3.0
"""Seconds of a silent journal after which the trainer is asked whether it lives."""


class AttachedSession(RemoteSession):
    """A run that somebody else trains, or that is over (see `tui.session.Session`)."""

    owns = False

    def __init__(self, run: RunDir) -> None:
        super().__init__(run)
        self._next_doubt = 0.0

    def kill(self) -> None:
        """Ask the trainer to end its process group at once."""
        self.request(Kill(id=new_id()))

    def _conduct(self) -> None:
        """Read what there is, follow what comes, and say so if the trainer is gone without a last word."""
        self._app_post(TrainerSaid("reading the journal"))
        self._follow()
        end = self._ended
        if not self._closed and (end is None or end.reason == "failed"):
            self._app_post(TrainerGone(self._why_gone() if end is None else end.error, self.run_info.log_tail()))

    def _hand_over(self, facts: list[AnyFact]) -> None:
        self._next_doubt = time.monotonic() + _DOUBT
        super()._hand_over(facts)

    def _goes_on(self) -> bool:
        if self._closed or self._ended is not None:
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
