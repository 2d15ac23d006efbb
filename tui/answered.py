"""Ask a running trainer for one thing, and wait until it has said what came of it."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import msgspec

from miniai.run import events as ev
from miniai.run.control import new_id
from miniai.run.directory import RunDir
from miniai.run.exchange import exchange
from miniai.run.requests import AnyRequest, Kill, SetEpochs, SkipBatch, SkipEpoch, Stop
from miniai.run.status import RunStatus, State, status
from tui.position import Position, position
from tui.state.answers import Answer, words
from tui.text import clean, count, duration
from tui.typed import Wrong, read_epochs
from tui.wanted import Wanted

__all__ = ["Answered", "ask"]

_ALIVE = 2.0
"""Seconds that a trainer gets to show that it lives."""


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it."""

    ok: bool
    """True if it was done."""
    words: str
    """The same for people, in one line."""
    state: State
    """How the run stood when it was asked."""
    fact: dict[str, Any] | None = None
    """The trainer's answer."""


def ask(run: RunDir, wanted: Wanted, timeout: float) -> Answered:
    """Ask for `wanted` and wait for the answer, at most `timeout` seconds."""
    end = time.monotonic() + timeout
    how = status(run, min(timeout, _ALIVE))
    here = position(run)
    if wanted.kind is None:
        more = f", {here.text}" if how.state not in ("damaged", "starting") else ""
        return Answered(ok=how.state != "damaged", words=how.words + more, state=how.state)
    if not how.alive:
        if wanted.kind is Kill and how.state == "not answering" and how.pid:
            return _kill_by_hand(how)
        return _no(how, f"{run.id} is {'' if how.state == 'not answering' else 'not running: '}{how.words}")
    try:
        request = wanted.request(new_id(), _fields(wanted, here))
    except Wrong as wrong:
        return _no(how, f"not asked: {wrong}")
    return _exchange(run, how, here, request, end)


def _no(how: RunStatus, text: str, fact: Answer | None = None) -> Answered:
    return Answered(ok=False, words=text, state=how.state, fact=None if fact is None else msgspec.to_builtins(fact))


def _fields(wanted: Wanted, here: Position) -> dict[str, Any]:
    """What is known of the run, for the request to carry; Wrong if it makes no sense now."""
    if here.phase is None and wanted.kind in (SkipBatch, SkipEpoch):
        raise Wrong("training has not begun, there is nothing to skip")
    fields = {"epoch": here.epoch, "phase": here.phase, **here.seen.of(wanted.kind)}
    if wanted.kind is SetEpochs:
        fields["epochs"] = read_epochs(wanted.epochs, here.epochs, max(here.epoch + 1, 1))
    return fields


def _exchange(run: RunDir, how: RunStatus, here: Position, request: AnyRequest, end: float) -> Answered:
    answer: Answer | None = None
    try:
        for said in exchange(how.address, request, end):
            if "error" in said:
                return _no(how, f"the trainer does not understand it: {said['error']}")
            if "answer" in said:
                answer = msgspec.convert(said["answer"], ev.AnyFact)
                if not isinstance(answer, ev.StopPlanned) or answer.when == "epoch":
                    return _answered(how, here, answer)
    except TimeoutError:
        if answer is not None:
            return _answered(how, here, answer)
        return _no(how, "asked, but there was no answer in time: it acts when the running batch is done")
    except (ConnectionError, FileNotFoundError):  # it ended in this very moment
        pass
    except (OSError, msgspec.ValidationError) as error:
        return _no(how, f"the trainer cannot be asked: {error}")
    return _hung_up(run, how, request, answer)


def _answered(how: RunStatus, here: Position, answer: Answer) -> Answered:
    if isinstance(answer, ev.Refused):
        return _no(how, words(answer, here.of), answer)
    match answer:
        case ev.Paused():
            text = f"paused at step {count(answer.step)}"
        case ev.Continued():
            text = f"goes on after a pause of {duration(answer.paused)}"
        case _:
            text = words(answer, here.of)
    return Answered(ok=True, words=text, state=how.state, fact=msgspec.to_builtins(answer))


def _hung_up(run: RunDir, how: RunStatus, request: AnyRequest, answer: Answer | None) -> Answered:
    """The connection ended: the run is over, as was asked or not."""
    now = status(run, _ALIVE)
    fact = None if answer is None else msgspec.to_builtins(answer)
    if isinstance(request, Kill) and not now.alive and now.state not in ("done", "stopped", "failed"):
        return Answered(ok=True, words="killed", state=how.state, fact=fact)
    if isinstance(request, Stop) and now.state == "stopped":
        steps = position(run).step
        return Answered(ok=True, words=f"stopped after {count(steps)} steps", state=how.state, fact=fact)
    return _no(how, f"the run ended before it could answer: {clean(now.words)}")


def _kill_by_hand(how: RunStatus) -> Answered:
    """End a trainer that is there and does not answer: its group if it leads one of its own."""
    try:
        if os.getpgid(how.pid) == how.pid:
            os.killpg(how.pid, signal.SIGKILL)
        else:
            os.kill(how.pid, signal.SIGKILL)
    except ProcessLookupError:  # it has ended meanwhile
        pass
    except OSError as error:
        return _no(how, f"process {how.pid} cannot be killed: {error.strerror}")
    return Answered(ok=True, words=f"killed: process {how.pid}, which did not answer", state=how.state)
