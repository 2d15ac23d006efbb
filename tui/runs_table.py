"""The table of `miniai-tui runs`: aligned, in as many columns as there is room for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from miniai.run.status import State
from tui.overview import Overview
from tui.text import clean, duration, fit, metric

__all__ = ["SIGNS", "age", "short_name", "table"]

SIGNS: dict[State, str] = {
    "starting": "○", "running": "●", "paused": "‖", "done": "✓", "stopped": "■", "failed": "✗", "crashed": "✗",
    "not answering": "?", "elsewhere": "→", "damaged": "✗",
}  # fmt: skip
"""A sign and a word a state: none is told by colour alone."""
_COLORS: dict[str, int] = {
    "running": 32, "paused": 33, "not answering": 33, "failed": 31, "crashed": 31, "damaged": 31,
}  # fmt: skip
_GAP = "  "
_LEAST = 4
"""Cells that a column keeps when it gives way."""


@dataclass
class _Column:
    """One column: its head, and a cell a run."""

    head: str
    cells: list[str]
    align: str = "<"
    yields: bool = False
    """Whether it is cut where there is little room; others are shown whole or not at all."""

    def __post_init__(self) -> None:
        self.width = max(map(cell_len, [self.head, *self.cells]))


def table(
    found: Sequence[Overview], names: Sequence[str], now: float, width: int | None = None, color: bool = False
) -> str:
    """Lines of at most `width` cells (None: as wide as they are), without control characters except colours.

    `names` are the ids of all runs in the folder, `now` is the time in seconds since 1970.
    """
    columns = _columns(found, [clean(overview.id) for overview in found], now)
    if width is not None and _needs(columns) > width:
        columns = _columns(found, [clean(short_name(overview.id, names)) for overview in found], now)
        columns = _squeezed(columns, width)
    lines = [_GAP.join(fit(column.head, column.width, column.align) for column in columns)]
    for i, overview in enumerate(found):
        cells = [fit(column.cells[i], column.width, column.align) for column in columns]
        if color and (code := _COLORS.get(overview.status.state)):
            where = [column.head for column in columns].index("state")
            cells[where] = f"\x1b[{code}m{cells[where]}\x1b[0m"
        lines.append(_GAP.join(cells))
    if any(overview.best is not None and not overview.whole for overview in found):
        lines.append("* the best in the newer part of a long journal")
    return "".join(line.rstrip() + "\n" for line in lines)


def _columns(found: Sequence[Overview], ids: list[str], now: float) -> list[_Column]:
    columns = [
        _Column("run", ids),
        _Column("state", [f"{SIGNS[o.status.state]} {o.status.state}" for o in found]),
        _Column("dataset", [clean(o.dataset, 40) for o in found], yields=True),
        _Column("model", [clean(o.model, 40) for o in found], yields=True),
        _Column("epochs", [_epochs(o) for o in found], ">"),
        _Column("best", [_best(o) for o in found]),
        _Column("time", [duration(o.seconds) if o.seconds else "" for o in found], ">"),
        _Column("age", [age(now - o.created) for o in found], ">"),
        _Column("", [_note(o) for o in found], yields=True),
    ]
    return [column for column in columns if any(column.cells)]


def _needs(columns: Sequence[_Column]) -> int:
    return sum(column.width for column in columns) + len(_GAP) * (len(columns) - 1)


def _squeezed(columns: list[_Column], width: int) -> list[_Column]:
    """Columns in at most `width` cells: first the note goes, then dataset and model are cut, then others go."""
    if columns[-1].head == "":
        left = width - _needs(columns[:-1]) - len(_GAP)
        columns[-1].width = min(columns[-1].width, left)
        if left < 3 * _LEAST:
            columns = columns[:-1]
    for column in columns[::-1]:
        if column.yields and (over := _needs(columns) - width) > 0:
            column.width = max(min(column.width, _LEAST), column.width - over)
    for head in ("time", "dataset", "model", "epochs", "best", "age"):
        if _needs(columns) > width:
            columns = [column for column in columns if column.head != head]
    return columns


def _epochs(overview: Overview) -> str:
    if overview.job != "fit":
        return overview.job
    return f"{overview.done}/{overview.epochs}" if overview.epochs else ""


def _best(overview: Overview) -> str:
    best = overview.best
    return "" if best is None else f"{clean(best.metric, 20)} {metric(best.value)}{'' if overview.whole else ' *'}"


def _note(overview: Overview) -> str:
    """What the state's one word does not say."""
    words = overview.status.words.removeprefix(overview.status.state).lstrip(": ")
    return clean(words, 200)


def age(seconds: float) -> str:
    """How long ago, in at most six cells: "now", "12 min", "3 h", "5 d"."""
    minutes = max(seconds, 0.0) / 60
    if minutes < 1:
        return "now"
    if minutes < 60:
        return f"{minutes:.0f} min" if minutes < 59.5 else "1 h"
    return f"{minutes / 60:.0f} h" if minutes < 48 * 60 else f"{minutes / 1440:.0f} d"


def short_name(name: str, names: Sequence[str]) -> str:
    """The shortest ending of an id, at whole words, by which it alone of `names` is found."""
    words = name.split("-")
    for n in range(1, len(words)):
        ending = "-".join(words[-n:])
        if len(ending) >= 4 and sum(other.startswith(ending) or other.endswith(ending) for other in names) == 1:
            return ending
    return name
