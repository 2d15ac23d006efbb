"""`fit --detach`: a trainer in the background, and the shell back as soon as it is there."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

import msgspec

from miniai.errors import RunError
from miniai.run.directory import RunDir
from miniai.run.logout import at_logout
from tui.commands import attach, ctl, shown
from tui.launch import how_it_went, start_trainer
from tui.text import clean

__all__ = ["fit_detached"]

_FIRST_WORD = 60.0
"""Seconds after which a trainer that lives and says nothing is left to itself: a slow disk, a busy machine."""
_LISTENS = 3.0
"""Seconds that a trainer gets after its first word to open its socket."""
_LOOK = 0.02
"""Seconds between two looks."""


def fit_detached(run: RunDir, form: Literal["text", "json"] = "text") -> int:
    """Start the trainer of `run` and leave it alone; returns 0 once it is there, 1 if it ended before.

    It is in a session of its own and holds no descriptor of ours: an ssh that ran this command can close.
    """
    before = _size(run.journal)
    try:
        trainer = start_trainer(run)
    except OSError as error:
        raise RunError(f"the trainer could not be started: {error.strerror}") from error
    try:
        said = _wait(run, trainer, before)
    except KeyboardInterrupt:
        return _take_back(trainer)
    code = trainer.poll()
    if code or (code is not None and not said):  # the word may have been another's, who was quicker to resume the run
        return _say_that_it_died(run, code)
    _say(_report(run, trainer.pid, form))
    if not said:
        _say(f"miniai-tui: it has said nothing in {_FIRST_WORD:.0f} s; its log is {shown(run.log)}\n", 2)
    if danger := at_logout():
        _say(f"miniai-tui: {danger}\n", 2)
    trainer.returncode = 0  # it is nobody's child from here on: no warning that it still runs
    return 0


def _wait(run: RunDir, trainer: subprocess.Popen[bytes], before: int) -> bool:
    """Wait for the trainer's first word, then a moment for its socket; False if it has said nothing."""
    end = time.monotonic() + _FIRST_WORD
    while _size(run.journal) == before:
        if trainer.poll() is not None or time.monotonic() > end:
            return _size(run.journal) != before
        time.sleep(_LOOK)
    end = time.monotonic() + _LISTENS
    while not _noted(run, trainer.pid) and trainer.poll() is None and time.monotonic() < end:
        time.sleep(_LOOK)
    return True


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
