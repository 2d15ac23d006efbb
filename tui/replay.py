"""A run from its beginning again, at a speed of one's choice: its journal is handed over as its own times say."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

from textual.message import Message

from miniai.run.directory import RunDir
from miniai.run.events import AnyFact, EpochEnded, EpochStarted, FitEnded, RunResumed
from miniai.run.requests import AnyRequest
from tui.follow import Follower
from tui.hand_over import HandOver
from tui.messages import ReplayMoved, TrainerSaid

__all__ = ["Playhead", "ReplaySession"]

EDGES = (EpochStarted, EpochEnded, RunResumed, FitEnded)
"""Facts at which `.` stops."""
_BEAT = 0.1
"""Seconds between two looks which facts are due."""


class Playhead:
    """Where a replay is, in seconds of the run, by a clock that may be any."""

    def __init__(self, speed: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.speed, self.clock = speed, clock
        self.paused = False
        self._at, self._since = 0.0, clock()

    @property
    def at(self) -> float:
        """Seconds of the run that have been shown."""
        return self._at if self.paused else self._at + (self.clock() - self._since) * self.speed

    def toggle(self) -> None:
        """Stand still, or go on."""
        self.jump(self.at)
        self.paused = not self.paused

    def jump(self, at: float) -> None:
        """Be at another place."""
        self._at, self._since = at, self.clock()


class ReplaySession:
    """A recorded run (see `tui.session.Session`): `wait(event, seconds)` is how it waits."""

    owns, can_leave = False, True

    def __init__(
        self,
        run: RunDir,
        speed: float,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[threading.Event, float | None], object] = threading.Event.wait,
    ) -> None:
        self.run_info, self.run_dir = run, run.path
        self.over = threading.Event()
        """Set when the whole journal was shown."""
        self.head = Playhead(speed, clock)
        self._wait = wait
        self._keys: deque[str] = deque()
        self._wake = threading.Event()
        self._closed = False
        self._app_post: Callable[[Message], object] = bool

    def run(self, app_post: Callable[[Message], object]) -> None:
        """Post the facts when they are due, to the end of the journal or until `close` was called."""
        self._app_post = app_post
        hand_over, follower = HandOver(app_post, lambda: not self._closed), Follower(self.run_info.journal)
        try:
            app_post(TrainerSaid("reading the journal"))
            self._play(_told(follower), hand_over)
            ended = follower.ended is not None
        finally:
            follower.close()
            self.over.set()
        if not self._closed:
            self._moved(over=True, words="" if ended else "the journal ends here")

    def toggle(self) -> None:
        """Stand still, or go on; thread-safe."""
        self._keys.append("toggle")
        self._wake.set()

    def to_edge(self) -> None:
        """On to the next beginning or end of a half epoch; thread-safe."""
        self._keys.append("edge")
        self._wake.set()

    def request(self, request: AnyRequest) -> None:
        """Nobody is there to obey."""

    def kill(self) -> None:
        """Nothing is there to be ended."""

    def close(self) -> None:
        """End the replay."""
        self._closed = True
        self._wake.set()

    def _play(self, told: Iterator[AnyFact], hand_over: Callable[[list[AnyFact]], object]) -> None:
        upcoming = next(told, None)
        self.head.jump(0.0 if upcoming is None else upcoming.at)
        while upcoming is not None and not self._closed:
            edge = self._obey()
            due: list[AnyFact] = []
            while upcoming is not None and (edge or upcoming.at <= self.head.at):
                due.append(upcoming)
                found, upcoming = edge and isinstance(upcoming, EDGES), next(told, None)
                if found:
                    break
            if edge and due:
                self.head.jump(max(self.head.at, due[-1].at))
            if due:
                hand_over(due)
            self._moved()
            if upcoming is not None and not edge:
                self._rest(upcoming.at)

    def _obey(self) -> bool:
        """What was pressed meanwhile; True if the next edge is wanted."""
        edge = False
        while self._keys and not edge:
            if self._keys.popleft() == "toggle":
                self.head.toggle()
            else:
                edge = True
        return edge

    def _rest(self, due: float) -> None:
        """Until the next fact is due, the clock in the header moves, or a key is pressed; for ever while paused."""
        if not self._keys and not self._closed:
            if self.head.paused:
                self._wait(self._wake, None)
            else:
                left = (due - self.head.at) / self.head.speed
                self._wait(self._wake, min(max(left, _BEAT), 1.0))
        self._wake.clear()

    def _moved(self, over: bool = False, words: str = "") -> None:
        self._app_post(ReplayMoved(self.head.at, self.head.paused, over, words))


def _told(follower: Follower) -> Iterator[AnyFact]:
    """Facts of the journal as it is now, a piece at a time."""
    while True:
        before = follower.offset
        facts = follower.read()
        yield from facts
        if not facts and follower.offset == before:
            return
