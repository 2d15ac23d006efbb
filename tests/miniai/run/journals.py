"""Journals as a trainer may have left them."""

from __future__ import annotations

from miniai.run import events as ev
from miniai.run.directory import RunDir

__all__ = ["BEGUN", "END", "PAUSED", "began", "told"]

BEGUN = ev.EpochStarted(at=2, epoch=0, phase="train", batches=9, step=0)
PAUSED = ev.Paused(at=3, epoch=0, phase="train", batch=4, step=1234)
END = ev.FitEnded(at=9, reason="done", step=9)


def told(run: RunDir, *facts: ev.Fact, tail: bytes = b"") -> None:
    """The journal of a run: these facts, and bytes behind them."""
    run.journal.write_bytes(b"".join(ev.encode(fact) + b"\n" for fact in facts) + tail)


def began(run: RunDir, pid: int = 1, wall: float = 0.0) -> ev.RunStarted:
    """The first fact of a run."""
    return ev.RunStarted(at=0, schema=1, run=run.id, wall=wall, dataset="d", model="m", epochs=3, pid=pid, host="h")
