"""What `miniai-tui fit` takes, and how what is typed becomes a configuration."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Sequence
from typing import Any

from miniai import models, optimizers, schedules
from miniai.config import RunConfig, check
from miniai.errors import UsageError
from tui.settings import GRAPHICS, LAYOUTS, THEMES

__all__ = [
    "add_fit_options", "add_lr_find_options", "add_view_options", "config", "data_folder", "listed", "one_of", "speed",
    "view",
]  # fmt: skip

UNSET: Any = argparse.SUPPRESS
"""Leaves an option out of the arguments unless it is typed: only then it overrides a default."""


def add_fit_options(fit: argparse.ArgumentParser) -> None:
    """All options of `fit`, in groups."""
    what = fit.add_argument_group("what is trained")
    _add_model(what)
    _add_training(what)
    _add_place(fit.add_argument_group("where it is trained"))
    _add_kept(fit.add_argument_group("what is kept"))
    _add_shown(fit.add_argument_group("what is shown"))


def _add_model(what: Any) -> None:
    what.add_argument(
        "--model",
        metavar="NAME",
        type=one_of(models.names()),
        default=UNSET,
        help=f"{listed(models.names())} (default: mlp)",
    )
    what.add_argument("--epochs", metavar="N", type=_whole(1), default=UNSET, help="(default: 5)")
    what.add_argument("--seed", metavar="N", type=_whole(0), default=UNSET, help="(default: 42)")
    what.add_argument("--data-dir", metavar="DIR", default=UNSET, help="folder that holds the dataset's files")


def _add_training(what: Any) -> None:
    what.add_argument(
        "--lr", metavar="RATE", type=_positive, default=UNSET, help="learning rate (default: the model's)"
    )
    what.add_argument("--bs", metavar="N", type=_whole(1), default=UNSET, help="batch size (default: the model's)")
    what.add_argument(
        "--opt",
        metavar="NAME",
        type=one_of(optimizers.names()),
        default=UNSET,
        help=f"{listed(optimizers.names())} (default: the model's)",
    )
    what.add_argument(
        "--sched",
        metavar="NAME",
        type=one_of(schedules.names()),
        default=UNSET,
        help=f"schedule of the learning rate: {listed(schedules.names())} (default: the model's)",
    )
    what.add_argument("--amp", action="store_true", default=UNSET, help="mixed precision")
    what.add_argument(
        "--augment",
        action="store_true",
        default=UNSET,
        help="shift, mirror and partly erase the training images at random",
    )
    what.add_argument(
        "--from-scratch",
        action="store_true",
        default=UNSET,
        help="train on parts written by hand (--model mlp and --opt sgd only)",
    )


def _add_place(where: Any) -> None:
    where.add_argument(
        "--device", metavar="NAME", type=_device, default=UNSET, help="auto, cpu, cuda, cuda:1, mps (default: auto)"
    )
    where.add_argument("--threads", metavar="N", type=_whole(1), default=UNSET, help="torch's threads on the CPU")
    where.add_argument("--run-dir", metavar="DIR", default="runs", help="where runs are kept (default: runs)")
    where.add_argument(
        "--worker",
        metavar="KIND",
        type=one_of(["process", "thread"]),
        default="process",
        help="process: training outlives the screen; thread: both in one process (default: process)",
    )


def _add_kept(kept: Any) -> None:
    kept.add_argument(
        "--resume", metavar="RUN", help="go on with a run: its folder, its id, or 'last'; --epochs N: to N in all"
    )
    kept.add_argument(
        "--save-every", metavar="N", type=_whole(0), default=UNSET, help="checkpoint every N epochs (default: 1; 0: no)"
    )
    kept.add_argument(
        "--save-minutes", metavar="T", type=_positive, default=UNSET, help="and every T minutes of training"
    )
    kept.add_argument(
        "--save-best",
        metavar="NAME",
        type=one_of(["accuracy", "loss", "none"]),
        default=UNSET,
        help="keep the best one by: accuracy, loss, none (default: accuracy)",
    )
    kept.add_argument("--keep", metavar="K", type=_whole(1), default=UNSET, help="last checkpoints kept (default: 2)")


def _add_shown(shown: Any) -> None:
    shown.add_argument("--headless", action="store_true", help="write a log instead of showing the screen")
    shown.add_argument("--detach", action="store_true", help="train in the background and give the shell back")
    shown.add_argument(
        "--log-format",
        metavar="KIND",
        type=one_of(["text", "json"]),
        default="text",
        help="text, json",
    )
    shown.add_argument("--log-every", metavar="SECONDS", type=_positive, default=10.0, help="(default: 10)")
    shown.add_argument("--no-stats", action="store_false", dest="stats", default=UNSET, help="measure no layers")
    shown.add_argument(
        "--stats-every",
        metavar="N",
        type=_whole(1),
        default=UNSET,
        help="every N batches (default: 3 %% of the time)",
    )


def add_lr_find_options(find: argparse.ArgumentParser) -> None:
    """All options of `lr-find`, in groups."""
    what = find.add_argument_group("what is tried")
    _add_named(what, "--model", models.names(), "(default: mlp)")
    what.add_argument("--bs", metavar="N", type=_whole(1), default=UNSET, help="batch size (default: the model's)")
    _add_named(what, "--opt", optimizers.names(), "(default: the model's)")
    what.add_argument("--amp", action="store_true", default=UNSET, help="mixed precision")
    what.add_argument("--seed", metavar="N", type=_whole(0), default=UNSET, help="(default: 42)")
    what.add_argument("--data-dir", metavar="DIR", default=UNSET, help="folder that holds the dataset's files")
    what.add_argument(
        "--from", dest="lr_start", metavar="RATE", type=_lowest, default=UNSET, help="first rate (default: 1e-05)"
    )
    what.add_argument(
        "--factor", dest="lr_factor", metavar="X", type=_factor, default=UNSET, help="growth a batch (default: 1.3)"
    )
    _add_place(find.add_argument_group("where it is tried"))
    shown = find.add_argument_group("what is shown")
    shown.add_argument("--headless", action="store_true", help="write lines instead of showing the screen")
    shown.add_argument("--log-format", metavar="KIND", type=one_of(["text", "json"]), default="text", help="text, json")


def _add_named(group: Any, option: str, names: Sequence[str], default: str) -> None:
    group.add_argument(option, metavar="NAME", type=one_of(names), default=UNSET, help=f"{listed(names)} {default}")


def _lowest(text: str) -> float:
    value = _positive(text)
    if not 1e-12 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no rate to begin with: between 1e-12 and 1")
    return value


def _factor(text: str) -> float:
    value = _positive(text)
    if not 1.01 <= value <= 10:
        raise argparse.ArgumentTypeError(f"{text!r} is no growth a batch: between 1.01 and 10")
    return value


def add_view_options(parser: argparse.ArgumentParser) -> None:
    """How the screen looks; what is typed counts before the settings file."""
    look = parser.add_argument_group("how the screen looks")
    themes, layouts = ((names, listed(names)) for names in (THEMES, LAYOUTS))
    look.add_argument("--theme", metavar="NAME", type=one_of(themes[0]), default=UNSET, help=themes[1])
    look.add_argument("--layout", metavar="NAME", type=one_of(layouts[0]), default=UNSET, help=layouts[1])
    look.add_argument("--calm", action="store_true", default=UNSET, help="draw rarely: for a slow link")
    look.add_argument(
        "--graphics", metavar="KIND", type=one_of(GRAPHICS), default=UNSET, help=f"pictures: {listed(GRAPHICS)}"
    )
    look.add_argument("--bell", action="store_true", default=UNSET, help="ring, and tell the desktop, at an alert")


def view(arguments: argparse.Namespace) -> dict[str, Any]:
    """What of `add_view_options` was typed."""
    return {
        name: value
        for name, value in vars(arguments).items()
        if name in ("theme", "layout", "calm", "bell", "graphics")
    }


def config(arguments: argparse.Namespace) -> RunConfig:
    """What the user typed, over the defaults."""
    typed = {name: value for name, value in vars(arguments).items() if name in RunConfig.__struct_fields__}
    if "data_dir" in typed:
        typed["data_dir"] = data_folder(typed["data_dir"])
    config = RunConfig(**typed, given=tuple(sorted(typed)))
    check(config)
    return config


def data_folder(name: str) -> str:
    """What `--data-dir` means wherever the trainer runs; UsageError if that cannot be said."""
    try:
        return os.path.abspath(name)
    except FileNotFoundError as error:
        raise UsageError(f"--data-dir {name}: the current folder is gone, go to another") from error


def speed(text: str) -> float:
    """An option's type: how many times as fast a run is shown."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.001 <= value <= 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} is no speed: 8 is eight times as fast as it was, 0.5 half as fast")
    return value


def listed(names: Sequence[str]) -> str:
    """The names in one line."""
    return ", ".join(names)


def one_of(names: Sequence[str]) -> Any:
    """An option's type: one of these names; a wrong one is answered with all of them."""

    def check(text: str) -> str:
        if text not in names:
            raise argparse.ArgumentTypeError(f"{text!r} is not known: choose {_either(names)}")
        return text

    return check


def _either(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


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
