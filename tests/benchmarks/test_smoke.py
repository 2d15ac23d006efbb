"""The benchmarks run and say something plausible; what they measure is no matter of a test."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from miniai.run import events as ev

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module(name)


def journal(path: Path) -> Path:
    """Two epochs: 10 training batches of 0.1 s, then 2 validation batches of 0.05 s each."""
    facts: list[ev.Fact] = [
        ev.RunStarted(at=0, schema=1, run="r", wall=1000.0, dataset="d", model="m", epochs=2, pid=1, host="h"),
        ev.FitStarted(
            at=0, epochs=2, model="m", parameters=1, device="cpu", batch_size=100, train_batches=10, valid_batches=2,
            lr=0.1, opt="sgd", metrics=[], layers=[],
        ),
    ]  # fmt: skip
    at, step = 0.0, 0
    for epoch in range(2):
        for phase, n, cost in (("train", 10, 0.1), ("valid", 2, 0.05)):
            half: ev.Phase = "train" if phase == "train" else "valid"
            facts.append(ev.EpochStarted(at=at, epoch=epoch, phase=half, batches=n, step=step))
            for _ in range(n):
                at = round(at + cost, 3)
                if half == "train":
                    step += 1
                    facts.append(ev.Scalars(at=at, name="loss", first=step, values=[1.0]))
            facts.append(
                ev.EpochEnded(
                    at=at, epoch=epoch, phase=half, metrics={}, batches=n, of=n, samples=n, seconds=n * cost, step=step
                )
            )
    path.write_bytes(b"".join(ev.encode(fact) + b"\n" for fact in facts))
    return path


def test_the_timeline_counts_validation_at_its_cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = load("journal_time", monkeypatch).Timeline(journal(tmp_path / "events.jsonl"))
    assert (line.train_batch, line.valid_batch) == pytest.approx((0.1, 0.05))
    images, seconds = line.images(999.0, 1003.0)
    assert (images, seconds) == (2200, pytest.approx(2.2)), "20 batches, and 4 of half the cost"
    images, seconds = line.images(1000.15, 1001.05)  # training only
    assert (images, seconds) == (800, pytest.approx(0.8))
    assert line.images(1000.01, 1000.11) == (0, 0.0), "one fact says nothing about speed"


def test_the_journals_values_are_counted_as_json_shows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    values = load("journal_cost", monkeypatch).values
    assert values({"is": "X", "a": 1, "b": [1.5, "nan", {"c": "inf"}], "d": True, "e": "text"}) == 4


def test_quantiles_are_values_that_were_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    quantile = load("table", monkeypatch).quantile
    hundred = list(range(1, 101))
    assert (quantile(hundred, 0.99), quantile(hundred, 0.5), quantile([7], 0.99)) == (99, 50, 7)


@pytest.mark.parametrize(
    ("script", "arguments", "said"),
    [
        ("help_time", ["--quick"], "miniai-tui fit --help"),
        ("attach_time", ["--steps", "4000", "--runs", "1"], "full screen after"),
        ("long_run", ["--steps", "2000"], "memory, and its peak"),
        ("loader_speed", ["--quick"], "with_transform"),
        ("learner_cost", ["--quick"], "a batch"),
        ("scratch_loader", ["--quick"], "two processes against one"),
        ("stats_cost", ["--quick", "--only", "every-8th"], "every-8th"),
        ("redraw_time", ["--quick"], "all panes"),
        ("checkpoint_cost", ["--quick"], "stood still"),
    ],
)
def test_a_benchmark_runs(script: str, arguments: list[str], said: str) -> None:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / f"{script}.py"), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert said in done.stdout
