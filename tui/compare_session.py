"""CompareSession: the journals of several runs, read side by side and followed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

from textual.message import Message

from miniai.run.requests import AnyRequest
from miniai.run.status import statuses
from tui.compare_runs import Compared
from tui.follow import Follower
from tui.hand_over import HandOver
from tui.messages import Reported

__all__ = ["CompareSession", "RunReported", "StandingsKnown"]

_LOOK = 0.25
"""Seconds between two looks at journals that say nothing new."""
_ASK = 5.0
"""Seconds between two questions to runs that have not ended: whether they live."""


class RunReported(Message):
    """New facts of run number `which`."""

    def __init__(self, which: int, reported: Reported) -> None:
        self.which, self.reported = which, reported
        super().__init__()


class StandingsKnown(Message):
    """All journals were read; by the numbers of the runs that have not ended: how each stands."""

    def __init__(self, standings: dict[int, str]) -> None:
        self.standings = standings
        super().__init__()


class CompareSession:
    """Reads only (see `tui.session.Session`): nothing is asked of the runs but whether they live."""

    owns = False
    can_leave = True

    def __init__(self, runs: Sequence[Compared], follow: bool = True) -> None:
        self.runs = [run.run for run in runs]
        self.run_dir = self.runs[0].path
        self.over = threading.Event()
        self._follow = follow
        self._closed = False
        self._wake = threading.Event()

    def run(self, app_post: Callable[[Message], object]) -> None:
        """Post what the journals hold, then what comes, until `close`; without `follow` only what they hold."""
        followers = [Follower(run.journal) for run in self.runs]
        try:
            self._read(followers, app_post)
        finally:
            for follower in followers:
                follower.close()
            self.over.set()

    def _read(self, followers: list[Follower], app_post: Callable[[Message], object]) -> None:
        ways = [HandOver(partial(_post, app_post, i), lambda: not self._closed) for i in range(len(followers))]
        ask_at = 0.0
        while not self._closed:
            before = [follower.offset for follower in followers]
            for way, follower in zip(ways, followers, strict=True):
                if facts := follower.read():
                    way(facts)
            if before != [follower.offset for follower in followers]:  # facts, or lines that are void or unknown
                continue
            if time.monotonic() >= ask_at:
                app_post(StandingsKnown(self._standings(followers)))
                ask_at = time.monotonic() + _ASK
            if not self._follow:
                return
            self._wake.wait(_LOOK)

    def _standings(self, followers: list[Follower]) -> dict[int, str]:
        open_ = [i for i, follower in enumerate(followers) if follower.ended is None]
        return {i: s.state for i, s in zip(open_, statuses([self.runs[i] for i in open_]), strict=True)}

    def request(self, request: AnyRequest) -> None:
        """Runs that are compared are not controlled."""

    def kill(self) -> None:
        """Runs that are compared are left alone."""

    def close(self) -> None:
        """Stop following."""
        self._closed = True
        self._wake.set()


def _post(app_post: Callable[[Message], object], which: int, message: Message) -> object:
    assert isinstance(message, Reported)
    return app_post(RunReported(which, message))
