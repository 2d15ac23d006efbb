"""The trainer's entry: a run directory becomes a fit, its facts go to the journal, requests come from the socket.

`python -m miniai.trainer RUN_DIRECTORY` is the trainer process. `host` is the same for a trainer in a thread or in
the foreground. No torch at the top: the first fact is written before torch is loaded.
"""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Literal

import psutil

from miniai.config import RunConfig, read_config
from miniai.errors import MiniaiError, RunError
from miniai.fitting import Fitting
from miniai.run.control import RunControl
from miniai.run.directory import RunDir
from miniai.run.events import SCHEMA, Alerted, Fact, FitEnded, RunStarted
from miniai.run.going_on import GoingOn
from miniai.run.journal import Journal
from miniai.run.listener import Listener, kill_group
from miniai.run.logout import at_logout
from miniai.run.output import LossyWriter, one_line
from miniai.run.output import install as install_output
from miniai.run.reporter import Reporter
from miniai.run.resuming import Resumption, alone, resumption
from miniai.run.watch import Watch

__all__ = ["exit_code", "host", "main", "obey_signals"]


def host(
    run: RunDir,
    control: RunControl,
    listeners: Sequence[Callable[[Fact], object]] = (),
    kill: Callable[[], None] = kill_group,
    output: Sequence[LossyWriter] = (),
    outlives: bool = True,
) -> FitEnded:
    """Train what `run` configures, to its end; returns the last fact and never raises for what training did.

    A run that has begun already goes on from its newest checkpoint, in the same journal. RunError or UsageError if
    the run directory has no configuration, no place for a journal, or has begun and has no checkpoint; and if another
    process trains it.

    `listeners` hear every fact after the journal; `kill` is what a Kill request calls; `output` is what the program
    writes through: that it loses something is said once. `outlives`: the run is meant to go on when the login ends,
    and what would prevent it is said.
    """
    config = read_config(run.config_file)
    with alone(run):
        resumed = resumption(run) if config.job == "fit" else None
        return _host(run, config, resumed, control, listeners, kill, output, outlives)


def _host(
    run: RunDir,
    config: RunConfig,
    resumed: Resumption | None,
    control: RunControl,
    listeners: Sequence[Callable[[Fact], object]],
    kill: Callable[[], None],
    output: Sequence[LossyWriter],
    outlives: bool,
) -> FitEnded:
    trouble = _Trouble(listeners)
    journal = _open_journal(run, trouble)
    losses = _Losses(output)
    watch = [Watch()] if config.job == "fit" else []  # a search for a rate is meant to go wrong
    going_on = GoingOn(run, resumed, journal) if resumed else None
    write = journal.write if going_on is None else going_on.held.write
    reporter = Reporter((write, *listeners, losses.look, *watch), began=0.0 if going_on is None else going_on.began)
    trouble.now = losses.now = reporter.now
    losses.emit = reporter.emit
    for rules in watch:
        rules.emit = reporter.emit
    if going_on is None or going_on.anew:
        reporter.emit(_run_started(run, config, reporter.now()))
    if going_on is not None:
        going_on.say(reporter)
    trouble.socket = socket = _open_socket(run, control, kill, reporter)
    if going_on is not None and socket is not None:
        going_on.held.tell = socket.say
    if outlives and config.job == "fit" and (danger := at_logout()):
        reporter.emit(Alerted(at=reporter.now(), topic="logout", text=danger))
    fitting = _job(config)(run, config, control, reporter)
    fitting.resumption, fitting.watch = resumed, next(iter(watch), None)
    reason, error = _conduct(fitting, control)
    losses.look()
    if control.signal and reason == "stopped":  # whoever looks on has not asked for it
        text = f"{signal.Signals(control.signal).name} asked the trainer to stop"
        reporter.emit(Alerted(at=reporter.now(), topic="signal", text=text))
    ended = FitEnded(at=reporter.now(), reason=reason, step=fitting.step, error=error)
    unheard = going_on is not None and not going_on.has_begun(ended)
    if not unheard:
        _note(run, ended=reason)  # first: who finds a last word there asks nobody any more
    reporter.emit(ended)
    journal.close()
    if socket is not None:
        if unheard or trouble.fact is not None:
            socket.say(ended)
        socket.close()
    return ended


class _Trouble:
    """Says that the journal cannot be written, which the journal cannot say: through the socket and to listeners."""

    def __init__(self, listeners: Sequence[Callable[[Fact], object]]) -> None:
        self.fact: Alerted | None = None
        """What is wrong now."""
        self.now: Callable[[], float] = float
        self._listeners = listeners
        self._socket: Listener | None = None

    @property
    def socket(self) -> Listener | None:
        """Where viewers are told, those who come later too."""
        return self._socket

    @socket.setter
    def socket(self, socket: Listener | None) -> None:
        self._socket = socket
        if socket is not None:
            socket.greet(self.fact)

    def __call__(self, text: str) -> None:
        """`text` is empty when the journal can be written again; it says so itself then."""
        self.fact = Alerted(at=self.now(), topic="journal", text=text) if text else None
        if self._socket is not None:
            self._socket.greet(self.fact)
        if self.fact is None:
            return
        if self._socket is not None:
            self._socket.say(self.fact)
        for listener in self._listeners:
            listener(self.fact)


class _Losses:
    """Says once that what the program prints is lost, which its log cannot say.

    It looks whenever a fact is told, and so never speaks from inside somebody's print.
    """

    def __init__(self, output: Sequence[LossyWriter]) -> None:
        self.now: Callable[[], float] = float
        self.emit: Callable[[Fact], object] = bool
        self._output = tuple(output)

    def look(self, fact: Fact | None = None) -> None:
        """After each fact but the last one, and before that."""
        if isinstance(fact, FitEnded) or not any(writer.lost for writer in self._output):
            return
        self._output = ()
        text = "output of the program is being lost: its log cannot be written, or nobody reads it"
        self.emit(Alerted(at=self.now(), topic="log", text=text))


def _job(config: RunConfig) -> type[Fitting]:
    """What does the work that `config` describes."""
    if config.job == "lr-find":
        from miniai.lr_finding import RateFinding

        return RateFinding
    if config.job == "data":
        from miniai.describing import Describing

        return Describing
    return Fitting


def _conduct(fitting: Fitting, control: RunControl) -> tuple[Literal["done", "stopped", "failed"], str]:
    """Run the fit; how it ended, and the error's line. What went wrong goes to the log in full."""
    try:
        return fitting.run(), ""
    except KeyboardInterrupt:
        return "stopped", "interrupted"
    except MiniaiError as problem:
        sys.stderr.write(f"error: {one_line(problem)}\n")
        return "failed", str(problem)
    except BaseException as problem:  # noqa: BLE001  # the trainer's edge: whatever user code raises is reported
        traceback.print_exc()
        text = str(problem).strip().splitlines()
        return "failed", f"{type(problem).__name__}: {text[0]}" if text else type(problem).__name__
    finally:
        control.over = True


def _run_started(run: RunDir, config: RunConfig, now: float) -> RunStarted:
    return RunStarted(
        at=0.0,
        schema=SCHEMA,
        run=run.original_id,
        wall=time.time() - now,
        dataset=config.dataset,
        model=config.model,
        epochs=config.epochs,
        pid=os.getpid(),
        host=platform.node(),
    )


def _open_journal(run: RunDir, trouble: Callable[[str], object]) -> Journal:
    try:
        return Journal(run.journal, trouble)
    except OSError as problem:
        raise RunError(f"the journal {run.journal} cannot be opened: {problem.strerror}") from problem


def _open_socket(run: RunDir, control: RunControl, kill: Callable[[], None], reporter: Reporter) -> Listener | None:
    """The control socket, and its address in `run.json`; without either the run still trains, and says so."""
    try:
        listener = Listener(run, control.submit, kill)
    except OSError as error:
        text = f"this run cannot be controlled: no socket ({error.strerror})"
        reporter.emit(Alerted(at=reporter.now(), topic="control", text=text))
        return None
    reporter.hear(listener.answer)
    _note(run, socket=listener.address, pid=os.getpid(), pid_started=psutil.Process().create_time())
    return listener


def _note(run: RunDir, **changes: object) -> None:
    """Update `run.json`; a disk that refuses does not hurt the run (the journal says the same)."""
    with contextlib.suppress(OSError, RunError):
        run.update_info(**changes)


def obey_signals(control: RunControl, hangup: Literal["stop", "ignore"]) -> None:
    """SIGTERM and SIGINT stop at the batch edge; a SIGINT after one of them interrupts at once. SIGUSR1 saves.

    `hangup` says what SIGHUP does. A signal inherited as ignored stays ignored.
    """

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        if number == signal.SIGINT and control.signal and not control.over:
            raise KeyboardInterrupt
        control.stop(number)

    def save(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        control.save()

    for number, obey in ((signal.SIGTERM, stop), (signal.SIGINT, stop), (signal.SIGUSR1, save)):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, obey)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, stop if hangup == "stop" else signal.SIG_IGN)


def exit_code(ended: FitEnded, control: RunControl) -> int:
    """0 done or stopped on request, 1 failed, 128 + n ended by signal n."""
    if ended.reason == "failed":
        return 1
    return 128 + control.signal if ended.reason == "stopped" and control.signal else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Entry of the trainer process: its one argument is the run directory."""
    (folder,) = sys.argv[1:] if argv is None else argv
    output = install_output()
    control = RunControl()
    obey_signals(control, hangup="ignore")
    try:
        return exit_code(host(RunDir(Path(folder)), control, output=output), control)
    except MiniaiError as error:
        sys.stderr.write(f"error: {one_line(error)}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
