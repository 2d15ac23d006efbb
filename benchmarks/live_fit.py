"""A real `miniai-tui fit` under a real screen: started, watched, stopped, and nothing left behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
from pty_screen import PtyScreen, command

from miniai.run.client import ControlClient
from miniai.run.control import new_id
from miniai.run.directory import RunDir
from miniai.run.requests import Stop

__all__ = ["GOING", "LiveFit", "until"]

GOING = "● (training|validating)"
"""The status word while batches are done."""


def until(condition: Callable[[], bool], deadline: float, what: str) -> None:
    """Look every 20 ms until `condition()` holds; TimeoutError with `what` after `deadline` seconds."""
    end = time.monotonic() + deadline
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(0.02)


class LiveFit:
    """A fit without end under a screen of 120x40, in a folder of its own; a context that stops it in order."""

    def __init__(self, folder: Path, model: str, threads: int = 1, more: Sequence[str] = ()) -> None:
        self.root = folder / "runs"
        known = {p.name for p in self.root.glob("*")}
        options = ["--model", model, "--epochs", "1000000", "--run-dir", str(self.root)]
        options += ["--threads", str(threads)] if threads else []
        self.screen = PtyScreen(command("fit", "fashion", *options, *more), folder)
        self.screen.watch("miniai-tui", GOING)
        try:
            until(lambda: bool(self._new(known)), 30, "no run directory was made")
        except TimeoutError:
            self.screen.close(deadline=0)
            raise
        self.run = RunDir(self._new(known)[0])
        self.left_behind: list[str] = []
        """What was still there after the end, in words."""

    def _new(self, known: set[str]) -> list[Path]:
        return [p for p in self.root.glob("*") if p.name not in known and (p / "run.json").exists()]

    def wait_for_training(self, deadline: float = 120.0) -> None:
        """Until the screen says that it trains, which it does when the first batch is done."""
        self.screen.wait(1, deadline)
        self.trainer = psutil.Process(self.run.read_info().pid)

    def hold(self) -> None:
        """Hold screen and trainer still: neither gets CPU."""
        self.screen.freeze()
        self.trainer.suspend()

    def let_go(self) -> None:
        """Let both go on."""
        self.trainer.resume()
        self.screen.thaw()

    def __enter__(self) -> LiveFit:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop through the control socket, leave the screen with `q`, and look for what is left."""
        info = self.run.read_info()
        trainer = psutil.Process(info.pid) if info.pid and psutil.pid_exists(info.pid) else None
        if trainer is not None:
            trainer.resume()
        self.screen.thaw()
        self.screen.watch("(■|✓|✗) (stopped|done|failed)")
        client = ControlClient(lambda: self.run.read_info().socket, heard=bool, failed=print)
        client.send(Stop(id=new_id()))
        try:
            self.screen.wait(0, 20)
            self.screen.press("q")
        except TimeoutError as error:
            self.left_behind.append(str(error))
        client.close()
        code = self.screen.close()
        if code != 0:
            self.left_behind.append(f"the screen's exit code is {code}")
        if trainer is not None:
            try:
                trainer.wait(10)
            except psutil.TimeoutExpired:
                self.left_behind.append(f"the trainer {trainer} was still there and was killed")
                trainer.kill()
        if info.socket and Path(info.socket).exists():
            self.left_behind.append(f"the socket {info.socket}")
        for text in self.left_behind:
            print(f"LEFT BEHIND: {text}")
