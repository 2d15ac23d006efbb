"""A run as CSV: every value of its journal, in files that a spreadsheet or a data frame reads as they are."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

from miniai.run import events as ev
from miniai.run.machine import GpuUse
from tui.export_facts import Points, RunFacts
from tui.export_files import Place, whole_file
from tui.text import clean

__all__ = ["FILES", "write_csv"]

FILES: dict[str, tuple[str, ...]] = {
    "scalars.csv": ("step", "epoch", "time_s", "series", "value"),
    "epochs.csv": ("epoch", "half", "ended", "step", "time_s", "batches", "of", "samples", "seconds"),
    "layers.csv": (
        "step", "time_s", "layer", "name", "kind", "mean", "std", "near_zero", "nonfinite", "grad_norm", "update_ratio",
    ),
    "system.csv": (
        "time_s", "cpu", "memory_mib", "process_cpu", "process_memory_mib", "disk_free_mib", "gpu", "gpu_use",
        "gpu_memory_mib", "gpu_temperature_c", "gpu_power_w",
    ),
    "rates.csv": ("batch", "rate", "loss"),
}  # fmt: skip
"""Files and their columns; epochs.csv has one more for each metric. The first two are always written."""
ALWAYS = 2


def write_csv(facts: RunFacts, place: Place) -> int:
    """Write the files into the folder; returns how many rows there are in all."""
    folder = place.folder(list(FILES))
    with ExitStack() as stack:
        tables = _Tables(folder, facts.metrics, stack)
        for name in list(FILES)[:ALWAYS]:
            tables.open(name)
        for fact in facts.points():
            tables.take(fact)
    place.written += [folder / name for name in tables.used]
    return tables.rows


class _Tables:
    """The files, each opened with its first row."""

    def __init__(self, folder: Path, metrics: Sequence[str], stack: ExitStack) -> None:
        self.folder, self.metrics, self.stack = folder, metrics, stack
        self.rows = 0
        self._files: dict[str, _Table] = {}
        self._layers: Sequence[ev.Layer] = ()

    @property
    def used(self) -> list[str]:
        return list(self._files)

    def open(self, name: str) -> _Table:
        if name not in self._files:
            columns = (*FILES[name], *self.metrics) if name == "epochs.csv" else FILES[name]
            table = _Table(self.stack.enter_context(whole_file(self.folder / name)), columns)
            self.stack.callback(table.flush)  # before the file is closed, whatever ends the writing
            self._files[name] = table
        return self._files[name]

    def write(self, name: str, rows: Iterable[Sequence[Any]]) -> None:
        self.rows += self.open(name).write(rows)

    def take(self, fact: Points | ev.AnyFact) -> None:
        match fact:
            case Points():
                rows = zip(fact.steps, fact.times, fact.values, strict=True)
                self.write("scalars.csv", [(step, fact.epoch, round(at, 3), fact.series, v) for step, at, v in rows])
            case ev.FitStarted():
                self._layers = fact.layers
            case ev.EpochEnded():
                self.write("epochs.csv", [_epoch(fact, self.metrics)])
            case ev.LayersMeasured():
                self.write("layers.csv", _layers(fact, self._layers))
            case ev.SystemSampled():
                self.write("system.csv", _system(fact))
            case ev.RatesTried():
                pairs = zip(fact.rates, fact.losses, strict=False)
                self.write("rates.csv", [(i, rate, loss) for i, (rate, loss) in enumerate(pairs, fact.first + 1)])


class _Table:
    """Rows on their way into a file."""

    def __init__(self, file: BinaryIO, columns: Sequence[str]) -> None:
        self._text = io.TextIOWrapper(file, encoding="utf-8", newline="")
        self._writer = csv.writer(self._text, lineterminator="\n")
        self._writer.writerow(columns)

    def write(self, rows: Iterable[Sequence[Any]]) -> int:
        """Returns how many there were."""
        listed = list(rows)
        self._writer.writerows(listed)
        return len(listed)

    def flush(self) -> None:
        """Hand all to the file, which stays open."""
        self._text.detach()


def _epoch(fact: ev.EpochEnded, metrics: Sequence[str]) -> list[Any]:
    values = {clean(name, 40): value for name, value in fact.metrics.items()}
    done = [fact.batches, fact.of, fact.samples, fact.seconds]
    return [fact.epoch + 1, fact.phase, fact.ended, fact.step, fact.at, *done, *(values.get(n) for n in metrics)]


def _layers(fact: ev.LayersMeasured, layers: Sequence[ev.Layer]) -> Iterable[list[Any]]:
    def one(values: Sequence[Any], i: int) -> Any:
        return values[i] if i < len(values) else None

    lists = (fact.means, fact.stds, fact.near_zero, fact.nonfinite, fact.grads, fact.ratios)
    for i, layer in enumerate(layers[: len(fact.means)]):
        names = clean(layer.name, 200), clean(layer.kind, 60)
        yield [fact.step, fact.at, i, *names, *(one(values, i) for values in lists)]


def _system(fact: ev.SystemSampled) -> Iterable[list[Any]]:
    """One row for each GPU; one without any where there is none."""
    row = [fact.at, fact.cpu, fact.memory, fact.process_cpu, fact.process_memory, fact.disk_free]
    if not fact.gpus:
        yield row + [None] * 5
    for i, gpu in enumerate(fact.gpus):
        yield [*row, i, *_gpu(gpu)]


def _gpu(gpu: GpuUse) -> tuple[Any, ...]:
    return gpu.busy, gpu.memory, gpu.temperature, gpu.power
