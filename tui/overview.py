"""Runs at a glance: how each stands and what came out of it, read from the ends of its files."""

from __future__ import annotations

import contextlib
import itertools
import math
import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

from miniai.config import RunConfig, read_config
from miniai.errors import MiniaiError, RunError
from miniai.run.directory import RunDir, RunInfo
from miniai.run.events import Changed, EpochEnded, FitStarted, RunResumed, decode
from miniai.run.status import RunStatus, statuses
from miniai.run.tail import lines_backwards, newest
from tui.resumptions import still_true
from tui.state.rows import smaller_is_better

__all__ = ["Best", "Overview", "find_runs", "overviews"]

_ID = re.compile(r"\d{8}-\d{6}-.+-[0-9a-f]{4}")
_ROOM, _LEAST, _MOST = 1 << 30, 256 << 10, 32 << 20
"""Bytes that are read of all journals together, and of one at least and at most."""
_Fact: TypeAlias = FitStarted | EpochEnded | Changed | RunResumed


class Best(msgspec.Struct, frozen=True):
    """The best validation value of the first metric, else of the loss, over complete epochs."""

    metric: str
    value: float
    epoch: int
    """Counted from 1."""


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """One run at a glance."""

    id: str
    """Its folder's name."""
    path: str
    status: RunStatus
    created: float
    """Wall-clock seconds since 1970."""
    job: str = "fit"
    dataset: str = ""
    model: str = ""
    done: int = 0
    """Epochs that are over."""
    epochs: int = 0
    """Epochs that it shall have."""
    step: int = 0
    """Trained batches at the last end of a half epoch."""
    seconds: float = 0.0
    """How long it was trained, pauses included."""
    best: Best | None = None
    whole: bool = True
    """False where the journal is so long that only its newer part was looked at for `best`."""


def find_runs(root: Path) -> list[RunDir]:
    """The runs in a folder, the newest first; RunError if it cannot be read. None if there is no such folder.

    What looks like a run and cannot be read is among them; what is no run at all is not.
    """
    try:
        folders = [path for path in root.absolute().iterdir() if os.path.isdir(path)]  # False where it may not look
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(f"the folder {root} cannot be read: {error.strerror}; name another with --run-dir") from error
    runs = [RunDir(path) for path in folders if _ID.fullmatch(path.name) or _has_info(path)]
    return sorted(runs, key=lambda run: (_created(run), run.id), reverse=True)


def _has_info(path: Path) -> bool:
    with contextlib.suppress(OSError):  # a folder of somebody else
        return (path / "run.json").exists()
    return False


def overviews(runs: Sequence[RunDir], deadline: float = 1.0) -> list[Overview]:
    """Each run at a glance; all together they take one deadline of asking. Never raises for a damaged run."""
    room = min(_MOST, max(_LEAST, _ROOM // max(len(runs), 1)))
    return [_overview(run, how, room) for run, how in zip(runs, statuses(runs, deadline), strict=True)]


def _overview(run: RunDir, how: RunStatus, room: int) -> Overview:
    lines, whole = newest(run.journal, ("FitStarted", "EpochEnded", "Changed", "RunResumed"), room)
    facts = _valid(lines)
    ended = [fact for fact in facts if isinstance(fact, EpochEnded)]
    config = _config(run)
    return Overview(
        id=run.id,
        path=str(run.path),
        status=how,
        created=_created(run),
        job=config.job,
        dataset=config.dataset,
        model=config.model,
        done=_done(ended),
        epochs=_epochs(facts) or config.until or config.epochs,
        step=max((fact.step for fact in ended), default=0),
        seconds=_last_time(run),
        best=_best(ended),
        whole=whole,
    )


def _valid(lines: Sequence[bytes]) -> list[_Fact]:
    """The facts, without those that a resumed run has made void."""
    facts: list[_Fact] = []
    for line in lines:
        with contextlib.suppress(msgspec.DecodeError):  # of a newer version, or damaged
            fact = decode(line)
            if isinstance(fact, RunResumed):
                facts = [f for f in facts if isinstance(f, FitStarted) or still_true(f, fact) is not None]
            if isinstance(fact, FitStarted | EpochEnded | Changed | RunResumed):
                facts.append(fact)
    return facts


def _epochs(facts: Sequence[_Fact]) -> int:
    """How many the fit was to have last; 0 if it has not said."""
    told = 0
    for fact in facts:
        if isinstance(fact, FitStarted):
            told = fact.epochs
        elif isinstance(fact, Changed) and fact.what == "epochs":
            told = int(fact.new)
    return told


def _done(ended: Sequence[EpochEnded]) -> int:
    """Epochs that are over: their validation, or at least their training with another epoch after it."""
    over = [fact for fact in ended if fact.ended in ("complete", "skipped")]
    return max((fact.epoch + (fact.phase == "valid") for fact in over), default=0)


def _best(ended: Sequence[EpochEnded]) -> Best | None:
    complete = [fact for fact in ended if fact.phase == "valid" and fact.ended == "complete"]
    names = list(dict.fromkeys(itertools.chain.from_iterable(fact.metrics for fact in complete)))
    for name in [*(n for n in names if n != "loss"), "loss"]:
        numbers = [(float(fact.metrics.get(name, math.nan)), fact.epoch + 1) for fact in complete]
        finite = [(value, epoch) for value, epoch in numbers if math.isfinite(value)]
        if finite:
            sign = 1 if smaller_is_better(name) else -1
            value, epoch = min(finite, key=lambda pair: sign * pair[0])
            return Best(name, value, epoch)
    return None


class _At(msgspec.Struct):
    """Of any fact, when it was told."""

    at: float


def _last_time(run: RunDir) -> float:
    """`at` of the last fact; 0 if there is none."""
    for line in itertools.islice(lines_backwards(run.journal), 10):
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return msgspec.json.decode(line, type=_At).at
    return 0.0


def _config(run: RunDir) -> RunConfig:
    """What it trains; of a damaged run what its name tells."""
    try:
        return read_config(run.config_file)
    except MiniaiError:
        _, _, dataset, *model, _ = [*run.id.split("-"), "", "", "", ""][: max(5, run.id.count("-") + 1)]
        return RunConfig(dataset=dataset or "?", model="-".join(model) or "?", epochs=0)


def _created(run: RunDir) -> float:
    """When it was made: as it says itself, else as its name does, else as its folder does."""
    with contextlib.suppress(RunError):
        info: RunInfo = run.read_info()
        return info.created
    with contextlib.suppress(ValueError, OverflowError):
        return time.mktime(time.strptime(run.id[:15], "%Y%m%d-%H%M%S"))
    with contextlib.suppress(OSError):
        return run.path.stat().st_mtime
    return 0.0
