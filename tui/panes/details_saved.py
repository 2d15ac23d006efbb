"""Run details: the newest checkpoint, and how the run is resumed from it."""

from __future__ import annotations

import time
from pathlib import Path

from tui.commands import resume
from tui.state.run import RunState
from tui.text import clean, count, duration, size

__all__ = ["saved_of"]

WHY = {
    "epoch": "an epoch ended", "time": "it was time", "best": "the best so far", "request": "on request",
    "stop": "the run was stopped",
}  # fmt: skip


def saved_of(state: RunState, run_dir: Path) -> list[tuple[str, str, str]]:
    """Rows of name, value, and what is said of it."""
    saves = state.saves
    again = saves.resumed
    rows = [("", "", ""), ("checkpoint", "", "")]
    if again is not None:
        rows.append(("resumed", f"step {count(again.step)}", _when(again.wall) if again.wall else ""))
    if saves.last is None:
        return [*rows, ("last", "none yet", "")]
    last = saves.last
    rows += [("last", f"step {count(last.step)}", WHY[last.why]), ("folder", f"checkpoints/{clean(last.name, 60)}", "")]
    if last.bytes:
        rows.append(("size", size(last.bytes), f"written in {last.seconds:.2g} s"))
    rows.append(("age", f"{duration(max(state.at - last.at, 0))} of the run", _when(saves.wall)))
    return [*rows, ("resume with", clean(resume(run_dir), 300), "")]


def _when(wall: float) -> str:
    """A moment in local time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(max(min(wall, 4e9), 0)))
