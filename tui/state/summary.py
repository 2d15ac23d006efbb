"""The end of a run in a few plain lines, for the normal screen after leaving."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from tui.state.run import RunState
from tui.text import clean, count, duration, metric

__all__ = ["best_line", "summary"]


def best_line(state: RunState) -> str:
    """The best validation value of the first metric, else of the loss; empty before a complete validation."""
    name = next((n for n in [*state.rows.names[1:], "loss"] if (n, "valid") in state.rows.best), None)
    if name is None:
        return ""
    best = state.rows.best[(name, "valid")]
    return f"best valid {name} {metric(best.value)} at epoch {best.epoch + 1}"


def _heading(state: RunState, parting: str) -> str:
    word: str = parting or state.status
    if state.end is not None and state.end.error:
        word += f": {clean(state.end.error)}"
    elif state.gone is not None and state.base == "failed":
        word += f": {state.gone[0]}"
    what = f"{clean(state.run.dataset)}, {clean(state.run.model)}" if state.run else "run"
    return f"{what}: {word}"


def summary(state: RunState, run_dir: Path, parting: str = "") -> str:
    """Plain text without control characters: how it ended, what came out, where it lies.

    `parting` says what became of a run that was still going: "left running" or "killed".
    """
    lines = [_heading(state, parting)]
    epochs = sum(r.phase == "train" and r.ended == "complete" for r in state.rows)
    if state.step:
        of = f" of {state.progress.epochs}" if state.progress.epochs else ""
        lines.append(f"  {epochs}{of} epochs complete, {count(state.step)} steps, {duration(state.at)}")
    for phase in ("train", "valid"):
        row = state.rows.latest("train" if phase == "train" else "valid")
        if row is not None:
            values = "  ".join(f"{name} {metric(value)}" for name, value in row.metrics.items())
            note = f"  ({row.note})" if row.note else ""
            lines.append(f"  last {phase}  {values}{note}")
    if best := best_line(state):
        lines.append(f"  {best}")
    try:
        path = os.path.relpath(run_dir)
    except ValueError:
        path = str(run_dir)
    shown = path if not path.startswith("..") else str(run_dir)
    lines.append(f"  run directory: {clean(shown)}")
    lines.append(f"  open it again: miniai-tui attach {clean(shlex.quote(shown))}")
    return "\n".join(lines)
