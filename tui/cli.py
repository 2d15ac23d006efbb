"""The command line: `miniai-tui fit DATASET`, `miniai-tui attach RUN`. Neither Textual nor torch at the top."""

from __future__ import annotations

import argparse
import gc
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from miniai import catalog, models, optimizers
from miniai.config import RunConfig
from miniai.errors import MiniaiError, UsageError

__all__ = ["main"]

_UNSET: Any = argparse.SUPPRESS
"""Leaves an option out of the arguments unless it is typed: only then it overrides a default."""

_FIT = """\
Train a model and watch it. In a terminal you get one screen that shows the run
and obeys the keyboard:

  space  pause, go on      e  skip this half of the epoch    1-4  go to a pane
  .      one batch         s  stop                           f    maximise it
  b      skip a batch      q  quit, or leave it running      ?    all keys

Without a terminal (a pipe, a batch system) the same command writes a log.
"""
_EXAMPLES = """\
examples:
  miniai-tui fit fashion                               five epochs, a small net
  miniai-tui fit fashion --model conv --epochs 10      a convolutional net
  miniai-tui fit fashion --headless --log-format json  one JSON object a line
  miniai-tui attach last                               the newest run again
"""


class _Parser(argparse.ArgumentParser):
    """Answers a wrong argument in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


class _Version(argparse.Action):
    """Prints the version; what finds it takes half as long to import as everything else here."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        sys.stdout.write(f"miniai-tui {version('miniai-tui')}\n")
        parser.exit()


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
    except MiniaiError as error:
        from tui.text import clean

        sys.stderr.write(f"miniai-tui: {clean(str(error), 2000)}\n")
        return 2 if isinstance(error, UsageError) else 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="miniai-tui",
        description="Train in the terminal, and keep control.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    _add_fit(commands)
    _add_attach(commands)
    return parser


def _add_fit(commands: Any) -> None:
    fit = commands.add_parser(
        "fit",
        help="train a model and watch it",
        description=_FIT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    fit.add_argument("dataset", metavar="DATASET", type=_one_of(catalog.names()), help=_list(catalog.names()))
    what = fit.add_argument_group("what is trained")
    what.add_argument(
        "--model",
        metavar="NAME",
        type=_one_of(models.names()),
        default=_UNSET,
        help=f"{_list(models.names())} (default: mlp)",
    )
    what.add_argument("--epochs", metavar="N", type=_whole(1), default=_UNSET, help="(default: 5)")
    what.add_argument(
        "--lr", metavar="RATE", type=_positive, default=_UNSET, help="learning rate (default: the model's)"
    )
    what.add_argument("--bs", metavar="N", type=_whole(1), default=_UNSET, help="batch size (default: the model's)")
    what.add_argument(
        "--opt",
        metavar="NAME",
        type=_one_of(optimizers.names()),
        default=_UNSET,
        help=f"{_list(optimizers.names())} (default: the model's)",
    )
    what.add_argument("--seed", metavar="N", type=_whole(0), default=_UNSET, help="(default: 42)")
    what.add_argument("--data-dir", metavar="DIR", default=_UNSET, help="folder that holds the dataset's files")
    where = fit.add_argument_group("where it is trained")
    where.add_argument(
        "--device", metavar="NAME", type=_device, default=_UNSET, help="auto, cpu, cuda, cuda:1, mps (default: auto)"
    )
    where.add_argument("--threads", metavar="N", type=_whole(1), default=_UNSET, help="torch's threads on the CPU")
    where.add_argument("--run-dir", metavar="DIR", default="runs", help="where runs are kept (default: runs)")
    where.add_argument(
        "--worker",
        metavar="KIND",
        type=_one_of(["process", "thread"]),
        default="process",
        help="process: training outlives the screen; thread: both in one process (default: process)",
    )
    shown = fit.add_argument_group("what is shown")
    shown.add_argument("--headless", action="store_true", help="write a log instead of showing the screen")
    shown.add_argument(
        "--log-format",
        metavar="KIND",
        type=_one_of(["text", "json"]),
        default="text",
        help="text, json",
    )
    shown.add_argument("--log-every", metavar="SECONDS", type=_positive, default=10.0, help="(default: 10)")
    shown.add_argument("--no-stats", action="store_false", dest="stats", default=_UNSET, help="measure no layers")
    shown.add_argument(
        "--stats-every",
        metavar="N",
        type=_whole(1),
        default=_UNSET,
        help="every N batches (default: 3 %% of the time)",
    )
    fit.set_defaults(run=_fit)


def _add_attach(commands: Any) -> None:
    attach = commands.add_parser(
        "attach",
        help="show a run that is running or over",
        description="Show a run of another process, live and with control, or one that is over.",
        allow_abbrev=False,
    )
    attach.add_argument("name", metavar="RUN", help="a run's folder, its id (or the beginning of it), or 'last'")
    attach.add_argument("--run-dir", metavar="DIR", default="runs", help="where runs are kept (default: runs)")
    attach.set_defaults(run=_attach)


def _fit(arguments: argparse.Namespace) -> int:
    from miniai.run.directory import create_run
    from tui.terminal import why_not

    reason = "" if arguments.headless else why_not()
    run = create_run(Path(arguments.run_dir), _config(arguments))
    if arguments.headless or reason:
        from tui.foreground import fit_headless

        if reason:
            sys.stderr.write(f"miniai-tui: {reason}: writing a log instead of showing the screen\n")
        return fit_headless(run, arguments.log_format, arguments.log_every)
    gc.disable()  # until the first frame is drawn
    from tui.screen import fit_on_screen

    return fit_on_screen(run, arguments.worker)


def _attach(arguments: argparse.Namespace) -> int:
    from miniai.run.directory import find_run
    from tui.terminal import why_not

    run = find_run(arguments.name, Path(arguments.run_dir))
    if reason := why_not():
        raise UsageError(f"attach needs a terminal: {reason}; the run's journal is {run.journal}")
    gc.disable()  # until the first frame is drawn
    from tui.screen import attach_on_screen

    return attach_on_screen(run)


def _config(arguments: argparse.Namespace) -> RunConfig:
    """What the user typed, over the defaults."""
    typed = {name: value for name, value in vars(arguments).items() if name in RunConfig.__struct_fields__}
    if "data_dir" in typed:
        typed["data_dir"] = os.path.abspath(typed["data_dir"])
    return RunConfig(**typed, given=tuple(sorted(typed)))


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)


def _one_of(names: Sequence[str]) -> Any:
    def check(text: str) -> str:
        if text not in names:
            raise argparse.ArgumentTypeError(f"{text!r} is not known: choose {' or '.join(names)}")
        return text

    return check


def _whole(least: int) -> Any:
    def check(text: str) -> int:
        if not text.isdecimal() or not text.isascii() or not least <= int(text[:20]) < 2**63:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
        return int(text)

    return check


def _device(text: str) -> str:
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d{1,3})?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not known: choose auto, cpu, cuda, cuda:1 or mps")
    return text


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above 0")
    return value


if __name__ == "__main__":
    sys.exit(main())
