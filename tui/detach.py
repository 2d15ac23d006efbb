"""`fit --detach`: a trainer in the background, and the shell back as soon as it has its data."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from miniai.errors import RunError
from miniai.run.directory import RunDir
from miniai.run.events import Alerted, DataLoaded, EpochStarted, FitEnded, decode
from miniai.run.logout import at_logout
from tui.commands import attach, ctl, shown
from tui.launch import how_it_went, start_trainer
from tui.text import clean

__all__ = ["fit_detached"]

_FIRST_WORD = 60.0
"""Seconds after which a trainer that lives and says nothing is left to itself: a slow disk, a busy machine."""
_LOADS = 15.0
"""Seconds that a trainer gets after its first word to have its data."""
_LISTENS = 3.0
"""Seconds that it gets after that to open its socket."""
_ROOM = 1 << 20
"""Bytes of its first words that are read."""
_LOOK = 0.02
"""Seconds between two looks."""


def fit_detached(run: RunDir, form: Literal["text", "json"] = "text") -> int:
    """Start the trainer of `run` and leave it alone; returns 0 once it has its data, 1 if it failed before.

    It is in a session of its own and holds no descriptor of ours: an ssh that ran this command can close.
    """
    before = _size(run.journal)
    try:
        trainer = start_trainer(run)
    except OSError as error:
        raise RunError(f"the trainer could not be started: {error.strerror}") from error
    try:
        word = _wait(run, trainer, before)
    except KeyboardInterrupt:
        return _take_back(trainer)
    code = trainer.poll()
    if word.error:
        _say(f"miniai-tui: {clean(word.error, 2000)}\n", 2)
        with contextlib.suppress(subprocess.TimeoutExpired):
            trainer.wait(_LISTENS)  # it is about to end
        trainer.returncode = 1
        return 1
    if code or (code is not None and not word.said):  # the word may have been another's, who was quicker to resume it
        return _say_that_it_died(run, code)
    _say(_report(run, trainer.pid, form))
    if not word.said:
        _say(f"miniai-tui: it has said nothing in {_FIRST_WORD:.0f} s; its log is {shown(run.log)}\n", 2)
    elif not word.loaded and code is None:
        _say(f"miniai-tui: it is still loading; how it goes on is told by  {ctl(run.path, 'status')}\n", 2)
    if danger := at_logout():
        _say(f"miniai-tui: {danger}\n", 2)
    trainer.returncode = 0  # it is nobody's child from here on: no warning that it still runs
    return 0


class _Word(NamedTuple):
    """What the trainer has told of itself."""

    said: bool = False
    """Anything at all."""
    loaded: bool = False
    """That its data are there: what a user may have misspelt is behind it."""
    error: str = ""
    """Why it failed."""


def _wait(run: RunDir, trainer: subprocess.Popen[bytes], before: int) -> _Word:
    """Wait for the trainer's first word and then, not for long, until it has its data and listens, or has failed.

    A trainer that goes on with a run says nothing in the journal before it trains: its first word is that it listens.
    """
    word, end = _Word(), time.monotonic() + _FIRST_WORD
    while not (word.error or (word.loaded and _noted(run, trainer.pid))):
        lives = trainer.poll() is None
        word = _heard(run, trainer, before)
        if not lives or time.monotonic() > end:
            break
        if word.said:
            end = min(end, time.monotonic() + (_LISTENS if word.loaded else _LOADS))
        time.sleep(_LOOK)
    return word


def _heard(run: RunDir, trainer: subprocess.Popen[bytes], before: int) -> _Word:
    """What its journal holds since, and run.json."""
    data = _since(run.journal, before)
    if not data:
        return _Word(said=_noted(run, trainer.pid))
    loaded, error = False, ""
    for line in data[: data.rfind(b"\n") + 1].splitlines():
        with contextlib.suppress(msgspec.DecodeError):  # of another version
            match decode(line):
                case DataLoaded() | EpochStarted():
                    loaded = True
                case FitEnded(reason="failed", error=error):
                    pass
                case Alerted(topic="resume", text=error):
                    pass
    return _Word(True, loaded, error)


def _since(journal: Path, before: int) -> bytes:
    try:
        with journal.open("rb") as file:
            file.seek(before)
            return file.read(_ROOM)
    except OSError:
        return b""


def _noted(run: RunDir, pid: int) -> bool:
    """Whether run.json names this trainer, which it does when it listens."""
    with contextlib.suppress(RunError):
        return run.read_info().pid == pid
    return False


def _size(journal: Path) -> int:
    try:
        return journal.stat().st_size
    except OSError:
        return 0


def _take_back(trainer: subprocess.Popen[bytes]) -> int:
    """Ctrl-C while we wait: the user does not want it after all."""
    trainer.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        trainer.wait(5)
    if trainer.poll() is None:
        trainer.kill()
        trainer.wait()
    _say("miniai-tui: interrupted: the run was stopped before it began\n", 2)
    return 130


def _say_that_it_died(run: RunDir, code: int) -> int:
    tail = "".join(f"  {clean(line)}\n" for line in run.log_tail())
    _say(f"miniai-tui: {how_it_went(code)}; the end of its log ({shown(run.log)}):\n{tail}", 2)
    return 1


def _report(run: RunDir, pid: int, form: Literal["text", "json"]) -> str:
    if form == "json":
        facts = {"run": run.id, "directory": str(run.path), "pid": pid}
        return msgspec.json.encode(facts).decode(errors="replace") + "\n"
    rows = [
        ("directory", shown(run.path)),
        ("watch it", attach(run.path)),
        ("pause it", ctl(run.path, "pause")),
        ("stop it", ctl(run.path, "stop")),
    ]
    lines = [f"{run.id} trains in the background (process {pid})", *(f"  {name:<9}  {text}" for name, text in rows)]
    return "".join(f"{line}\n" for line in lines)


def _say(text: str, fd: int = 1) -> None:
    """Write all of it; a reader that has left does not matter to the run."""
    (sys.stdout if fd == 1 else sys.stderr).flush()
    data = text.encode(errors="replace")
    with contextlib.suppress(OSError):
        while data:
            data = data[os.write(fd, data) :]
