"""`fit --headless`: this process is the trainer, and a log goes to standard output."""

from __future__ import annotations

import os
import signal
import sys

from miniai.config import read_config
from miniai.run.control import RunControl
from miniai.run.directory import RunDir
from miniai.run.output import install
from miniai.trainer import exit_code, host, obey_signals
from tui.headless import Format, LogPrinter
from tui.launch import folder_for
from tui.lines import Lines

__all__ = ["fit_headless", "lr_find_headless"]


def fit_headless(run: RunDir, form: Format, every: float) -> int:
    """Train in the foreground; returns the exit code."""
    return _headless(run, LogPrinter(form, every, lines=Lines(run.path)))


def lr_find_headless(run: RunDir, form: Format) -> int:
    """Look for a learning rate in the foreground; returns the exit code."""
    from tui.lr_find import RateLines

    return _headless(run, LogPrinter(form, every=0.0, lines=RateLines(read_config(run.config_file))))


def _headless(run: RunDir, printer: LogPrinter) -> int:
    if (folder := folder_for(run)) is not None:
        os.chdir(folder)
    output = install()
    control = RunControl()
    obey_signals(control, hangup="stop")
    nohup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN  # else the end of the login is asked to end it
    ended = host(run, control, [printer], output=output, outlives=nohup)
    printer.close()
    sys.stderr.flush()
    return exit_code(ended, control)
