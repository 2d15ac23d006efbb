"""The command line: `miniai-tui fit DATASET`, `attach RUN`, `data NAME`. Neither Textual nor torch at the top."""

from __future__ import annotations

import argparse
import gc
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from miniai import catalog
from miniai.errors import MiniaiError, UsageError
from miniai.run.output import fill_in
from tui import compare, ctl, export, runs
from tui.options import add_fit_options, add_lr_find_options, add_view_options, config, listed, one_of, speed, view

if TYPE_CHECKING:
    from miniai.run.directory import RunDir
    from tui.remembered import Preferences

__all__ = ["main"]

_FIT = """\
Train a model and watch it. In a terminal you get one screen that shows the run
and obeys the keyboard:

  space  pause, go on      e  skip this half of the epoch    1-8  go to a pane
  .      one batch         s  stop                           f    maximise it
  b      skip a batch      q  quit, or leave it running      0    layout
  L      learning rate     E  number of epochs               w    save now
  v      validation        t  dark, light, high contrast     ?    all keys

Without a terminal (a pipe, a batch system) the same command writes a log.
"""
_LR_FIND = """\
Train for a moment with a learning rate that grows after every batch, until the
loss diverges. The loss is drawn against the rate while it runs; at the end a
rate to begin with is suggested, with the command that uses it. The trained
weights are thrown away.

  space  pause, go on      s  stop      c  copy the command      q  quit

Without a terminal the same command writes lines.
"""
_EXAMPLES = """\
examples:
  miniai-tui fit fashion                               five epochs, a small net
  miniai-tui fit fashion --model conv --epochs 10      a convolutional net
  miniai-tui fit fashion --headless --log-format json  one JSON object a line
  miniai-tui fit fashion --detach                      in the background
  miniai-tui lr-find fashion --model conv              which learning rate?
  miniai-tui fit --resume last                         the newest run goes on
  miniai-tui attach last                               the newest run again

your own colours, layout, panes and keys: docs/settings.md, in the file
  ~/.config/miniai-tui/settings.toml
"""


class _Parser(argparse.ArgumentParser):
    """Answers a wrong argument in one line."""

    def error(self, message: str) -> NoReturn:
        from tui.text import clean

        self.exit(2, f"{self.prog}: {clean(message, 2000)} (see {self.prog} --help)\n")


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
    except KeyboardInterrupt:
        sys.stderr.write("miniai-tui: interrupted\n")
        return 128 + signal.SIGINT
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
    runs.add(commands)
    ctl.add(commands)
    _add_lr_find(commands)
    _add_data(commands)
    compare.add(commands)
    export.add(commands)
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
    fit.add_argument(
        "dataset",
        metavar="DATASET",
        nargs="?",
        type=one_of(catalog.names()),
        help=f"{listed(catalog.names())}; left out with --resume",
    )
    add_fit_options(fit)
    add_view_options(fit)
    fit.set_defaults(run=_fit, wrong=fit.error)


def _add_lr_find(commands: Any) -> None:
    find = commands.add_parser(
        "lr-find",
        help="look for a learning rate to begin with",
        description=_LR_FIND,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    find.add_argument("dataset", metavar="DATASET", type=one_of(catalog.names()), help=listed(catalog.names()))
    add_lr_find_options(find)
    add_view_options(find)
    find.set_defaults(run=_lr_find)


def _add_attach(commands: Any) -> None:
    attach = commands.add_parser(
        "attach",
        help="show a run that is running or over",
        description="Show a run of another process, live and with control, or one that is over.",
        allow_abbrev=False,
    )
    attach.add_argument("name", metavar="RUN", help="a run's folder, its id (or the beginning or end of it), or 'last'")
    attach.add_argument("--run-dir", metavar="DIR", default="runs", help="where runs are kept (default: runs)")
    attach.add_argument(
        "--speed", metavar="X", type=speed, help="replay from the beginning, X times as fast as it was (such as 8)"
    )
    add_view_options(attach)
    attach.set_defaults(run=_attach)


def _add_data(commands: Any) -> None:
    data = commands.add_parser(
        "data",
        help="say what is known of a dataset",
        description="Where a dataset is found, its features, splits and classes. A first look may take a download.",
        allow_abbrev=False,
    )
    data.add_argument("name", metavar="NAME", type=one_of(catalog.names()), help=listed(catalog.names()))
    data.add_argument("--data-dir", metavar="DIR", type=Path, help="folder that holds the dataset's files")
    form = data.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object instead of the screen")
    form.add_argument("--text", action="store_true", help="text instead of the screen")
    add_view_options(data)
    data.set_defaults(run=_data)


def _preferences(arguments: argparse.Namespace) -> Preferences:
    """How the user likes the screen; a wrong settings file is an error before anything is started."""
    from tui.remembered import Preferences

    preferences = Preferences.of_user(view(arguments))
    if preferences.trouble:
        from tui.text import clean

        sys.stderr.write(f"miniai-tui: {clean(preferences.trouble)}\n")
    return preferences


def _fit(arguments: argparse.Namespace) -> int:
    fill_in()
    from tui.terminal import why_not

    if arguments.detach:
        return _fit_detached(arguments)
    reason = "" if arguments.headless else why_not()
    preferences = None if arguments.headless or reason else _preferences(arguments)
    run = _run(arguments)
    if arguments.headless or reason:
        from tui.foreground import fit_headless

        if reason:
            sys.stderr.write(f"miniai-tui: {reason}: writing a log instead of showing the screen\n")
        return fit_headless(run, arguments.log_format, arguments.log_every)
    from tui import start

    return start.fit(run, arguments.worker, preferences)


def _run(arguments: argparse.Namespace) -> RunDir:
    """The run that `fit` is about to train, whichever way."""
    if arguments.resume is not None:
        from tui.resume import resumed_run

        return resumed_run(arguments)
    if arguments.dataset is None:
        arguments.wrong(f"a DATASET is needed ({listed(catalog.names())}), or --resume RUN")
    from miniai.run.directory import create_run

    return create_run(Path(arguments.run_dir), config(arguments))


def _fit_detached(arguments: argparse.Namespace) -> int:
    if arguments.headless:
        raise UsageError(
            "--detach and --headless do not go together: --headless trains in the foreground and writes a log here"
        )
    if arguments.worker == "thread":
        raise UsageError("--detach needs --worker process: a thread ends with the command that started it")
    from tui.detach import fit_detached

    return fit_detached(_run(arguments), arguments.log_format)


def _lr_find(arguments: argparse.Namespace) -> int:
    fill_in()
    import msgspec

    from miniai.run.directory import create_run
    from tui.terminal import why_not

    reason = "" if arguments.headless else why_not()
    preferences = None if arguments.headless or reason else _preferences(arguments)
    asked = msgspec.structs.replace(config(arguments), job="lr-find")
    run = create_run(Path(arguments.run_dir), asked)
    if arguments.headless or reason:
        from tui.foreground import lr_find_headless

        if reason:
            sys.stderr.write(f"miniai-tui: {reason}: writing lines instead of showing the screen\n")
        return lr_find_headless(run, arguments.log_format)
    from tui import start

    return start.lr_find(run, arguments.worker, preferences)


def _attach(arguments: argparse.Namespace) -> int:
    from miniai.run.directory import find_run
    from tui.terminal import why_not

    run = find_run(arguments.name, Path(arguments.run_dir))
    if reason := why_not():
        raise UsageError(f"attach needs a terminal: {reason}; the run's journal is {run.journal}")
    gc.disable()  # until the first frame is drawn
    from tui.screen import attach_on_screen

    return attach_on_screen(run, _preferences(arguments), arguments.speed)


def _data(arguments: argparse.Namespace) -> int:
    from tui.terminal import why_not

    if not arguments.json and not arguments.text and not why_not():
        from tui import start

        return start.data(arguments.name, arguments.data_dir, _preferences(arguments))
    from tui.data import show_data

    return show_data(arguments.name, arguments.data_dir, as_json_line=arguments.json)


if __name__ == "__main__":
    sys.exit(main())
