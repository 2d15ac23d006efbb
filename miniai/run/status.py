"""How a run stands: whether it is alive, and if not, how it ended; the one place that says so.

A run is alive if its control socket answers with the run's id within a deadline. Process and boot ids only explain
why a socket is silent; a lock would lie, for children inherit it.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec

from miniai.errors import RunError
from miniai.run.ask import Answer, ask
from miniai.run.directory import RunDir, RunInfo, boot_id
from miniai.run.events import AnyFact, FitEnded, Paused, Progressed, RunResumed, RunStarted, decode
from miniai.run.tail import kind, lines_backwards

__all__ = ["RunStatus", "State", "status", "statuses"]

State: TypeAlias = Literal[
    "starting", "running", "paused", "done", "stopped", "failed", "crashed", "not answering", "elsewhere", "damaged"
]
_STARTS_WITHIN = 30.0
"""Seconds that a run directory may lie there before its trainer has said its first word."""
_EDGES = frozenset(
    {"Paused", "Continued", "EpochStarted", "EpochEnded", "FitStarted", "FitEnded", "RunStarted", "RunResumed",
     "DataLoaded"}
)  # fmt: skip
"""Kinds of facts after which a pause from before is over, and those that say how a run stands."""


class RunStatus(msgspec.Struct, frozen=True, kw_only=True):
    """How a run stands."""

    state: State
    words: str
    """The same for people, in one line."""
    alive: bool = False
    """Whether its control socket answered with the run's id."""
    host: str = ""
    """Where it was trained last."""
    pid: int = 0
    """Process id of its trainer; 0: not known, or not sure while it does not answer."""
    sign: float | None = None
    """Seconds since it last wrote something; None: it never did."""
    address: str = ""
    """Where it answers; empty if it does not."""

    @property
    def over(self) -> bool:
        """Nobody trains it any more, as far as can be known here."""
        return self.state in ("done", "stopped", "failed", "crashed", "damaged")


def status(run: RunDir, deadline: float = 1.0) -> RunStatus:
    """How one run stands, found within about `deadline` seconds; never raises for what is wrong with the run."""
    return statuses([run], deadline)[0]


def statuses(runs: Sequence[RunDir], deadline: float = 1.0) -> list[RunStatus]:
    """How each run stands; all of them together take one deadline."""
    found = [_Look(run) for run in runs]
    doubtful = [(look, address) for look in found if look.is_open for address in look.addresses]
    for (look, address), answer in zip(doubtful, ask([a for _, a in doubtful], deadline), strict=True):
        assert look.info is not None
        look.listens |= answer.listens
        if answer.run and answer.run == look.info.id:
            look.answer, look.address = answer, address
    for look in found:
        if look.answer is None and look.end is None:
            look.read()  # it may have come to its end since the first look
    return [look.status() for look in found]


class _Look:
    """What the files of one run say, and whether it has answered."""

    def __init__(self, run: RunDir) -> None:
        self.run = run
        self.wrong = ""
        """Why this is no run that can be read."""
        self.info: RunInfo | None = None
        self.last: AnyFact | None = None
        """The last fact that says how the run stands."""
        self.answer: Answer | None = None
        self.address = ""
        self.listens = False
        self.read()

    def read(self) -> None:
        """Look into the files."""
        try:
            self.info = self.run.read_info()
            self.last = last_edge(self.run)
        except RunError as error:
            self.wrong = str(error)

    @property
    def end(self) -> FitEnded | None:
        return self.last if isinstance(self.last, FitEnded) else None

    @property
    def is_open(self) -> bool:
        """Whether a trainer may be at it: it has not ended, or another one was started to go on with it."""
        return self.info is not None and (self.end is None or self.info.resuming)

    @property
    def addresses(self) -> list[str]:
        """Where its socket may be: as noted, and in its folder (a full disk keeps the address from being noted).

        What a copied folder notes is where the trainer of the original listens.
        """
        assert self.info is not None
        noted = "" if self.run.is_copy(self.info) else self.info.socket
        return list(dict.fromkeys(filter(None, (noted, str(self.run.path / "control.sock")))))

    def status(self) -> RunStatus:
        if self.info is None:
            return RunStatus(state="damaged", words=f"damaged: {self.wrong}")
        state, words = self._state(self.info)
        return RunStatus(
            state=state,
            words=words,
            alive=self.answer is not None,
            host=self.info.host,
            pid=self._pid(state) if self.answer is None else self.answer.pid,
            sign=self._sign(),
            address=self.address,
        )

    def _state(self, info: RunInfo) -> tuple[State, str]:
        if self.end is not None and self.answer is not None:
            return "starting", f"starting: it was {self.end.reason}, and its trainer prepares to go on"
        if self.end is not None:
            return self.end.reason, f"failed: {self.end.error}" if self.end.error else self.end.reason
        if self.answer is not None:
            if isinstance(self.last, Paused):
                return "paused", f"paused at step {self.last.step:,}"
            return "running", "running"
        if info.ended in ("done", "stopped", "failed"):  # the journal could not be written at the end
            return info.ended, info.ended  # type: ignore[return-value]
        if info.host != socket.gethostname() or info.boot != boot_id():
            again = " before a restart" if info.host == socket.gethostname() else ""
            return "elsewhere", f"on {info.host}{again}, {self._last_sign()}"
        return self._silent(info)

    def _silent(self, info: RunInfo) -> tuple[State, str]:
        """On this machine, and the socket does not answer."""
        pid, started = self._process()
        if not pid and time.time() - info.created < _STARTS_WITHIN:
            return "starting", "starting: its trainer has said nothing yet"
        seen = _process_state(pid, started)
        if self.run.is_copy(info) and seen in ("there", "stopped"):
            return "elsewhere", f"a copy of the folder in which process {pid} trains, {self._last_sign()}"
        if seen == "stopped":
            return "not answering", f"not answering: process {pid} is suspended, {self._last_sign()}"
        if seen == "there" or (seen == "other" and self.listens):
            return "not answering", f"not answering: process {pid} is there, {self._last_sign()}"
        if not pid:
            return "crashed", "crashed before its first word"
        return "crashed", f"crashed: process {pid} is gone without a last word, {self._last_sign()}"

    def _pid(self, state: State) -> int:
        """Process id of the trainer; 0 if a later process may have the number, for people kill what does not answer."""
        pid, started = self._process()
        return 0 if state == "not answering" and _process_state(pid, started) == "other" else pid

    def _process(self) -> tuple[int, float]:
        """Process id of the trainer and when it started at the latest (seconds since 1970); 0 if it is not known."""
        assert self.info is not None
        noted, began = self.info.pid, self.info.pid_started
        if isinstance(self.last, RunStarted | RunResumed) and self.last.pid:  # newer than what is noted
            return self.last.pid, max(self.last.wall, began) if self.last.pid == noted else self.last.wall
        if noted:
            return noted, began
        first = _first(self.run)
        return (first.pid, first.wall) if first is not None else (0, 0.0)

    def _sign(self) -> float | None:
        with contextlib.suppress(OSError):
            return max(0.0, time.time() - self.run.journal.stat().st_mtime)
        return None

    def _last_sign(self) -> str:
        sign = self._sign()
        return "no sign of it" if sign is None else f"last sign {_span(sign)} ago"


def _span(seconds: float) -> str:
    """A time in the largest unit of which there are two at least: "12 s", "40 min", "30 h", "12 d"."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size:,.0f} {unit}"
    return f"{seconds:.0f} s"


def last_edge(run: RunDir) -> AnyFact | None:
    """The journal's last fact that says how the run stands: its end, a pause, or that it goes on; None without one.

    A change made during a pause may report the batches of before once more: that does not end the pause.
    """
    moved: Progressed | None = None
    for line in lines_backwards(run.journal):
        name = kind(line)
        if name not in _EDGES and name != "Progressed":
            continue
        try:
            fact = decode(line)
        except msgspec.DecodeError:  # a line of a newer version, or a damaged one
            continue
        if not isinstance(fact, Progressed):
            still = moved is None or not isinstance(fact, Paused) or _place(moved) == _place(fact)
            return fact if still else moved
        if moved is not None and _place(moved) != _place(fact):
            return moved
        moved = fact
    return moved


def _place(fact: Progressed | Paused) -> tuple[int, str, int]:
    return fact.epoch, fact.phase, fact.batch


def _first(run: RunDir) -> RunStarted | None:
    """The journal's first line, if there is a whole one."""
    with contextlib.suppress(OSError, msgspec.DecodeError), run.journal.open("rb") as file:
        fact = decode(file.readline(65_536))
        return fact if isinstance(fact, RunStarted) else None
    return None


def _process_state(pid: int, started: float) -> Literal["there", "stopped", "other", "gone"]:
    """What the system says of a process that ran at `started`, seconds since 1970."""
    if not pid:
        return "gone"
    import psutil

    try:
        process = psutil.Process(pid)
        state = process.status()
        if state in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return "gone"
        if process.create_time() > started + 2:  # a later process with the same number
            return "other"
        return "stopped" if state == psutil.STATUS_STOPPED else "there"
    except psutil.Error:
        return "gone"
