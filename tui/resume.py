"""`fit --resume RUN`: which run goes on, and whether it can; everything that is wrong is one line, before it starts."""

from __future__ import annotations

import argparse
import shlex
import socket
import time
from pathlib import Path
from typing import Any

import msgspec

from miniai.config import MOST_EPOCHS, RunConfig, read_config, write_config
from miniai.errors import RunError, UsageError
from miniai.recipe import recipe
from miniai.run.directory import RunDir, boot_id, find_run
from miniai.run.resuming import Resumption, alone, resumption
from miniai.run.status import status
from tui.options import data_folder

__all__ = ["resumed_run"]

_FREE = ("save_every", "save_minutes", "save_best", "keep", "data_dir", "device", "threads")
"""Options that may differ from those that the run was started with: when checkpoints are written, and where it runs."""
_LATELY = 60.0
"""Seconds without a sign after which a run on another machine is taken to be over."""


def resumed_run(arguments: argparse.Namespace) -> RunDir:
    """The run that `--resume` names, ready for a trainer to go on with it; UsageError or RunError if it cannot."""
    run = find_run(arguments.resume, Path(arguments.run_dir))
    config = read_config(run.config_file)
    if config.job != "fit":
        raise UsageError(f"{run.id} is no training: it cannot be resumed")
    fields = RunConfig.__struct_fields__
    typed = {name: value for name, value in vars(arguments).items() if name in fields and value is not None}
    until = typed.pop("epochs", None)
    if "data_dir" in typed:
        typed["data_dir"] = data_folder(typed["data_dir"])
    _check_options(typed, config)
    _check_stands_still(run)
    changes = {name: value for name, value in typed.items() if name in _FREE}
    with alone(run):  # another command of this kind may be at it in this very moment
        _check_stands_still(run)
        found = _newest(run, config)
        until = until or _asked_before(run, config, found)
        _check_epochs(run, found, until)
        _make_ready(run, msgspec.structs.replace(config, until=until, **changes))
    return run


def _make_ready(run: RunDir, config: RunConfig) -> None:
    try:
        write_config(run.config_file, config)
        run.update_info(ended="", socket="", pid=0, host=socket.gethostname(), boot=boot_id(), folder=run.inode)
    except OSError as error:
        raise RunError(f"{run.path} cannot be written: {error.strerror}") from error


def _check_options(typed: dict[str, Any], config: RunConfig) -> None:
    """A resumed run is the same run: what decides what it computes cannot be another."""
    own = {**msgspec.structs.asdict(config), **recipe(config)._asdict()}
    for name, value in typed.items():
        if name not in _FREE and value != own[name]:
            raise UsageError(
                f"--resume goes on with the run's own {_option(name)} {own[name]}: it cannot become {value} "
                "(leave it out, or start a new run)"
            )


def _option(name: str) -> str:
    return "DATASET" if name == "dataset" else f"--{name.replace('_', '-')}"


def _check_stands_still(run: RunDir) -> None:
    now = status(run)
    if now.over:
        if now.state == "damaged":
            raise RunError(f"{run.id} cannot be resumed: {now.words}")
        return
    if now.state == "elsewhere" and (now.sign is None or now.sign > _LATELY or _is_over_here(run, now.sign)):
        return
    where = f" in process {now.pid}" if now.pid else ""
    if now.state == "elsewhere":
        raise RunError(f"{run.id} may still be trained {now.words}: stop it there first")
    raise RunError(f"{run.id} is being trained{where} ({now.words}): watch it with 'miniai-tui attach {run.id}'")


def _is_over_here(run: RunDir, sign: float) -> bool:
    """Whether what trained it is gone for certain: it was on this machine, before its last start; or this is a copy.

    A machine of the same name that has run for longer than `sign`, seconds since the last one, is another machine.
    """
    import psutil

    info = run.read_info()
    if info.host != socket.gethostname():
        return False
    if info.boot == boot_id():
        return run.is_copy(info)
    return sign > time.time() - psutil.boot_time()


def _newest(run: RunDir, config: RunConfig) -> Resumption:
    try:
        found = resumption(run)
    except RunError as error:
        raise RunError(f"{error}; start it anew with: {_command(config)}") from error
    if found is None:
        raise RunError(f"{run.id} has no checkpoint to go on from; start it anew with: {_command(config)}")
    return found


def _command(config: RunConfig) -> str:
    """What started a run like this."""
    words = ["miniai-tui", "fit", config.dataset]
    for name in config.given:
        value = getattr(config, name, None)
        if name == "stats":
            words.append("--no-stats")
        elif value is True:
            words.append(_option(name))
        elif name != "dataset" and value is not None:
            words += [_option(name), str(value)]
    return shlex.join(words)


def _asked_before(run: RunDir, config: RunConfig, found: Resumption) -> int | None:
    """What an earlier `--resume --epochs` asked for; None once a checkpoint knows it, or knows better."""
    return config.until if run.config_file.stat().st_mtime > found.state.wall else None


def _check_epochs(run: RunDir, found: Resumption, until: int | None) -> None:
    """There must be something left to do, and not more than anybody means."""
    if until is not None and until > MOST_EPOCHS:
        raise UsageError(f"{until:,} epochs are more than {MOST_EPOCHS:,}")
    state = found.state
    done = state.epoch + (state.over and state.phase == "valid")
    if until is not None and until <= state.epoch:
        raise UsageError(f"{run.id} is in epoch {state.epoch + 1} already: it cannot have only {_epochs(until)}")
    if done >= (until or state.n_epochs):
        more = f"--epochs {done + 1} goes on" if until is None else f"{until} are not more"
        raise UsageError(f"{run.id} is done with all its {_epochs(done)}: {more}")


def _epochs(count: int) -> str:
    return f"{count} epoch" if count == 1 else f"{count} epochs"
