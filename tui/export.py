"""`miniai-tui export RUN --to FORMAT`: what a run holds, for other programs."""

from __future__ import annotations

import argparse
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from miniai.errors import UsageError
from tui.options import listed, one_of
from tui.settings import THEMES

if TYPE_CHECKING:
    from miniai.run.directory import RunDir
    from tui.export_files import Place

__all__ = ["FORMATS", "add", "main"]

FORMATS = ("csv", "tensorboard", "svg", "json")
SMALLEST, LARGEST = (60, 15), (500, 200)
"""Columns and rows of a picture."""
_ABOUT = """\
Write what a run holds into files that other programs read. Nothing of the run
is changed; one that is still going is written as far as it is now.

  csv          a folder: scalars.csv (step, epoch, time_s, series, value) with
               every value of the loss, the learning rate and each metric;
               epochs.csv with a row for each half epoch; layers.csv,
               system.csv and rates.csv where there is something to write
  tensorboard  a folder with one event file: tensorboard --logdir tensorboard
  svg          a picture of the run's screen
  json         settings, results and epochs in one object

Series are called train/loss, valid/loss, train/accuracy, lr ... . What a run
replaced when it was resumed is left out. NaN and the infinities are written as
nan, inf and -inf.
"""
_EXAMPLES = """\
examples:
  miniai-tui export last --to csv                       RUN-csv/scalars.csv ...
  miniai-tui export last --to tensorboard -o tb/first   beside others in tb
  miniai-tui export last --to svg --size 100x30 --theme light --keys y,f
"""


def add(commands: Any) -> None:
    """Add the command to the command line."""
    export = commands.add_parser(
        "export",
        help="write a run as CSV, JSON, TensorBoard events or a picture",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    export.add_argument("name", metavar="RUN", help="a run's folder, its id (or the beginning or end of it), or 'last'")
    export.add_argument("--to", metavar="FORMAT", type=one_of(FORMATS), required=True, help=listed(FORMATS))
    export.add_argument(
        "-o",
        "--output",
        metavar="PATH",
        type=Path,
        help="folder or file to write (default: RUN-csv, tensorboard/RUN, RUN.svg or RUN.json here)",
    )
    export.add_argument("--force", action="store_true", help="replace what is there")
    export.add_argument("--run-dir", metavar="DIR", default="runs", help="where runs are kept (default: runs)")
    look = export.add_argument_group("how the picture looks (--to svg)")
    look.add_argument("--size", metavar="WxH", type=_size, help="columns x rows (default: 120x40)")
    look.add_argument("--theme", metavar="NAME", type=one_of(THEMES), help=f"{listed(THEMES)} (default: dark)")
    look.add_argument("--keys", metavar="KEYS", help="keys to press first, by commas: y,f")
    export.set_defaults(run=main)


def main(arguments: argparse.Namespace) -> int:
    """Write the files and say which; returns the exit code."""
    from miniai.run.directory import find_run
    from tui.export_files import Place
    from tui.output import put
    from tui.text import clean

    to = arguments.to
    given = [name for name in ("size", "theme", "keys") if getattr(arguments, name) is not None]
    if given and to != "svg":
        raise UsageError(f"--{given[0]} goes with --to svg only")
    run = find_run(arguments.name, Path(arguments.run_dir))
    place = Place(arguments.output or _default(run, to), arguments.force)
    try:
        what = _picture(run, place, arguments) if to == "svg" else _data(run, place, to)
    except KeyboardInterrupt:
        sys.stderr.write("miniai-tui: interrupted: nothing was written\n")
        return 128 + signal.SIGINT
    where = clean(str(place.path), 500)
    if to == "csv":
        where += f" ({', '.join(path.name for path in place.written)})"
    return put(f"wrote {where}: {what}\n")


def _default(run: RunDir, to: str) -> Path:
    name = run.id
    return Path({"csv": f"{name}-csv", "tensorboard": f"tensorboard/{name}"}.get(to, f"{name}.{to}"))


def _picture(run: RunDir, place: Place, arguments: argparse.Namespace) -> str:
    from tui.export_facts import RunFacts
    from tui.export_svg import write_svg

    RunFacts(run)  # a journal that cannot be read is an error, not a picture of nothing
    size = arguments.size or (120, 40)
    keys = [key.strip() for key in (arguments.keys or "").split(",") if key.strip()]
    write_svg(run, place, size, arguments.theme or THEMES[0], keys)
    return f"{size[0]}x{size[1]} cells"


def _data(run: RunDir, place: Place, to: str) -> str:
    from tui.export_facts import RunFacts

    facts = RunFacts(run)
    if to == "csv":
        from tui.export_csv import write_csv

        what = f"{write_csv(facts, place):,} rows"
    elif to == "tensorboard":
        from tui.export_tensorboard import write_tensorboard

        what = f"{write_tensorboard(facts, place):,} values"
    else:
        from tui.export_json import write_json

        what = f"{write_json(facts, place):,} half epochs"
    if facts.unreadable:
        what += f"; {facts.unreadable:,} lines of the journal could not be read and were left out"
    return what + ("" if facts.end is not None else "; the run has not ended: this is how far it was")


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{1,4})x(\d{1,4})", text, re.ASCII)
    size = (int(found[1]), int(found[2])) if found else (0, 0)
    if not all(low <= n <= high for low, n, high in zip(SMALLEST, size, LARGEST, strict=True)):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no size: columns x rows, from {SMALLEST[0]}x{SMALLEST[1]} to {LARGEST[0]}x{LARGEST[1]}"
        )
    return size
