"""Nursery: a process that has torch loaded and forks trainers, so that each of many starts costs little.

`python -m tests.terminal.nursery FD` takes one order a line, forks a trainer for it, and says its process id and in
the end its wait status. A trainer tells what it does in lines over the descriptor FD: `step N SECONDS` after each
trained batch, by the machine's own clock, and `fact JSON` for each fact that its listeners hear.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

SAVING = ("mkdir", "fsync", "rename", "link", "unlink", "rmdir")
"""What a checkpoint asks of the system."""


class Order(msgspec.Struct, frozen=True):
    """One trainer."""

    run: str
    """Its run directory."""
    dies: int = 0
    """At which call of the system while it saves it kills itself: before its n-th one for 2n - 1, after it for 2n."""
    saves_only: bool = False
    """Do not train: write a checkpoint, give it a second name, and remove the oldest."""


class Nursery:
    """The test's end: starts the process, gives orders, reads what trainers tell."""

    def __init__(self, env: dict[str, str]) -> None:
        self.told, told = os.pipe()
        os.set_blocking(self.told, False)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.terminal.nursery", str(told)], env=env, pass_fds=[told],
            cwd=Path(__file__).resolve().parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        os.close(told)
        self._rest = b""
        self._line()

    def start(self, order: Order) -> int:
        """The process id of a new trainer; one at a time."""
        assert self._process.stdin is not None
        self.lines()
        self._rest = b""  # whatever the one before told
        self._process.stdin.write(msgspec.json.encode(order) + b"\n")
        self._process.stdin.flush()
        return int(self._line())

    def ended(self) -> int:
        """Wait until it has ended; its exit code, or minus the signal that ended it."""
        return os.waitstatus_to_exitcode(int(self._line()))

    def lines(self, seconds: float = 0.0) -> list[bytes]:
        """What trainers have told since; waits for the first of it."""
        select.select([self.told], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self.told, 1 << 16):
                self._rest += data
        *lines, self._rest = self._rest.split(b"\n")
        return lines

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=20)
        os.close(self.told)

    def _line(self) -> bytes:
        """The process's next line; what trainers tell is taken meanwhile, or they would wait."""
        assert self._process.stdout is not None
        lines: list[bytes] = []
        while not select.select([self._process.stdout], [], [], 0.02)[0]:
            lines += self.lines()
        self._rest = b"".join(line + b"\n" for line in lines) + self._rest
        line = self._process.stdout.readline()
        assert line, "the nursery has ended"
        return line


# -- the process itself ----------------------------------------------------------------------------------------------


def serve(told: int) -> None:
    """Load all that a trainer needs, and nothing that starts a thread; then obey."""
    import torch

    import miniai.assembly
    import miniai.callbacks.checkpoint
    import miniai.callbacks.layers
    import miniai.callbacks.resume
    import miniai.catalog.fashion
    import miniai.learner
    import miniai.trainer  # noqa: F401

    torch.set_num_threads(1)
    os.write(1, b"ready\n")
    for line in sys.stdin.buffer:
        child = os.fork()
        if not child:
            os.setsid()
            os._exit(train(msgspec.json.decode(line, type=Order), told))
        os.write(1, b"%d\n" % child)
        os.write(1, b"%d\n" % os.waitpid(child, 0)[1])


def train(order: Order, told: int) -> int:
    """Be the trainer."""
    from miniai.run.control import RunControl
    from miniai.run.directory import RunDir
    from miniai.trainer import exit_code, host

    try:
        if order.dies:
            die_saving(order.dies)
        run, control = RunDir(Path(order.run)), RunControl()
        if order.saves_only:
            save(run.checkpoints)
            return 0
        tell_steps(told)
        return exit_code(host(run, control, [facts_teller(told)], outlives=False), control)
    except BaseException:  # noqa: BLE001  # a fork must never go back into its parent's loop
        import traceback

        traceback.print_exc()
        return 70


def facts_teller(told: int) -> Callable[[Any], None]:
    from miniai.run.events import encode

    return lambda fact: put(told, b"fact " + encode(fact) + b"\n")


def put(told: int, data: bytes) -> None:
    while data:
        data = data[os.write(told, data) :]


def tell_steps(told: int) -> None:
    from miniai.callbacks.base import Callback
    from miniai.fitting import Fitting

    class Tells(Callback):
        order = 5000

        def after_batch(self, learn: Any) -> None:
            if learn.training:
                put(told, b"step %d %.6f\n" % (learn.steps, time.monotonic()))

    callbacks = Fitting._callbacks
    Fitting._callbacks = lambda *args: [*callbacks(*args), Tells()]  # type: ignore[method-assign]


def die_saving(at: int) -> None:
    """Count the calls of the system that are made while a checkpoint is written, and die at one of them."""
    from miniai.run import checkpoint

    saving: list[bool] = []
    counted = itertools.count(1)

    @contextmanager
    def dying() -> Iterator[None]:
        if saving and next(counted) == at:
            os.kill(os.getpid(), signal.SIGKILL)
        yield
        if saving and next(counted) == at:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(owner: Any, name: str, around: Callable[[], Any]) -> None:
        real = getattr(owner, name)

        def watched(*args: Any, **kwargs: Any) -> Any:
            with around():
                return real(*args, **kwargs)

        setattr(owner, name, watched)

    @contextmanager
    def inside() -> Iterator[None]:
        saving.append(True)
        yield
        saving.pop()

    for name in SAVING:
        watch(os, name, dying)
    for name in ("write", "alike", "remove", "clean_up"):
        watch(checkpoint, name, inside)


def save(folder: Path) -> None:
    """What a trainer does at the end of an epoch with the best validation so far."""
    import torch

    from miniai.run import checkpoint

    checkpoint.clean_up(folder)
    step = 1 + max((int(name.split("-")[1]) for name in checkpoint.names(folder)), default=0)
    state = checkpoint.CheckpointState(
        step=step, epoch=0, phase="train", batch=step, n_epochs=9, wall=0.0, sizes={}
    )  # fmt: skip
    name = checkpoint.free_name(folder, "step", step)
    checkpoint.write(folder, name, {"w": torch.full((50,), step)}, {}, state)
    checkpoint.alike(folder, f"best-{step}", name)
    steps = [name for name in checkpoint.names(folder) if name.startswith("step")]
    for name in steps[:-2]:
        checkpoint.remove(folder, name)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
