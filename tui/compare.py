"""`miniai-tui compare RUN RUN...`: the command, and its table as text and as JSON."""

from __future__ import annotations

import argparse
import gc
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from miniai.errors import RunError
from tui.options import listed, one_of, view
from tui.settings import THEMES

if TYPE_CHECKING:
    from tui.compare_runs import Compared

__all__ = ["add", "as_ascii", "as_json", "as_text", "main"]

_ABOUT = """\
Show 2 to 8 runs together: their curves in one chart, in which settings they
differ, and what came out of each. Runs that are still going are followed.

  g  next curves: loss, validation, metrics, rate ...    y  log y
  x  steps, epochs, time                                 + -  smoothing
  d  all settings, or those that differ                  ?  all keys

Without a terminal (a pipe, a batch system) the same command writes the table.
"""
_EXAMPLES = """\
examples:
  miniai-tui compare last 20260101-120000        two runs of the folder runs
  miniai-tui compare runs/*conv*                 folders, by a pattern
  miniai-tui compare --json ab12 93f1            ends of ids; for a program
"""


def add(commands: Any) -> None:
    """Add the command to the command line."""
    compare = commands.add_parser(
        "compare",
        help="show runs together",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    compare.add_argument(
        "names", metavar="RUN", nargs="+", help="a run's folder, its id (or the beginning or end of it), or 'last'"
    )
    compare.add_argument("--run-dir", metavar="DIR", default="runs", help="where runs are kept (default: runs)")
    form = compare.add_mutually_exclusive_group()
    form.add_argument("--plain", action="store_true", help="the table as text instead of the screen")
    form.add_argument("--json", action="store_true", help="one JSON object instead of the screen")
    look = compare.add_argument_group("how the screen looks")
    look.add_argument("--theme", metavar="NAME", type=one_of(THEMES), default=argparse.SUPPRESS, help=listed(THEMES))
    look.add_argument("--calm", action="store_true", default=argparse.SUPPRESS, help="draw rarely: for a slow link")
    compare.set_defaults(run=main)


def main(arguments: argparse.Namespace) -> int:
    """Show the runs; returns the exit code."""
    from tui.compare_runs import find_runs
    from tui.terminal import why_not

    runs = find_runs(arguments.names, Path(arguments.run_dir))
    if not arguments.json and not arguments.plain and not why_not():
        from tui.remembered import Preferences

        preferences = Preferences.of_user(view(arguments))
        gc.disable()  # until the first frame is drawn
        from tui.compare_app import compare_on_screen

        return compare_on_screen(runs, preferences)
    from tui.compare_read import read_now
    from tui.output import put

    read_now(runs)
    if all(run.trouble for run in runs):
        raise RunError(f"none of the runs can be read: {runs[0].name}: {runs[0].trouble}")
    return put(as_json(runs) if arguments.json else as_text(runs))


def as_text(runs: Sequence[Compared], every: bool = False) -> str:
    """The table in plain lines: the runs, what came out, the settings that differ (or `every` one)."""
    from tui.compare_runs import differing, results, settings, word
    from tui.text import clean

    sets = [settings(run) for run in runs]
    names = differing(sets)
    known = list(dict.fromkeys(name for s in sets for name in s))
    best = {row.name: row.best for row in results(runs)}
    rows = [(row.name, row.texts) for row in results(runs)]
    rows += [("", [""] * len(runs))]
    rows += [(name, [word(s.get(name)) if s else "?" for s in sets]) for name in (known if every else names)]
    marked = [[t + " *" if best.get(name) == i else t for i, t in enumerate(texts)] for name, texts in rows]
    heads = [f"{run.letter} {run.name}" for run in runs]
    wide = max(len(name) for name, _ in [*rows, ("", [])])
    columns = [max(len(t) for t in [heads[i], *(texts[i] for texts in marked)]) for i in range(len(runs))]
    lines = [f"{run.letter}  {clean(str(run.run.path), 300)}" for run in runs]
    lines += [f"{run.letter}  {run.name}: {run.trouble}" for run in runs if run.trouble]
    table = [("", heads), *((name, texts) for (name, _), texts in zip(rows, marked, strict=True))]
    for name, texts in table:
        cells = [f"{text:<{size}}" for text, size in zip(texts, columns, strict=True)]
        lines.append("  ".join([f"{name:<{wide}}", *cells]).rstrip())
    same = len(known) - len(names)
    told = f"{same} other settings are the same" if names else "all settings are the same"
    return "\n".join([*lines[: len(lines) - len(table)], "", *lines[-len(table) :], "", told, ""])


def as_json(runs: Sequence[Compared]) -> str:
    """One JSON object: `runs` with settings and results, and the names of the settings that differ.

    NaN and infinities are the strings "nan", "inf" and "-inf", as in a journal.
    """
    from tui.compare_runs import differing, results, settings

    sets, rows = [settings(run) for run in runs], results(runs)
    told = [
        {
            "letter": run.letter, "name": run.name, "id": run.run.id, "path": str(run.run.path), "state": run.word,
            "trouble": run.trouble, "settings": sets[i], "results": _results(rows, i),
        }
        for i, run in enumerate(runs)
    ]  # fmt: skip
    return as_ascii({"runs": told, "differences": differing(sets)})


def as_ascii(value: Any) -> str:
    """JSON on several lines, without any character that a terminal obeys."""
    return json.dumps(value, indent=2, allow_nan=False).replace("\x7f", "\\u007f") + "\n"


def _results(rows: Sequence[Any], which: int) -> dict[str, Any]:
    """What came out of one run, by names that a program reads."""
    found: dict[str, Any] = {}
    for row, before in zip(rows, [None, *rows], strict=False):
        name = row.name if not row.name.startswith(" ") else f"{before.name}{row.name[1:]}"
        value = row.values[which]
        if name == "epochs":
            value = None if value is None else {"done": value[0], "of": value[1]}
        found[name.replace(" ", "_")] = _number(value) if isinstance(value, float) else value
    return found


def _number(value: float) -> float | str:
    return value if math.isfinite(value) else "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
