"""`fit --headless`: this process is the trainer, and a log goes to standard output."""

from __future__ import annotations

import sys

from miniai.run.control import RunControl
from miniai.run.directory import RunDir
from miniai.run.output import install
from miniai.trainer import exit_code, host, obey_signals
from tui.headless import Format, LogPrinter

__all__ = ["fit_headless"]


def fit_headless(run: RunDir, form: Format, every: float) -> int:
    """Train in the foreground; returns the exit code."""
    output = install()
    control = RunControl()
    obey_signals(control, hangup="stop")
    printer = LogPrinter(form, every)
    ended = host(run, control, [printer], output=output)
    printer.close()
    sys.stderr.flush()
    return exit_code(ended, control)
