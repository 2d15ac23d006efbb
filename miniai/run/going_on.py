"""A trainer that goes on with a run: what it says of that, and the journal as it was if it fails before it trains."""

from __future__ import annotations

import contextlib
import os
import platform
import threading
import time
from collections.abc import Callable

import psutil

from miniai.errors import RunError
from miniai.run.checkpoint import is_newer, set_aside
from miniai.run.directory import RunDir, boot_id
from miniai.run.events import Alerted, EpochStarted, Fact, FitEnded, RunResumed, StageReached
from miniai.run.journal import Journal
from miniai.run.reporter import Reporter
from miniai.run.resuming import Resumption, last_at
from miniai.run.status import last_edge

__all__ = ["GoingOn", "HeldJournal"]


class HeldJournal:
    """Keeps facts in memory up to the first half epoch, and writes them all then: from there on steps are done again.

    Before that the journal's readers know the run as it was. `tell(fact)` is called meanwhile for how far the
    preparation is, for who waits for it; `began()` once, when the run goes on.
    """

    def __init__(self, journal: Journal, began: Callable[[], object] = bool) -> None:
        self.tell: Callable[[Fact], object] = bool
        self.holds = True
        """Whether the run does not go on yet."""
        self._journal, self._began = journal, began
        self._waiting: list[Fact] = []
        self._lock = threading.RLock()

    def write(self, fact: Fact) -> None:
        """Keep a fact, or write it; from any thread."""
        with self._lock:
            if not self.holds:
                self._journal.write(fact)
                return
            self._waiting.append(fact)
            if isinstance(fact, EpochStarted):
                self.release()
            elif isinstance(fact, StageReached):
                self.tell(fact)

    def release(self) -> None:
        """The run goes on: write what was kept, and all that comes."""
        with self._lock:
            waiting, self._waiting, self.holds = self._waiting, [], False
            self._began()
            for fact in waiting:
                self._journal.write(fact)

    def forget(self, said: Fact | None = None) -> None:
        """It does not go on: nothing of what was kept has happened to the run, but for what is to be `said`."""
        with self._lock:
            self._waiting.clear()
            if said is not None:
                self._journal.write(said)


class GoingOn:
    """How `run` goes on from `resumed`: in one journal, if it comes to that."""

    def __init__(self, run: RunDir, resumed: Resumption, journal: Journal) -> None:
        self.run, self.resumed = run, resumed
        self.held = HeldJournal(journal, self._goes_on)
        self.began = max(last_at(run.journal), resumed.state.at or 0.0)
        """Seconds of the run that lie behind; never less than at the checkpoint, also where the journal is gone."""
        edge = last_edge(run)
        self.anew = edge is None
        """Whether there is no journal to go on in."""
        self._ended = edge if isinstance(edge, FitEnded) else None

    def say(self, reporter: Reporter) -> None:
        """Say from where the run goes on, and make room for a trainer after one that was killed."""
        here = {"host": platform.node(), "boot": boot_id(), "folder": self.run.inode}
        process = {"pid": os.getpid(), "pid_started": psutil.Process().create_time()}
        self._note(ended="", resuming=True, socket="", **here, **process)
        with contextlib.suppress(OSError):
            (self.run.path / "control.sock").unlink(missing_ok=True)
        state = self.resumed.state
        reporter.emit(
            RunResumed(
                at=reporter.now(), step=state.step, epoch=state.epoch, phase=state.phase, batch=state.batch,
                wall=time.time(), pid=os.getpid(), host=platform.node(), saved_at=state.at,
            )
        )  # fmt: skip
        for why in self.resumed.broken.values():
            text = f"{why}; the run goes on from {self.resumed.path.name}"
            reporter.emit(Alerted(at=reporter.now(), topic="checkpoint", text=text))

    def has_begun(self, end: FitEnded) -> bool:
        """Whether the run has gone on, or is to be told so now; else the journal stays as it was, but for the reason.

        A run that was done and has nothing left to do is done as before; one that was killed behind its last batch is
        done now.
        """
        if not self.held.holds:
            return True
        if end.reason == "done" and (self._ended is None or self._ended.reason != "done"):
            self.held.release()
            return True
        at = round(self.began + 0.001, 3)  # the run's own time stands still meanwhile
        alert = Alerted(at=at, topic="resume", text=f"it could not be resumed: {end.error}")
        self.held.forget(alert if end.reason == "failed" else None)
        ended = "" if self._ended is None else self._ended.reason
        self._note(ended=ended, resuming=False, pid=0, pid_started=0.0, socket="")
        return False

    def _goes_on(self) -> None:
        """What cannot be read is not looked at again; what a newer version may read stays as it is."""
        self._note(resuming=False)
        for name in self.resumed.broken:
            if not is_newer(self.run.checkpoints / name):
                with contextlib.suppress(OSError):
                    set_aside(self.run.checkpoints, name)

    def _note(self, **changes: object) -> None:
        """Update `run.json`; a disk that refuses does not hurt the run (the journal says the same)."""
        with contextlib.suppress(OSError, RunError):
            self.run.update_info(**changes)
