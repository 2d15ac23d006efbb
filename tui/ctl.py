"""`miniai-tui ctl RUN ...`: ask something of a run that is going on, from any shell, and say what came of it."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.output import json_text, put
from tui.wanted import WORDS, Wanted, read_words

if TYPE_CHECKING:
    from miniai.run.directory import RunDir
    from tui.answered import Answered

__all__ = ["add", "main"]

_PATIENCE = 10.0
_HELP = """\
Ask something of a run that is going on. One line says what came of it; the exit
code is 0 if it was done, 1 if it was refused or the run does not answer.

"""


def add(commands: Any) -> None:
    """Add the subcommand."""
    ctl = commands.add_parser(
        "ctl",
        help="control a run from any shell",
        description=_HELP + "".join(f"  {form:<21} {what}\n" for form, what in WORDS.values()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    ctl.add_argument("name", metavar="RUN", help="a run's folder, its id (or the beginning or end of it), or 'last'")
    ctl.add_argument("words", metavar="WORD", nargs="+", help="what is asked: see above")
    ctl.add_argument("--after", choices=["batch", "epoch"], help="with stop: when (default: batch)")
    ctl.add_argument("--run-dir", metavar="DIR", default="runs", help="where runs are kept (default: runs)")
    ctl.add_argument(
        "--timeout", metavar="S", type=_seconds, default=_PATIENCE,
        help=f"seconds to wait for the answer (default: {_PATIENCE:g})",
    )  # fmt: skip
    ctl.add_argument("--json", action="store_true", help="one JSON object instead of the line")
    ctl.set_defaults(run=main)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 86_400:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


def main(arguments: argparse.Namespace) -> int:
    """Ask, wait for the answer, print it; returns the exit code. UsageError for wrong words."""
    from miniai.run.directory import find_run

    wanted = read_words(arguments.words, arguments.after)
    run = find_run(arguments.name, Path(arguments.run_dir))
    from tui.answered import ask

    try:
        answer = ask(run, wanted, arguments.timeout)
    except KeyboardInterrupt:
        sys.stderr.write(f"miniai-tui: interrupted{': what was asked may still be done' if wanted.kind else ''}\n")
        return 128 + signal.SIGINT
    return _say(run, wanted, answer, arguments.json)


def _say(run: RunDir, wanted: Wanted, answer: Answered, as_json: bool) -> int:
    """One line; what went wrong goes to the standard error."""
    import msgspec

    from tui.text import clean

    if as_json:
        asked = {"run": run.id, "asked": wanted.text}
        return put(json_text(asked | msgspec.to_builtins(answer)) + "\n") or (not answer.ok)
    if answer.ok:
        return put(clean(answer.words, 2000) + "\n")
    sys.stderr.write(f"miniai-tui: {clean(answer.words, 2000)}\n")
    return 1
