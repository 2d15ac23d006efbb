"""What the tests of `export` share: a run directory with these facts, exported, and its files read back."""

from __future__ import annotations

import csv
from pathlib import Path

from miniai.run import events as ev
from miniai.run.directory import RunDir
from tests.tui.compared import make_run
from tui import cli
from tui.export_csv import write_csv
from tui.export_facts import RunFacts
from tui.export_files import Place

__all__ = ["Rows", "command", "exported", "of", "rows", "series"]

Rows = list[dict[str, str]]


def rows(path: Path) -> Rows:
    """The rows of a CSV file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def series(found: Rows, name: str) -> list[tuple[int, float]]:
    """Steps and values of one series among the rows of `scalars.csv`."""
    return [(int(row["step"]), float(row["value"])) for row in found if row["series"] == name]


def exported(run: RunDir, folder: Path) -> Path:
    """The folder, into which the run is written as CSV; files of before are replaced."""
    write_csv(RunFacts(run), Place(folder, force=True))
    return folder


def of(folder: Path, facts: list[ev.AnyFact]) -> RunDir:
    """A run directory with these facts."""
    return make_run(folder, "run", facts)


def command(root: Path, *words: str) -> int:
    """What the command exits with for the run called "run"."""
    return cli.main(["export", "--run-dir", str(root), "run", *words])
