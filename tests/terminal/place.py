"""Place: the folder in which one test starts commands and looks at the runs they make."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil

from tests.terminal.forked import Forked
from tests.terminal.term import Term

ROOT = Path(__file__).resolve().parents[2]
POISON = Path(__file__).with_name("poison")
BS = 20
BATCHES = 100
"""Training batches of an epoch with the batch size `BS`."""
Fact = dict[str, Any]


class Place:
    """Starts commands in `folder`, in terminals and without; ends in `clear_up` whatever still runs."""

    def __init__(self, folder: Path, data: Path) -> None:
        self.folder, self.data = folder, data
        self.runs = folder / "runs"
        self.server = ""
        """Socket of the process that forks what trains, for tests of what comes after the start; see `forked.py`."""
        self._terms: list[Term] = []
        self._processes: list[subprocess.Popen[bytes]] = []

    # -- start -----------------------------------------------------------------------------------------------------

    def env(self, poison: str = "", **more: str) -> dict[str, str]:
        """The environment of a command. PYTHONUNBUFFERED is not in it: it hides bugs."""
        drop = ("PYTHON", "COLUMNS", "LINES", "NO_COLOR", "TERM", "LC_", "LANG", "TMUX", "XDG_", "HF_", "TEXTUAL")
        env = {name: value for name, value in os.environ.items() if not name.startswith(drop)}
        env |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "HF_HUB_OFFLINE": "1"}
        env |= {"XDG_CACHE_HOME": str(self.folder / "cache"), "OMP_NUM_THREADS": "1"}
        env |= {f"XDG_{name}_HOME": str(self.folder / name.lower()) for name in ("CONFIG", "STATE")}
        if poison:
            env |= {"PYTHONPATH": str(POISON), "POISON": poison}
        if self.server:
            env |= {"PYTHONPATH": f"{POISON}:{ROOT}", "FORKED": self.server}
        return env | more

    def fit(self, *options: str, epochs: int = 100) -> list[str]:
        """The command line of a fit on the tiny data."""
        return [
            *self.command("fit", "fashion", "--data-dir", str(self.data), "--threads", "1"),
            *("--model", "mlp", "--bs", str(BS), "--lr", "0.01", "--epochs", str(epochs), *options),
        ]

    def command(self, *words: str) -> list[str]:
        """The command line of any command of ours."""
        return [sys.executable, "-m", "tui", *words]

    def term(self, argv: Sequence[str], poison: str = "slow:0.02", **more: Any) -> Term:
        """A command in a terminal."""
        term = Term(argv, self.folder, self.env(poison), server=self._server(argv, True), **more)
        self._terms.append(term)
        return term

    def process(self, argv: Sequence[str], poison: str = "slow:0.02", **more: Any) -> subprocess.Popen[bytes]:
        """A command without a terminal, in a process group of its own."""
        more = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        more |= {"cwd": self.folder, "env": self.env(poison), "start_new_session": True}
        server = self._server(argv, False)
        process = Forked(server, argv, **more) if server else subprocess.Popen(argv, **more)
        self._processes.append(process)
        return process

    def _server(self, argv: Sequence[str], terminal: bool) -> str:
        """Who starts this command: the process that forks, where the command itself trains."""
        trains = argv[1:3] == ["-m", "tui"] and argv[3] in ("fit", "lr-find") and "--detach" not in argv
        return self.server if trains and (not terminal or {"--headless", "thread"} & {*argv}) else ""

    # -- look ------------------------------------------------------------------------------------------------------

    @property
    def run(self) -> Path:
        """The one run of this place."""
        (run,) = self.runs.iterdir()
        return run

    def facts(self, *kinds: str) -> list[Fact]:
        """The journal so far, or its facts of some kinds; every whole line must be readable."""
        journals = list(self.runs.glob("*/events.jsonl"))
        if not journals:
            return []
        lines = journals[0].read_bytes().split(b"\n")[:-1]
        facts: list[Fact] = [json.loads(line) for line in lines]
        for fact in facts:
            if fact["is"] == "EpochEnded":
                fact.setdefault("ended", "complete")  # defaults are not written
        return [fact for fact in facts if not kinds or fact["is"] in kinds]

    @property
    def step(self) -> int:
        """The step of the newest training loss in the journal."""
        last = [f for f in self.facts("Scalars") if f["name"] == "loss"][-1:]
        return sum(f["first"] + len(f["values"]) - 1 for f in last)

    @property
    def ended(self) -> str:
        """How the run ended, by its journal; empty if it has not."""
        return "".join(f["reason"] for f in self.facts("FitEnded"))

    @property
    def log(self) -> str:
        """What the trained program wrote."""
        return (self.run / "log.txt").read_text()

    def info(self) -> Fact:
        """What `run.json` holds."""
        info: Fact = json.loads((self.run / "run.json").read_text())
        return info

    def trainer(self) -> psutil.Process:
        """The process that trains, or that did so last."""
        return psutil.Process(self.facts("RunStarted", "RunResumed")[-1]["pid"])

    def trainers(self) -> list[psutil.Process]:
        """The trainer processes of this place, also those that have not said a word yet."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            words = process.info["cmdline"] or []
            if "miniai.trainer" in words and any(word.startswith(str(self.runs)) for word in words):
                found.append(process)
        return found

    def trainer_is_gone(self) -> bool:
        """Whether the process that trained has ended."""
        try:
            return self.trainer().status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    # -- end -------------------------------------------------------------------------------------------------------

    def clear_up(self) -> None:
        """End what this test started, and nothing else."""
        for term in self._terms:
            term.close()
        for process in self._processes:
            process.kill()
            process.wait(10)
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
        for pid in self._pids():
            with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
                trainer = psutil.Process(pid)
                forked = self.server in trainer.cmdline() if self.server else False
                if forked or trainer.environ().get("XDG_CACHE_HOME") == str(self.folder / "cache"):
                    os.kill(trainer.pid, signal.SIGKILL)

    def _pids(self) -> set[int]:
        """The trainers of all runs of this place, by their journals."""
        lines = [line for file in self.runs.glob("*/events.jsonl") for line in file.read_bytes().split(b"\n")[:-1]]
        facts = [json.loads(line) for line in lines if b'"is":"Run' in line]
        return {fact["pid"] for fact in facts if fact.get("pid")}


def eventually(condition: Callable[[], object], what: str, timeout: float = 30.0) -> None:
    """Wait for a condition where there is no terminal to read meanwhile."""
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, f"not within {timeout} s: {what}"
        time.sleep(0.02)
