"""A run from its beginning again, at a speed of one's choice: its journal is handed over as its own times say."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

from textual.message import Message

from miniai.run.directory import RunDir
from miniai.run.events import (
    AnyFact,
    EnvironmentNoted,
    EpochEnded,
    EpochStarted,
    FitEnded,
    RunResumed,
    SystemSampled,
)
from miniai.run.requests import AnyRequest
from tui.follow import Follower
from tui.hand_over import HandOver
from tui.messages import ReplayMoved, TrainerSaid

__all__ = ["Playhead", "ReplaySession"]

EDGES = (EpochStarted, EpochEnded, RunResumed, FitEnded)
"""Facts at which `.` stops."""
BESIDES = (SystemSampled, EnvironmentNoted)
"""Facts that come of themselves: of a stretch with no others one learns nothing."""
QUIET = 2.0
"""Seconds of replay that are left of a longer quiet stretch."""
LONGER = 2.5
"""Seconds of replay, and of the run, from which on a quiet stretch is shortened."""
AHEAD = 10_000
"""Facts that are read ahead at most to find the end of a quiet stretch: about six hours of samples."""
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


class _Ahead:
    """Facts to come; looks ahead to the next one that is news."""

    def __init__(self, told: Iterator[AnyFact]) -> None:
        self._told = told
        self._held: deque[AnyFact] = deque()
        self._fill()

    @property
    def first(self) -> AnyFact | None:
        """The next fact; None at the end."""
        return self._held[0] if self._held else None

    @property
    def news_at(self) -> float:
        """When the next news come, in seconds of the run; at the end when its last fact does."""
        return self._held[-1].at if self._held else 0.0

    def pop(self) -> AnyFact:
        """The next fact is over."""
        fact = self._held.popleft()
        self._fill()
        return fact

    def _fill(self) -> None:
        while (not self._held or isinstance(self._held[-1], BESIDES)) and len(self._held) < AHEAD:
            fact = next(self._told, None)
            if fact is None:
                return
            self._held.append(fact)


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
        self._left_out = 0.0
        """Quiet seconds that were left out since the last news."""
        self._app_post: Callable[[Message], object] = bool

    def run(self, app_post: Callable[[Message], object]) -> None:
        """Post the facts when they are due, to the end of the journal or until `close` was called."""
        self._app_post = app_post
        hand_over, follower = HandOver(app_post, lambda: not self._closed), Follower(self.run_info.journal)
        try:
            app_post(TrainerSaid("reading the journal"))
            self._play(_Ahead(_told(follower)), hand_over)
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

    def _play(self, ahead: _Ahead, hand_over: Callable[[list[AnyFact]], object]) -> None:
        self.head.jump(0.0 if ahead.first is None else ahead.first.at)
        while ahead.first is not None and not self._closed:
            edge = self._obey()
            due: list[AnyFact] = []
            while ahead.first is not None and (edge or ahead.first.at <= self.head.at):
                due.append(ahead.pop())
                if edge and isinstance(due[-1], EDGES):
                    break
            if edge and due:
                self.head.jump(max(self.head.at, due[-1].at))
            if due:
                hand_over(due)
            self._shorten(ahead, due)
            self._moved()
            if ahead.first is not None and not edge:
                self._rest(ahead.first.at)

    def _shorten(self, ahead: _Ahead, told: list[AnyFact]) -> None:
        """Leave out most of a stretch in which nothing happens."""
        if not all(isinstance(fact, BESIDES) for fact in told):
            self._left_out = 0.0
        speed, quiet = self.head.speed, ahead.news_at - self.head.at
        if ahead.first is not None and not self.head.paused and quiet > LONGER * max(speed, 1.0):
            self._left_out += quiet - QUIET * speed
            self.head.jump(ahead.news_at - QUIET * speed)

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
        self._app_post(ReplayMoved(self.head.at, self.head.paused, over, words, self._left_out))


def _told(follower: Follower) -> Iterator[AnyFact]:
    """Facts of the journal as it is now, a piece at a time."""
    while True:
        before = follower.offset
        facts = follower.read()
        yield from facts
        if not facts and follower.offset == before:
            return
