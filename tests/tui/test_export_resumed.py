"""`export` of a run that was resumed, and of journals that hold what it cannot read."""

from __future__ import annotations

from pathlib import Path

import pytest

from miniai.run import events as ev
from tests.tui.compared import make_run, resumed
from tests.tui.exported import exported, rows
from tests.tui.recorded import Recording
from tui import cli, export_csv
from tui.export_facts import Points, RunFacts


def measured(step: int, norm: float) -> ev.LayersMeasured:
    fields = {"means": [0.1] * 3, "stds": [1.0] * 3, "near_zero": [0.2] * 3, "nonfinite": [0] * 3}
    return ev.LayersMeasured(at=float(step), step=step, grad_norm=norm, **fields)  # type: ignore[arg-type]


def test_measurements_that_were_replaced_are_left_out(tmp_path: Path) -> None:
    before = [*Recording().start(), measured(4, 0.4), measured(8, 0.8), measured(12, 1.2)]
    run = make_run(tmp_path, "run", resumed(before, 8, [measured(9, 0.9), measured(12, 5.5)]))
    layers = rows(exported(run, tmp_path / "out") / "layers.csv")
    assert [row["step"] for row in layers if row["layer"] == "0"] == ["4", "8", "9", "12"]
    scalars = rows(exported(run, tmp_path / "out") / "scalars.csv")
    norms = [(row["step"], row["value"]) for row in scalars if row["series"] == "train/grad_norm"]
    assert norms == [("4", "0.4"), ("8", "0.8"), ("9", "0.9"), ("12", "5.5")]


def test_values_after_a_resume_lie_after_it(tmp_path: Path) -> None:
    before = [
        *Recording().start(),
        ev.EpochStarted(at=3, epoch=0, phase="train", batches=9, step=0),
        ev.Scalars(at=4, name="loss", first=1, values=[1.0, 1.0]),
        ev.Progressed(at=50, epoch=0, phase="train", batch=9, samples=9, seconds=9, waited=0, metrics={}),
    ]
    again = ev.Scalars(at=52, name="loss", first=3, values=[1.0, 1.0])
    run = make_run(tmp_path, "run", resumed(before, 2, [again]))  # what was lost took from 4 to 50
    found = [p for p in RunFacts(run).points() if isinstance(p, Points)]
    assert [at for p in found for at in p.times] == [3.5, 4.0, 51.0, 52.0]


def test_rates_are_counted_from_the_first_batch(tmp_path: Path) -> None:
    tried = [ev.RatesTried(at=3, first=0, rates=[0.1, 0.2], losses=[1.0, "nan"])]
    tried += [ev.RatesTried(at=4, first=2, rates=[0.4], losses=[0.5])]
    run = make_run(tmp_path, "run", [*Recording().start(), *tried])
    found = rows(exported(run, tmp_path / "out") / "rates.csv")
    assert [tuple(row.values()) for row in found] == [("1", "0.1", "1.0"), ("2", "0.2", "nan"), ("3", "0.4", "0.5")]


def test_what_could_not_be_read_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = make_run(tmp_path, "run")
    run.journal.write_bytes(run.journal.read_bytes() + b'{"is":"Later","at":1}\nnonsense\n')
    assert cli.main(["export", str(run.path), "--to", "csv", "-o", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.endswith("; 2 lines of the journal could not be read and were left out\n")


@pytest.mark.parametrize("to", ["csv", "json", "svg", "tensorboard"])
def test_a_journal_of_something_else_is_one_line_in_every_form(
    to: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(tmp_path, "run", [])
    run.journal.write_bytes(b"nonsense\n")
    assert cli.main(["export", str(run.path), "--to", to, "-o", str(tmp_path / "out")]) == 1
    assert "does not begin with a run's start" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_ctrl_c_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> list[object]:
        raise KeyboardInterrupt

    run = make_run(tmp_path, "run")
    monkeypatch.setattr(export_csv, "_epoch", interrupt)
    assert cli.main(["export", str(run.path), "--to", "csv", "-o", str(tmp_path / "out")]) == 130
    assert capsys.readouterr().err == "miniai-tui: interrupted: nothing was written\n"
    assert list((tmp_path / "out").iterdir()) == []
