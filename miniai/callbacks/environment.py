"""EnvironmentCB: says what the run is made with. Git may take its time: it is asked in a thread."""

from __future__ import annotations

import contextlib
import os
import platform
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from miniai.callbacks.base import Callback
from miniai.callbacks.clock import since_now
from miniai.details import device_name
from miniai.run.events import EnvironmentNoted, Fact
from miniai.run.revision import Revision, revision

if TYPE_CHECKING:
    from miniai.learner import Learner

__all__ = ["EnvironmentCB"]

LAST_CHANCE = 0.5
"""Seconds that the end of a fit waits for git."""


class EnvironmentCB(Callback):
    """Emit EnvironmentNoted once: versions, machine, folder and git revision, as soon as they are known.

    `ask` says where the repository of a folder stands; it runs in a thread, and the fact is emitted between two
    batches by the thread that trains, without waiting for it.
    """

    order = 95

    def __init__(
        self,
        emit: Callable[[Fact], object],
        now: Callable[[], float] | None = None,
        device: torch.device | None = None,
        *,
        ask: Callable[[str], Revision] = revision,
    ) -> None:
        self.emit, self.now = emit, now or since_now()
        self.device = torch.device("cpu") if device is None else device
        self._ask = ask
        self._folder = ""
        self._found = Revision()
        self._thread: threading.Thread | None = None
        self._said = False

    def before_fit(self, _learn: Learner, /) -> None:
        """Begin to ask."""
        if self._thread is None:
            with contextlib.suppress(OSError):  # a folder that was removed has no name
                self._folder = os.getcwd()
            self._thread = threading.Thread(target=self._look, name="revision", daemon=True)
            self._thread.start()

    def after_batch(self, _learn: Learner, /) -> None:
        """Say what is known once git has answered."""
        if not self._said and self._thread is not None and not self._thread.is_alive():
            self._say()

    def cleanup_fit(self, _learn: Learner, /) -> None:
        """A fit that was quicker than git waits a moment for it, then says what is known without."""
        if not self._said and self._thread is not None:
            self._thread.join(LAST_CHANCE)
            self._say()

    def _look(self) -> None:
        if self._folder:
            self._found = self._ask(self._folder)

    def _say(self) -> None:
        self._said = True
        found = self._found
        self.emit(
            EnvironmentNoted(
                at=self.now(),
                python=platform.python_version(),
                torch=str(torch.__version__),
                system=f"{platform.system()} {platform.release()} {platform.machine()}",
                device=device_name(self.device),
                threads=torch.get_num_threads(),
                folder=self._folder,
                revision=found.commit,
                branch=found.branch,
                dirty=found.dirty,
            )
        )
