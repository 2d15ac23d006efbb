"""The end of a run in a few plain lines, for the normal screen after leaving."""

from __future__ import annotations

from pathlib import Path

from tui.commands import attach, ctl, resume, shown
from tui.state.rows import Rows
from tui.state.run import RunState
from tui.text import clean, count, duration, metric

__all__ = ["best_line", "best_of", "summary"]


def best_line(state: RunState) -> str:
    """The best validation value of the first metric, else of the loss; empty before a complete validation."""
    return best_of(state.rows)


def best_of(rows: Rows) -> str:
    """The same of a table of metrics."""
    name = next((n for n in [*rows.names[1:], "loss"] if (n, "valid") in rows.best), None)
    if name is None:
        return ""
    best = rows.best[(name, "valid")]
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

    `parting` says what became of a run that was still going: "left running", "left paused" or "killed".
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
    lines.append(f"  run directory: {shown(run_dir)}")
    if parting.startswith("left"):
        lines.append(f"  {_goes_on(parting)}: {ctl(run_dir, 'resume' if 'paused' in parting else 'stop')}")
    saved = state.saves.last
    if saved is not None and (state.over or parting == "killed"):
        lines.append(f"  go on from the checkpoint at step {count(saved.step)}: {resume(run_dir)}")
    lines.append(f"  open it again: {attach(run_dir)}")
    return "\n".join(lines)


def _goes_on(parting: str) -> str:
    return "it stands still; let it go on" if "paused" in parting else "it goes on; stop it"
