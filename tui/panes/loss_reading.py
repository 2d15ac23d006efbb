"""What is known at the crosshair's step, in rows of words: exact values, or the range of the bucket that holds them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from textwrap import wrap

from tui.panes.loss_marks import sign_of
from tui.panes.loss_view import RAW, Choice, View
from tui.state.marks import Mark
from tui.state.run import RunState
from tui.text import clean, count, duration, metric

__all__ = ["Row", "reading", "squeezed"]

Row = tuple[str, str, str]
"""Name, value, and the kind of row: "head", "train", "valid", "wrong", "mark" or "more"."""
SHARED = (
    ("time", "epoch", ", "), ("smooth", "train", ", smooth "), ("smooth", "value", ", smooth "),
    ("lr", "step", ", lr "), ("epoch", "step", ", epoch "),
)  # fmt: skip
"""Rows that go into another one where there is little room: which, into which, and what stands between."""
SENTENCE = 44
"""Cells after which a mark's words go on in the next row."""


def reading(state: RunState, view: View, marks: Sequence[Mark] = ()) -> list[Row]:
    """The step, its epoch and time, the values of the curves, the learning rate; and `marks`, which lie there."""
    step = min(view.cross or 0, state.step)
    choice = view.choice(state)
    rows: list[Row] = [("step", _steps(choice, step), "head")]
    if epoch := _epoch(state, step):
        rows.append(("epoch", epoch, "more"))
    if state.clock.knows("time"):
        rows.append(("time", duration(state.clock.one("time", step)), "more"))
    smoothing = max(view.strength(state), 0)
    if choice.train is not None and choice.name != "learning rate":
        rows += _values("train", choice, step, smoothing)
    if view.strength(state) == RAW:
        rows = [row for row in rows if row[0] != "smooth"]
    if choice.valid is not None:
        rows += _values("valid", choice, step, 0)
    rate = state.series.get("lr")
    known = rate.read(step) if rate is not None and rate.used else None
    if known is not None:
        exact = known.exact or known.low == known.high
        words = f"{known.value:.4g}" if exact else f"{known.low:.3g} to {known.high:.3g}"
        rows.append(("lr", words, "train" if choice.name == "learning rate" else "more"))
    return rows + [row for mark in marks for row in _mark(mark, step)]


def _mark(mark: Mark, step: int) -> list[Row]:
    """A mark in full, and where it lies if that is not the crosshair's very step."""
    text = clean(mark.full, 200) + (f", step {count(mark.step)}" if mark.step != step else "")
    kind = "wrong" if mark.kind == "alert" else "mark"
    return [("" if i else sign_of(mark), part, kind) for i, part in enumerate(wrap(text, SENTENCE))]


def squeezed(rows: list[Row], height: int, width: int) -> list[Row]:
    """The same in at most `height` rows of `width` cells: short ones share a row; at last marks are named in a word."""
    for name, into, between in SHARED:
        here = {row[0]: i for i, row in enumerate(rows)}
        if len(rows) <= height:
            return rows
        if name in here and into in here:
            first, second = rows[here[into]], rows[here[name]]
            rows = [(into, first[1] + between + second[1], first[2]) if row is first else row for row in rows]
            rows = [row for row in rows if row is not second]
    marked = [row for row in rows if row[2] == "mark" or (row[2] == "wrong" and row[0] in ("!", ""))]
    if len(rows) > height and marked:
        said = " ".join(f"{name} {text}" if name else text for name, text, _ in marked)
        plain = [row for row in rows if row not in marked]
        parts = [("", part, "mark") for part in wrap(said, max(width, 10))]
        keep = max(height - len(parts), 1)
        rows = [*plain[:keep], *parts]
    return rows[:height]


def _steps(choice: Choice, step: int) -> str:
    """The step, or the steps of the bucket that the values belong to."""
    known = choice.train.read(step) if choice.train is not None and choice.kind == "steps" else None
    if known is None or known.exact:
        return count(step)
    return f"{count(known.first)} to {count(known.last)}"


def _epoch(state: RunState, step: int) -> str:
    """The epoch, counted from 1 as in the header, and how much of it was done after the step."""
    if not state.clock.knows("epochs"):
        return ""
    done = state.clock.one("epochs", step)
    epoch = max(math.ceil(done - 1e-9), 1)
    of = f" of {state.progress.epochs}" if state.progress.epochs else ""
    return f"{epoch}{of}, {100 * (done - epoch + 1):.0f} %"


def _values(phase: str, choice: Choice, step: int, smoothing: int) -> list[Row]:
    """A curve's rows: the value or the range, the smoothed value, and what is not finite."""
    series, name = (choice.train, choice.first) if phase == "train" else (choice.valid, "valid")
    known = series.read(step, smoothing) if series is not None and series.used else None
    if known is None:
        return [(name, "none yet", "more")]
    if known.exact:
        words = metric(known.value)
        if known.last != step:
            words += f" at step {count(known.last)}"
    else:
        words = f"{metric(known.low)} to {metric(known.high)}" if not math.isnan(known.low) else "not finite"
        if phase == "valid" or choice.kind != "steps":
            words += f", steps {count(known.first)} to {count(known.last)}"
    rows: list[Row] = [(name, words, "wrong" if known.exact and known.bad else phase)]
    if phase == "train" and choice.kind == "steps" and math.isfinite(known.smooth):
        rows.append(("smooth", metric(known.smooth), "train"))
    if known.bad and not known.exact:
        rows.append(("broken", f"{count(known.bad)} NaN or inf", "wrong"))
    return rows
