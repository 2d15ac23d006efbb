"""Runs side by side: what is known of each, in which settings they differ, and what came out."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from miniai.config import RunConfig
from miniai.errors import UsageError
from miniai.run.directory import RunDir, find_run
from tui.state.rows import smaller_is_better
from tui.state.run import RunState
from tui.text import clean, count, duration, metric, rate

__all__ = ["LETTERS", "MOST", "Compared", "Result", "differing", "find_runs", "results", "settings", "word"]

LETTERS = "ABCDEFGH"
MOST = len(LETTERS)
"""Runs that are told apart on one chart."""
_STAMPED = re.compile(r"\d{8}-\d{6}-.+-(.+-[0-9a-f]{4})")
"""The end of a run's id that names it shortly: model and four digits."""
_NOT_SETTINGS = ("given", "job")


@dataclass(eq=False)
class Compared:
    """One of the runs."""

    run: RunDir
    letter: str
    name: str
    """Short, unlike the others', harmless for a terminal."""
    state: RunState = field(default_factory=RunState)
    standing: str = ""
    """How the run stands, where its journal does not say it: "crashed", "elsewhere" ..."""
    trouble: str = ""
    """Why nothing is known of the run."""

    @cached_property
    def stored(self) -> dict[str, Any]:
        """What `config.json` holds, over the defaults; empty if it cannot be read."""
        try:
            held = msgspec.json.decode(self.run.config_file.read_bytes(), type=dict[str, Any])
        except (OSError, msgspec.MsgspecError):
            return {}
        return {**msgspec.to_builtins(RunConfig()), **held}

    @property
    def word(self) -> str:
        """How the run stands, in one word or two."""
        if self.trouble:
            return "no data"
        return self.state.base if self.state.over else self.standing or self.state.status


@dataclass(frozen=True)
class Result:
    """A row of what came out: one text and one plain value for each run."""

    name: str
    texts: list[str]
    values: list[Any]
    best: int | None = None
    """Which run has the best value; None where none is better than the others."""


def find_runs(names: Sequence[str], root: Path) -> list[Compared]:
    """The runs that are meant; UsageError for too few, too many, or one of them twice."""
    if not 2 <= len(names) <= MOST:
        raise UsageError(f"compare shows 2 to {MOST} runs at once, not {len(names)}")
    found = [find_run(name, root) for name in names]
    for i, run in enumerate(found):
        if run.path.resolve() in [other.path.resolve() for other in found[:i]]:
            raise UsageError(f"{clean(run.id, 80)} is named twice: name different runs")
    shorts = [_short(run) for run in found]
    shown = [s if shorts.count(s) == 1 else clean(run.id, 60) for s, run in zip(shorts, found, strict=True)]
    return [Compared(run, LETTERS[i], shown[i]) for i, run in enumerate(found)]


def _short(run: RunDir) -> str:
    stamped = _STAMPED.fullmatch(run.id)
    return clean(stamped[1] if stamped else run.id, 40)


# -- settings ----------------------------------------------------------------------------------------------------------


def settings(run: Compared) -> dict[str, Any]:
    """What was set, by the names of `config.json`, defaults of the model filled in, and what it was run with.

    Fields that only a newer version knows are in it too; an empty dictionary if nothing can be read.
    """
    state, found = run.state, dict(run.stored)
    if fit := state.fit:
        actual = {"model": fit.model, "lr": fit.lr, "bs": fit.batch_size, "opt": fit.opt, "sched": fit.sched}
        found |= {name: value for name, value in actual.items() if found.get(name) is None}
        found |= {"device": fit.device, "parameters": fit.parameters}
    if data := state.data:
        found |= {"data source": data.source, "images": f"{count(data.train)} + {count(data.valid)}"}
    if made := state.environment:
        found["threads"] = found.get("threads") or made.threads
        dirty = " + changes" if made.dirty else ""
        found |= {"torch": made.torch, "python": made.python, "system": made.system}
        found |= {"revision": made.revision[:12] + dirty} if made.revision else {}
    left_out = _NOT_SETTINGS if run.stored.get("job") == "lr-find" else (*_NOT_SETTINGS, "lr_start", "lr_factor")
    return {clean(str(name), 40): value for name, value in found.items() if name not in left_out}


def differing(sets: Sequence[dict[str, Any]]) -> list[str]:
    """Names of the settings that are not the same in all runs of which settings are known, in their order."""
    known = [s for s in sets if s]
    names = dict.fromkeys(name for s in known for name in s)
    return [name for name in names if len({repr(s.get(name)) for s in known}) > 1]


def word(value: Any) -> str:
    """A setting for people."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return count(value) if abs(value) > 9_999 else str(value)
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return clean(", ".join(map(str, value)), 200)
    return clean(str(value), 200)


# -- results -----------------------------------------------------------------------------------------------------------


def results(runs: Sequence[Compared]) -> list[Result]:
    """What came out: the best of each metric, epochs, time, speed."""
    names = dict.fromkeys(name for run in runs for name in run.state.rows.names if name != "loss")
    rows = [row for name in [*names, "loss"] for row in _bests(runs, name)]
    rows.append(_row("state", runs, lambda run: run.word, str))
    rows.append(_row("epochs", runs, _epochs, lambda done: f"{done[0]}/{done[1]}"))
    rows.append(_row("steps", runs, lambda run: run.state.step or None, count))
    rows.append(_row("duration", runs, lambda run: run.state.at or None, duration))
    speeds = _row("images/s", runs, _speed, rate)
    return [*rows, Result(speeds.name, speeds.texts, speeds.values, _top(speeds.values, False))]


def _row(name: str, runs: Sequence[Compared], value: Callable[[Compared], Any], text: Callable[[Any], str]) -> Result:
    values = [value(run) for run in runs]
    return Result(name, ["-" if v is None else text(v) for v in values], values)


def _bests(runs: Sequence[Compared], name: str) -> list[Result]:
    """The best value of a metric in validation and the epoch of it; no rows if no run has one."""
    found = [run.state.rows.best.get((name, "valid")) for run in runs]
    if not any(found):
        return []
    values = [best.value if best else None for best in found]
    epochs = [best.epoch + 1 if best else None for best in found]
    return [
        Result(f"best valid {name}", ["-" if v is None else metric(v) for v in values], values,
               _top(values, smaller_is_better(name))),
        Result("  at epoch", ["-" if e is None else str(e) for e in epochs], epochs),
    ]  # fmt: skip


def _top(values: Sequence[Any], smaller: bool) -> int | None:
    """Which is the best of at least two; None if two are."""
    known = [v for v in values if v is not None and math.isfinite(v)]
    if len(known) < 2:
        return None
    best = min(known) if smaller else max(known)
    return values.index(best) if known.count(best) == 1 else None


def _epochs(run: Compared) -> tuple[int, int] | None:
    over = (row for row in run.state.rows if row.ended in ("complete", "skipped"))
    done = max((row.epoch + (row.phase == "valid") for row in over), default=0)
    return (done, run.state.progress.epochs) if run.state.progress.epochs else None


def _speed(run: Compared) -> float | None:
    """Images a second over all training halves that are over."""
    rows = [row for row in run.state.rows if row.phase == "train" and row.ended != "running" and row.seconds > 0]
    seconds = sum(row.seconds for row in rows)
    return sum(row.samples for row in rows) / seconds if seconds else None
