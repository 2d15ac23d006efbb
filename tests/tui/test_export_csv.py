"""`export --to csv`: what stands in the files."""

from __future__ import annotations

import math
import tracemalloc
import unicodedata
from pathlib import Path

import pytest

from miniai.run import events as ev
from tests.tui.exported import exported, of, rows, series
from tests.tui.recorded import Recording
from tests.tui.test_panes_contract import EVIL
from tui.export_csv import FILES, write_csv
from tui.export_facts import RunFacts
from tui.export_files import Place


def test_nan_and_infinities_are_read_as_what_they_are(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    facts = [
        *Recording().start(),
        ev.EpochStarted(at=3, epoch=0, phase="train", batches=4, step=0),
        ev.Scalars(at=4, name="loss", first=1, values=[1.5, "nan", "inf", "-inf"]),
    ]
    out = exported(of(tmp_path, facts), tmp_path / "out")
    frame = pandas.read_csv(out / "scalars.csv")
    assert frame["value"].dtype == float
    assert frame["value"].tolist()[0] == 1.5
    assert math.isnan(frame["value"][1])
    assert frame["value"].tolist()[2:] == [math.inf, -math.inf]
    assert frame["step"].tolist() == [1, 2, 3, 4]


def test_names_from_outside_are_harmless_and_quoted(tmp_path: Path) -> None:
    name = 'a,"b"'
    facts = [
        *Recording().start(),
        ev.EpochEnded(at=4, epoch=0, phase="valid", metrics={"loss": 1.0, name: 0.5, EVIL: 0.25}, batches=1, of=1,
                      samples=1, seconds=1, step=1),
    ]  # fmt: skip
    out = exported(of(tmp_path, facts), tmp_path / "out")
    assert series(rows(out / "scalars.csv"), f"valid/{name}") == [(1, 0.5)]
    assert rows(out / "epochs.csv")[0][name] == "0.5"
    for file in out.iterdir():
        text = file.read_text()
        assert not [c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs"} and c != "\n"]


def test_the_columns_are_those_that_are_documented(tmp_path: Path) -> None:
    facts = [*Recording(epochs=1).whole()]
    facts[-1:-1] = [
        *Recording().sampled(2, gpus=2),
        ev.RatesTried(at=9, first=0, rates=[0.1, 0.2], losses=[1.0, "nan"]),
    ]
    out = exported(of(tmp_path, facts), tmp_path / "out")
    documented = (Path(__file__).parents[2] / "docs" / "export.md").read_text()
    for name, columns in FILES.items():
        head = (out / name).read_text().splitlines()[0].split(",")
        assert head[: len(columns)] == list(columns)
        for column in columns:
            assert f"`{column}`" in documented
        assert f"`{name}`" in documented
    assert len(rows(out / "system.csv")) == 4  # two samples of two GPUs
    assert [row["loss"] for row in rows(out / "rates.csv")] == ["1.0", "nan"]


def test_a_long_run_needs_little_memory(tmp_path: Path) -> None:
    """50,000 steps: the rows pass through, they are not gathered."""
    facts = [*Recording().start(), ev.EpochStarted(at=3, epoch=0, phase="train", batches=50_000, step=0)]
    facts += [ev.Scalars(at=4 + i, name="loss", first=1 + 50 * i, values=[0.5] * 50) for i in range(1000)]
    run = of(tmp_path, facts)
    tracemalloc.start()
    try:
        assert write_csv(RunFacts(run), Place(tmp_path / "out", force=False)) == 50_000
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
