"""Run details: the configuration as it holds now, what was given, and what was changed while the run went."""

from __future__ import annotations

import math

from miniai.config import RunConfig
from miniai.run.events import Changed
from tui.state.run import RunState
from tui.text import clean, count

__all__ = ["CHANGED", "configured"]

HIDDEN = ("given", "job")
"""Fields of the configuration that are no options."""
CHANGED = "changed "
"""Part of what is said of an option that is not any more what the run began with."""


def configured(state: RunState, config: RunConfig | str) -> list[tuple[str, str, str]]:
    """Each option: what was given is marked; what was not, with the value that the run took instead."""
    if isinstance(config, str):
        return [("", clean(config), "")] if config else [("", "not read yet", "")]
    fit_ = state.fit
    taken = {} if fit_ is None else {
        "lr": f"{fit_.lr:g}", "bs": str(fit_.batch_size), "opt": fit_.opt, "sched": fit_.sched, "device": fit_.device,
    }  # fmt: skip
    rows: list[tuple[str, str, str]] = []
    for name in config.__struct_fields__:
        if name in HIDDEN or (name.startswith("lr_") and config.job != "lr-find"):
            continue
        value, given = getattr(config, name), name in config.given
        shown = ("yes" if value else "no") if isinstance(value, bool) else "" if value is None else str(value)
        if name in taken and (value is None or value == "auto"):
            shown = taken[name]
        if value is None and name not in taken:
            shown = "not set"
        shown, note = _now(state, name, clean(shown, 300) or "-", "given" if given else "default")
        rows.append((name.replace("_", " "), shown, note))
        if name == "epochs" and (changes := _changes(state, "valid")):
            last = changes[-1]
            note = f"from epoch {last.epoch + 1} on, {CHANGED}at step {count(last.step)}"
            rows.append(("validate", "on" if last.new > 0 else "off", note))
    return rows


def _changes(state: RunState, what: str) -> list[Changed]:
    """Those that hold, the oldest first."""
    return [change for change in state.progress.changes if change.what == what]


def _now(state: RunState, name: str, value: str, given: str) -> tuple[str, str]:
    """What holds now of an option, and what is said of it; the learning rate's schedule is scaled with the rate."""
    if name not in ("lr", "epochs") or state.fit is None:
        return value, given
    changes = _changes(state, name)
    if not changes:
        planned = str(state.progress.epochs)
        if name == "epochs" and state.saves.resumed is not None and planned != value:
            return planned, f"{value} {given}, {CHANGED}when it was resumed"
        return value, given
    if name == "epochs":
        now = str(state.progress.epochs)
    else:
        factor = math.prod(change.new / change.old for change in changes if change.old > 0)
        now = f"{float(value) * factor:.4g}"
    if now == value:
        return value, f"{given}, {CHANGED}and back again"
    last = "" if len(changes) == 1 else "last "
    return now, f"{value} {given}, {last}{CHANGED}at step {count(changes[-1].step)}"
