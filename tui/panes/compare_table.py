"""The table of a comparison: what came out of each run, and in which settings they differ."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from textual.strip import Strip

from tui.colors import style
from tui.compare_runs import differing, results, settings, word
from tui.panes.compare_view import Comparison, color_of
from tui.panes.lines import Frame, Part, line, pad
from tui.text import fit

__all__ = ["LOW", "Row", "compare_table", "dense", "fitting", "rows_of"]

NAMES = (16, 22)
"""Least and most cells of the names at the left."""
LOW = 10
"""Lines below which empty ones are left out, and all but the first "at epoch"."""
LEAST, MOST = 10, 26
"""Cells of a run's column, the gap included."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    cells: list[str]
    kind: str = "result"
    """"head", "trouble", "result", "differs", "same", "note" or "blank"."""
    best: int | None = None


BLANK = Row("", [], "blank")


def rows_of(comparison: Comparison) -> list[Row]:
    """All rows, the head first."""
    runs = comparison.runs
    sets = [settings(run) for run in runs]
    names = differing(sets)
    known = list(dict.fromkeys(name for s in sets for name in s))
    rows = [Row("", [f"{run.letter} {run.name}" for run in runs], "head")]
    rows += [Row("", [run.trouble for run in runs], "trouble")] if any(run.trouble for run in runs) else []
    out = [Row(r.name, r.texts, "result", r.best) for r in results(runs)]
    best = [row for row in out if row.name.startswith(("best ", " "))]
    rows += [*best, BLANK]
    for name in known if comparison.every else names:
        cells = [word(s.get(name)) if s else "?" for s in sets]
        rows.append(Row(name, cells, "differs" if name in names else "same"))
    same = len(known) - len(names)
    if not comparison.every:
        told = f"{same} other settings are the same: d lists them" if names else "all settings are the same"
        rows.append(Row(told, [], "note"))
    return [*rows, BLANK, *(row for row in out if row not in best)]


def dense(rows: list[Row]) -> list[Row]:
    """Rows for a low pane."""
    second = [i for i, row in enumerate(rows) if row.name.startswith(" ")][1:]
    return [row for i, row in enumerate(rows) if row.kind != "blank" and i not in second]


def fitting(comparison: Comparison, width: int) -> tuple[int, int]:
    """Cells of a column, and how many of them fit beside the names."""
    n = len(comparison.runs)
    room = max(width - _names(width, n), 0)
    column = min(max(room // n, LEAST), MOST)
    return column, max(min(room // column, n), 1)


def _names(width: int, runs: int) -> int:
    return min(max(width - runs * (LEAST + 2), NAMES[0]), NAMES[1])


def compare_table(comparison: Comparison, frame: Frame, rows: list[Row], skipped: int, first: int) -> list[Strip]:
    """The head, then the rows from number `skipped` on; the columns from run number `first` on."""
    body = rows[1 + skipped : skipped + frame.height]
    lines = [_line(comparison, frame, row, first) for row in (rows[0], *body)]
    return pad(lines, frame.width, frame.height)


def _line(comparison: Comparison, frame: Frame, row: Row, first: int) -> Strip:
    colors = frame.colors
    muted, text = style(colors.muted), style(colors.foreground)
    if row.kind == "note":
        return line([(fit(row.name, frame.width), muted)], frame.width)
    column, seen = fitting(comparison, frame.width)
    names = _names(frame.width, len(comparison.runs))
    parts: list[Part] = [(fit(row.name, names - 1) + " ", text if row.kind == "differs" else muted)]
    for i in range(first, min(first + seen, len(row.cells))):
        best = row.best == i
        looks = {"head": style(color_of(i, colors), bold=True), "trouble": style(colors.wrong), "same": muted}
        broken = row.name == "state" and row.cells[i] in ("failed", "crashed", "no data", "damaged")
        look = style(colors.wrong) if broken else looks.get(row.kind, style(colors.foreground, bold=best))
        text_of = row.cells[i] + (" *" if best else "")
        if row.kind == "head" and cell_len(text_of) > column - 1:  # names differ in their ends
            text_of = f"{text_of[:2]}…{text_of[3 - column + 1 :]}" if column > 4 else text_of
        parts.append((fit(text_of, column - 1) + " ", look))
    return line(parts, frame.width)
