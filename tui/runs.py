"""`miniai-tui runs`: the runs of a folder, how each stands and what came out of it, as a table or as JSON."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from tui.output import json_text, put

__all__ = ["add", "main"]

_NEWEST = 20
"""Runs that a terminal is shown if nothing else is asked for."""
_HELP = """\
List the runs of a folder, the newest first: how each stands, its epochs, the
best validation value, how long it was trained and how long ago it was begun.

  starting       its trainer has not said a word yet, or prepares to go on
  running        its trainer answers
  paused         its trainer answers and stands still
  done           it came to its end
  stopped        it was asked to stop, and did
  failed         an error ended it
  crashed        its trainer is gone and has written no end
  not answering  its trainer is there and does not answer
  elsewhere      it ran on another machine, before this one was restarted, or in
                 the folder of which this is a copy
  damaged        its folder cannot be read
"""


def add(commands: Any) -> None:
    """Add the subcommand."""
    runs = commands.add_parser(
        "runs",
        help="list the runs, and how each stands",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    runs.add_argument("--run-dir", metavar="DIR", default="runs", help="where runs are kept (default: runs)")
    runs.add_argument("--json", action="store_true", help="a JSON array with an object for each run")
    runs.add_argument(
        "--limit", metavar="N", type=_limit, help=f"the newest N; 0: all (default: {_NEWEST} in a terminal, else all)"
    )
    runs.set_defaults(run=main)


def _limit(text: str) -> int:
    if not text.isdecimal() or not text.isascii() or len(text) > 9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def main(arguments: argparse.Namespace) -> int:
    """Print the list; returns the exit code."""
    from tui.overview import find_runs, overviews

    root, terminal = Path(arguments.run_dir), _is_terminal()
    runs = find_runs(root)
    limit = arguments.limit if arguments.limit is not None else _NEWEST if terminal and not arguments.json else 0
    found = overviews(runs[: limit or None])
    if arguments.json:
        objects = [json_text(msgspec.to_builtins(overview)) for overview in found]
        return put("[" + ",\n ".join(objects) + "]\n")
    if not runs:
        return put(_how_to_start(arguments.run_dir))
    from tui.runs_table import table

    names = [run.id for run in runs]
    width = shutil.get_terminal_size().columns if terminal else None
    text = table(found, names, time.time(), width, color=terminal and _wants_color())
    if len(found) < len(runs):
        text += f"{len(runs) - len(found):,} older runs are not listed (all of them: --limit 0)\n"
    return put(text)


def _how_to_start(root: str) -> str:
    from tui.text import clean

    where = "" if root == "runs" else f" --run-dir {shlex.quote(root)}"
    return f"no runs in {clean(root)}: start one with  miniai-tui fit fashion{clean(where)}\n"


def _is_terminal() -> bool:
    try:
        return sys.stdout is not None and sys.stdout.isatty()
    except ValueError:  # it is closed
        return False


def _wants_color() -> bool:
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM", "") not in ("", "dumb")
