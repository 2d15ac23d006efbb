"""AttachedSession: a screen on a run of another process, running or over."""

from __future__ import annotations

from miniai.run.control import new_id
from miniai.run.requests import Kill
from tui.messages import TrainerSaid
from tui.remote import RemoteSession

__all__ = ["AttachedSession"]


class AttachedSession(RemoteSession):
    """A run that somebody else trains, or that is over (see `tui.session.Session`)."""

    owns = False

    def kill(self) -> None:
        """Ask the trainer to end its process group at once."""
        self.request(Kill(id=new_id()))

    def _conduct(self) -> None:
        """Read what there is, follow what comes, and say so if the trainer is gone without a last word."""
        self._app_post(TrainerSaid("reading the journal"))
        self._follow()
        self._say_if_gone()

    def _goes_on(self) -> bool:
        return self._another_goes_on()

    def _address(self) -> str:
        return self._told_address()
