"""The journal's bytes and its cost: the same training with the journal written and with its facts thrown away.

`python benchmarks/journal_cost.py [--model mlp conv] [--pairs 20] [--seconds 1.5] [--quick]`

The real fit (`miniai.fitting`, all callbacks, all 60,000 images, one torch thread) runs headless in this process.
Windows of whole epochs take turns within the one run: the facts are written to a journal, or dropped. Two answers:
the ratio of the windows' speeds, and the time spent inside `Journal.write` against the time of its windows, which is
finer than the ratio can be. The bytes are those of the journal that was written, by kind of fact: a line of so many
numeric values (as JSON shows them, non-finite ones included) may have 60 bytes, and 11 for each value.

Bounds: bytes <= 60 a line + 11 a value, over all lines; cost <= 1 % of the training time.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
from pairs import Ratios, Window
from table import show, spread

from miniai.config import RunConfig
from miniai.fitting import Fitting
from miniai.run.control import RunControl
from miniai.run.directory import create_run
from miniai.run.events import EpochEnded, Fact
from miniai.run.journal import Journal
from miniai.run.reporter import Reporter


class Switch:
    """A listener that writes to the journal in every other window of whole epochs, and times itself."""

    def __init__(self, journal: Journal, control: RunControl, pairs: int, seconds: float) -> None:
        self.journal, self.control, self.pairs, self.seconds = journal, control, pairs, seconds
        self.windows: dict[bool, list[Window]] = {True: [], False: []}
        self.shares: list[float] = []
        """Time inside `write` over the time of each window that writes."""
        self.writing = True
        self._warm = False
        self._begin()

    def _begin(self) -> None:
        self._start, self._cpu = time.perf_counter(), time.process_time()
        self._images, self._spent = 0, 0.0

    def __call__(self, fact: Fact) -> None:
        """Write or drop one fact; the end of a validation may end the window."""
        if self.writing:
            start = time.perf_counter()
            self.journal.write(fact)
            self._spent += time.perf_counter() - start
        if isinstance(fact, EpochEnded):
            self._images += fact.samples if fact.phase == "train" else 0
            if fact.phase == "valid" and time.perf_counter() - self._start >= self.seconds:
                self._end()

    def _end(self) -> None:
        seconds = time.perf_counter() - self._start
        if self._warm:
            self.windows[self.writing].append(Window(self._images, seconds, time.process_time() - self._cpu))
            if self.writing:
                self.shares.append(self._spent / seconds)
            done = len(self.windows[True]) + len(self.windows[False])
            self.writing = done % 4 in (0, 3)  # A B, B A, ...
            if done >= 2 * self.pairs:
                self.control.stop()
        self._warm = True
        self._begin()


def fit(folder: Path, model: str, pairs: int, seconds: float) -> tuple[Switch, Path]:
    """One run; returns the listener and the journal's path."""
    config = RunConfig(model=model, epochs=1_000_000, threads=1, device="cpu")
    run, control = create_run(folder, config), RunControl()
    journal = Journal(run.journal)
    switch = Switch(journal, control, pairs, seconds)
    Fitting(run, config, control, Reporter([switch])).run()
    journal.close()
    return switch, run.journal


def values(what: Any) -> int:
    """How many numeric values a decoded line holds."""
    if isinstance(what, str):
        return int(what in ("nan", "inf", "-inf"))
    if isinstance(what, dict):
        return sum(values(v) for v in what.values())
    if isinstance(what, list):
        return sum(map(values, what))
    return int(isinstance(what, (int, float)) and not isinstance(what, bool))


def sizes(journal: Path) -> list[tuple[str, str, str]]:
    """Bytes against what they may be, over all and by kind."""
    lines: Counter[str] = Counter()
    bytes_: Counter[str] = Counter()
    numbers: Counter[str] = Counter()
    with journal.open("rb") as file:
        for line in file:
            fact = msgspec.json.decode(line)
            for kind in (fact["is"], ""):
                lines[kind] += 1
                bytes_[kind] += len(line)
                numbers[kind] += values(fact)
    rows = []
    for kind, count in sorted(lines.items(), key=lambda item: -bytes_[item[0]]):
        share = bytes_[kind] / (60 * count + 11 * numbers[kind])
        text = f"{share:.2f}   {bytes_[kind]:,} bytes, {count:,} lines, {numbers[kind]:,} values"
        rows.append((f"  {kind or 'all'}: bytes / (60 a line + 11 a value)", text, "" if kind else "<= 1"))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", nargs="+", choices=["mlp", "conv"], default=["mlp", "conv"])
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--quick", action="store_true", help="a smoke run: 2 pairs, mlp")
    args = parser.parse_args()
    if args.quick:
        args.model, args.pairs = ["mlp"], 2
    for model in args.model:
        with tempfile.TemporaryDirectory() as folder:
            switch, journal = fit(Path(folder), model, args.pairs, args.seconds)
            ratios = Ratios(switch.windows[True], switch.windows[False])
            rows = [
                ("time inside Journal.write / time", spread(switch.shares, decimals=5), "<= 0.01"),
                ("speed with / without the journal", spread(ratios.values), ">= 0.99"),
                ("CPU an image without / with", spread(ratios.cpu_values), ""),
                *sizes(journal),
            ]
        show(f"journal, {model}", rows)


if __name__ == "__main__":
    main()
