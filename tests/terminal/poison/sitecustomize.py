"""Makes a trainer misbehave. Python imports this by itself where a test has put its folder into PYTHONPATH.

POISON holds words with commas between them, numbers after a colon, counted in trained batches from 1:
`slow:0.02` every batch takes so many seconds longer; `raise:5`, `talk:5`, `flood:5`, `stick:5` raise an error, write
to every kind of output, print more than a pipe takes, or never come back in that batch; `loud` prints a page in every
batch and adds a byte to the file `loud`; `mute` ends the trainer as it starts, `late:1` lets it start so many
seconds later; `lost` hides Python from whoever wants to start a trainer; `crash` makes the screen's own key "redraw"
fail; `patience:1` is how many seconds the screen waits for a trainer that shall stop; `weights` saves the trained
weights in the file `weights`; `watch` writes the id of each request that reaches a fit to the file `asked`, and how
many hooks a fit has left on its model to the file `hooks`.

FORKED names the socket of a process that starts trainers for a screen (tests/terminal/forked.py).
"""

from __future__ import annotations

import contextlib
import importlib.abc
import importlib.machinery
import logging
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

WORDS = {
    name: float(number or 0)
    for name, _, number in (word.partition(":") for word in os.environ.get("POISON", "").split(",") if word)
}


class Afterwards(importlib.abc.MetaPathFinder):
    """Calls `change(module)` when the module `name` has been imported."""

    def __init__(self, name: str, change: Callable[[ModuleType], None]) -> None:
        self.name, self.change = name, change

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self.name:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        assert spec is not None
        loader: Any = spec.loader
        execute = loader.exec_module

        def exec_module(module: ModuleType) -> None:
            execute(module)
            self.change(module)

        loader.exec_module = exec_module
        return spec


def afterwards(name: str, change: Callable[[Any], None]) -> None:
    """Call `change(module)` as soon as there is a module `name`, which may be now."""
    if name in sys.modules:
        change(sys.modules[name])
    else:
        sys.meta_path.insert(0, Afterwards(name, change))


def slow_linear(module: Any) -> None:
    """Let the first layer's training passes misbehave."""
    forward = module.Linear.forward
    batch = 0

    def misbehave(self: Any, images: Any) -> Any:
        nonlocal batch
        if self.training and self.in_features == 784:
            batch += 1
            time.sleep(WORDS.get("slow", 0.0))
            if batch == WORDS.get("raise"):
                raise ValueError(f"poisoned in batch {batch}")
            if batch == WORDS.get("talk"):
                talk()
            if batch == WORDS.get("flood"):
                print("x" * 200_000)
            if "loud" in WORDS:
                print("x" * 5000)
                with Path("loud").open("a") as file:
                    file.write(".")
            if batch == WORDS.get("stick"):
                os.write(2, b"stuck\n")
                time.sleep(600)
        return forward(self, images)

    module.Linear.forward = misbehave


def talk() -> None:
    """Write to everything that a program can write to."""
    print("spoken by print")
    print("spoken by sys.stderr", file=sys.stderr)
    with contextlib.suppress(OSError):  # a full disk, a reader that left: not ours to catch in such a program
        print("spoken by the original stdout", file=sys.__stdout__, flush=True)
        print("spoken by the original stderr", file=sys.__stderr__, flush=True)
    logging.getLogger("poison").warning("spoken by logging")
    warnings.warn("spoken by warnings", stacklevel=1)
    with contextlib.suppress(OSError):
        os.write(1, b"spoken by descriptor 1\n")
        os.write(2, b"spoken by descriptor 2\n")
    subprocess.run(["sh", "-c", "echo spoken by a subprocess; echo spoken by its stderr >&2"], check=False)
    print("\x1b[31mspoken in red\x1b[2J\x1b]0;title\x07")


def crash(module: Any) -> None:
    def fail(self: Any) -> None:
        raise RuntimeError("poisoned screen")

    module.MonitorApp.action_redraw = fail


def be_impatient(module: Any) -> None:
    module._STOPPING = WORDS["patience"]


def note_weights(module: Any) -> None:
    fit = module.Learner.fit

    def fit_and_note(self: Any, *args: Any, **kwargs: Any) -> None:
        fit(self, *args, **kwargs)
        import torch

        torch.save(self.model.state_dict(), "weights")

    module.Learner.fit = fit_and_note


def watch_requests(module: Any) -> None:
    submit = module.RunControl.submit

    def note(self: Any, request: Any) -> None:
        if not self.over:
            with Path("asked").open("a") as file:
                file.write(f"{request.id}\n")
        submit(self, request)

    module.RunControl.submit = note


def watch_hooks(module: Any) -> None:
    fit = module.Learner.fit
    kinds = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")

    def fit_and_count(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            fit(self, *args, **kwargs)
        finally:
            left = [(type(m).__name__, kind) for m in self.model.modules() for kind in kinds if getattr(m, kind)]
            Path("hooks").write_text(f"{len(left)} {left}")

    module.Learner.fit = fit_and_count


def fork_trainers(module: Any) -> None:
    """Let trainers be forked from a process that has torch: in `tui.launch`, a Popen with another start."""
    from functools import partial
    from types import SimpleNamespace

    from tests.terminal.forked import Forked

    names = {**vars(subprocess), "Popen": partial(Forked, os.environ["FORKED"])}
    module.subprocess = SimpleNamespace(**names)


CHANGES: dict[str, tuple[str, Callable[[Any], None]]] = {
    "crash": ("tui.app", crash),
    "patience": ("tui.show", be_impatient),
    "weights": ("miniai.learner", note_weights),
    "watch": ("miniai.learner", watch_hooks),
}
"""What a word changes, and in which module."""

if WORDS:
    logging.basicConfig(format="%(message)s")
    is_trainer = "miniai.trainer" in sys.orig_argv
    if is_trainer and "mute" in WORDS:
        os.write(2, b"poisoned: this trainer says nothing to anybody\n")
        os._exit(3)
    if is_trainer:
        time.sleep(WORDS.get("late", 0.0))
    if "lost" in WORDS and not is_trainer:
        sys.executable = "/nowhere/python"
    afterwards("torch.nn.modules.linear", slow_linear)
    if "watch" in WORDS:
        afterwards("miniai.run.control", watch_requests)
    for word, what in CHANGES.items():
        if word in WORDS:
            afterwards(*what)
if "FORKED" in os.environ and "lost" not in WORDS:
    afterwards("tui.launch", fork_trainers)
