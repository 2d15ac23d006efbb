"""`export`: what holds of a journal, as CSV, JSON and pictures; whole files or none."""

from __future__ import annotations

import csv
import json
import math
import os
import subprocess
import sys
import unicodedata
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miniai.errors import RunError, UsageError
from miniai.run import events as ev
from miniai.run.directory import RunDir
from tests.tui.compared import lines, make_run, resumed
from tests.tui.recorded import Recording
from tests.tui.test_panes_contract import EVIL
from tui import cli
from tui.export_csv import FILES, write_csv
from tui.export_facts import Points, RunFacts
from tui.export_files import Place, whole_file

Rows = list[dict[str, str]]


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What drawing a picture sets for its process is taken back."""
    monkeypatch.setenv("TEXTUAL_COLOR_SYSTEM", "auto")
    monkeypatch.setenv("NO_COLOR", "1")


def rows(path: Path) -> Rows:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def series(found: Rows, name: str) -> list[tuple[int, float]]:
    return [(int(row["step"]), float(row["value"])) for row in found if row["series"] == name]


def exported(run: RunDir, folder: Path) -> Path:
    write_csv(RunFacts(run), Place(folder, force=False))
    return folder


def of(folder: Path, facts: list[ev.AnyFact]) -> RunDir:
    return make_run(folder, "run", facts)


# -- what holds --------------------------------------------------------------------------------------------------------


def test_every_value_of_the_journal_is_there_once(tmp_path: Path) -> None:
    facts = [*Recording(epochs=3).whole()]
    out = exported(of(tmp_path, facts), tmp_path / "out")
    wanted = [
        (f.first + i, float(v)) for f in facts if isinstance(f, ev.Scalars) for i, v in enumerate(f.values)
    ]  # fmt: skip
    found = rows(out / "scalars.csv")
    assert series(found, "train/loss") == wanted
    ends = [f for f in facts if isinstance(f, ev.EpochEnded)]
    for half, name in (("train", "accuracy"), ("valid", "accuracy"), ("valid", "loss")):
        values = [(f.step, float(f.metrics[name])) for f in ends if f.phase == half]
        assert series(found, f"{half}/{name}") == values
    assert [row["epoch"] for row in found if row["series"] == "valid/loss"] == ["1", "2", "3"]
    epochs = rows(out / "epochs.csv")
    assert [(r["epoch"], r["half"], r["samples"]) for r in epochs[:2]] == [
        ("1", "train", "60416"),
        ("1", "valid", "10240"),
    ]
    assert len(rows(out / "layers.csv")) == 9 * sum(isinstance(f, ev.LayersMeasured) for f in facts)


def test_times_grow_and_end_where_the_report_came(tmp_path: Path) -> None:
    facts = [*Recording(epochs=2).whole()]
    found = [f for f in RunFacts(of(tmp_path, facts)).points() if isinstance(f, Points) and f.series == "train/loss"]
    times = [at for piece in found for at in piece.times]
    assert times == sorted(times)
    reports = [f.at for f in facts if isinstance(f, ev.Scalars)]
    assert [piece.times[-1] for piece in found] == pytest.approx(reports)
    assert times[0] == pytest.approx(3.0 + 0.041)  # the epoch began at 3 s, a batch takes 41 ms


def test_a_pause_is_not_spread_over_the_values_before_it(tmp_path: Path) -> None:
    start = [*Recording().start()]
    facts = [
        *start,
        ev.EpochStarted(at=3, epoch=0, phase="train", batches=9, step=0),
        ev.Scalars(at=4, name="loss", first=1, values=[1.0, 1.0]),
        ev.Paused(at=4, epoch=0, phase="train", batch=2, step=2),
        ev.Continued(at=100, paused=96),
        ev.Scalars(at=101, name="loss", first=3, values=[1.0, 1.0]),
    ]
    found = [p for p in RunFacts(of(tmp_path, facts)).points() if isinstance(p, Points)]
    assert [at for p in found for at in p.times] == [3.5, 4.0, 100.5, 101.0]


def twice() -> list[ev.AnyFact]:
    """A run that came to step 178, was resumed at step 150 and then went on to its end."""
    first, again = Recording(epochs=2, every=7), Recording(epochs=2, every=7, seed=9)
    before = [*first.until(1, 60)]
    again.step, again.at = 150, first.at
    after = [*again.half(1, "train", stop_at=86), again.ended(1, "train", 118, 118, 512, 4.0, 0.5)]
    return resumed(before, 150, [*[*again.start()][1:], *after, *again.half(1, "valid")])


def test_what_a_resumed_run_replaced_is_left_out(tmp_path: Path) -> None:
    facts = twice()
    found = rows(exported(of(tmp_path, facts), tmp_path / "out") / "scalars.csv")
    loss = series(found, "train/loss")
    assert [step for step, _ in loss] == list(range(1, 237))
    at = next(i for i, f in enumerate(facts) if isinstance(f, ev.RunResumed))
    old = {f.first + i: float(v) for f in facts[:at] if isinstance(f, ev.Scalars) for i, v in enumerate(f.values)}
    new = {f.first + i: float(v) for f in facts[at:] if isinstance(f, ev.Scalars) for i, v in enumerate(f.values)}
    assert dict(loss) == {**{s: v for s, v in old.items() if s <= 150}, **new}
    epochs = rows(tmp_path / "out" / "epochs.csv")
    assert [(r["epoch"], r["half"]) for r in epochs] == [("1", "train"), ("1", "valid"), ("2", "train"), ("2", "valid")]
    steps = [int(r["step"]) for r in rows(tmp_path / "out" / "layers.csv")]
    assert steps == sorted(steps)


def test_a_half_that_was_stopped_and_goes_on_has_no_end_yet(tmp_path: Path) -> None:
    first = Recording(epochs=2)
    before = [*first.until(1, 60)]
    stopped = msgspec.structs.replace(first.ended(1, "train", 60, 118, 512, 3.0, 0.5), ended="stopped")
    again = Recording(epochs=2, seed=9)
    again.step, again.at = 178, first.at
    facts = resumed([*before, stopped], 178, [*again.half(1, "train", stop_at=8)])
    out = exported(of(tmp_path, facts), tmp_path / "out")
    assert [(r["epoch"], r["half"]) for r in rows(out / "epochs.csv")] == [("1", "train"), ("1", "valid")]
    assert [step for step, _ in series(rows(out / "scalars.csv"), "train/loss")] == list(range(1, 187))


@pytest.mark.parametrize(("batch", "off", "stays"), [(0, True, True), (4, False, True), (2, False, False)])
def test_a_half_that_was_left_out_is_over_where_the_run_goes_on_behind_it(
    tmp_path: Path, batch: int, off: bool, stays: bool
) -> None:
    first = Recording(epochs=2)
    before = [*first.until(1, 0)]
    skipped = msgspec.structs.replace(
        first.ended(1, "train", 0 if off else 4, 118, 512, 0.0, 0.5), ended="skipped", off=off, step=118
    )
    resume = ev.RunResumed(at=first.at, step=118, epoch=1, phase="train", batch=batch)
    out = exported(of(tmp_path, [*before, skipped, resume]), tmp_path / "out")
    assert ("2" in [row["epoch"] for row in rows(out / "epochs.csv")]) == stays


@given(stretches=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 30), st.integers(1, 7)), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_any_chain_of_resumes_leaves_what_a_reader_would_keep(
    stretches: list[tuple[int, int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The model: a dictionary from which each resume drops the later steps."""
    facts: list[ev.AnyFact] = [*Recording().start()]
    kept: dict[int, float] = {}
    at, value = 3.0, 0.0
    for n, (back, length, every) in enumerate(stretches):
        step = max(max(kept, default=0) - back, 0)
        if n:
            facts.append(ev.RunResumed(at=at, step=step, epoch=0, phase="train"))
            kept = {s: v for s, v in kept.items() if s <= step}
        else:
            step = 0
        facts.append(ev.EpochStarted(at=at, epoch=0, phase="train", batches=99, step=step))
        for first in range(step + 1, step + 1 + length, every):
            values = [value + i for i in range(min(every, step + 1 + length - first))]
            at, value = at + 1, value + len(values)
            facts.append(ev.Scalars(at=at, name="loss", first=first, values=[*values]))
            kept |= {first + i: v for i, v in enumerate(values)}
    run = make_run(tmp_path_factory.mktemp("chain"), "run", facts)
    found = [p for p in RunFacts(run).points() if isinstance(p, Points)]
    assert {s: float(v) for p in found for s, v in zip(p.steps, p.values, strict=True)} == kept
    assert max(Counter(s for p in found for s in p.steps).values()) == 1


def test_a_torn_tail_is_left_out_and_foreign_lines_are_counted(tmp_path: Path) -> None:
    run = of(tmp_path, [*Recording(epochs=1).whole()])
    with run.journal.open("ab") as file:
        file.write(b'{"is":"Invented","at":1}\n\x00\xff\n{"is":"Scalars","name":"loss","first":9')
    facts = RunFacts(run)
    assert len([*facts.facts()]) == len([*Recording(epochs=1).whole()])
    assert facts.unreadable == 2


def test_what_is_written_after_the_first_look_waits(tmp_path: Path) -> None:
    run = of(tmp_path, [*Recording().until(0, 40)])
    facts = RunFacts(run)
    before = len([*facts.facts()])
    with run.journal.open("ab") as file:
        file.write(lines([ev.RunResumed(at=9, step=1), ev.FitEnded(at=9, reason="done", step=1)]))
    assert len([*facts.facts()]) == before


@pytest.mark.parametrize("content", [None, b"", b"nonsense\n", b'{"is":"RunSta'])
def test_a_journal_with_nothing_to_read_is_one_clear_error(tmp_path: Path, content: bytes | None) -> None:
    run = of(tmp_path, [])
    if content is None:
        run.journal.unlink()
    else:
        run.journal.write_bytes(content)
    with pytest.raises(RunError, match=r"events\.jsonl"):
        RunFacts(run)


# -- CSV ---------------------------------------------------------------------------------------------------------------


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


# -- files -------------------------------------------------------------------------------------------------------------


def test_nothing_is_replaced_unless_asked(tmp_path: Path) -> None:
    run = of(tmp_path, [*Recording(epochs=1).whole()])
    out = exported(run, tmp_path / "out")
    (out / "scalars.csv").write_text("mine")
    (out / "other.txt").write_text("kept")
    with pytest.raises(UsageError, match="--force"):
        write_csv(RunFacts(run), Place(out, force=False))
    assert (out / "scalars.csv").read_text() == "mine"
    write_csv(RunFacts(run), Place(out, force=True))
    assert len(rows(out / "scalars.csv")) > 100
    assert (out / "other.txt").read_text() == "kept"


def test_a_file_that_cannot_be_finished_is_not_there(tmp_path: Path) -> None:
    def write(error: Exception) -> None:
        with whole_file(tmp_path / "x") as file:
            file.write(b"half")
            raise error

    with pytest.raises(RunError, match=r"cannot write .*x: No space left"):
        write(OSError(28, "No space left on device"))
    with pytest.raises(KeyError):
        write(KeyError())
    assert list(tmp_path.iterdir()) == []


def test_a_place_of_the_wrong_kind_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="is a file"):
        Place(tmp_path / "file", force=True).folder(["a"])
    with pytest.raises(UsageError, match="is a folder"):
        Place(tmp_path, force=True).file()
    with pytest.raises(RunError, match="cannot write"):
        Place(tmp_path / "file" / "deeper", force=True).folder(["a"])
    with pytest.raises(UsageError, match="not to the standard output"):
        Place(Path("-"), force=True)


def test_devices_and_pipes_are_never_replaced_and_links_stay_links(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError, match="no plain file"):
        Place(tmp_path / "pipe", force=True).file()
    with pytest.raises(UsageError, match="no plain file"):
        Place(Path(os.devnull), force=True).file()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with whole_file(Place(tmp_path / "link", force=True).file()) as file:
        file.write(b"x")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"x"


# -- the command -------------------------------------------------------------------------------------------------------


def command(root: Path, *words: str) -> int:
    return cli.main(["export", "--run-dir", str(root), "run", *words])


@pytest.mark.parametrize("to", ["csv", "tensorboard", "json"])
def test_the_command_writes_and_says_where(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, to: str
) -> None:
    of(tmp_path / "runs", [*Recording(epochs=1).whole()])
    monkeypatch.chdir(tmp_path)
    assert command(tmp_path / "runs", "--to", to) == 0
    said = capsys.readouterr().out
    assert said.startswith("wrote ")
    assert "has not ended" not in said
    assert command(tmp_path / "runs", "--to", to) == 2
    assert "--force" in capsys.readouterr().err
    assert command(tmp_path / "runs", "--to", to, "--force") == 0
    default = {"csv": "run-csv/scalars.csv", "tensorboard": "tensorboard/run", "json": "run.json"}[to]
    assert (tmp_path / default).exists()


def test_a_run_that_goes_on_is_written_so_far(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    of(tmp_path, [*Recording().until(0, 40)])
    assert command(tmp_path, "--to", "csv", "-o", str(tmp_path / "out")) == 0
    assert "the run has not ended: this is how far it was" in capsys.readouterr().out
    assert len(series(rows(tmp_path / "out" / "scalars.csv"), "train/loss")) == 40


def test_json_has_settings_results_and_epochs(tmp_path: Path) -> None:
    facts = [*Recording(epochs=2, nan_at=200).whole()]
    of(tmp_path, facts)
    assert command(tmp_path, "--to", "json", "-o", str(tmp_path / "run.json")) == 0
    told = json.loads((tmp_path / "run.json").read_text())
    assert told["id"] == "run"
    assert told["settings"]["lr"] == 0.2
    assert told["results"]["epochs"] == {"done": 2, "of": 2}
    assert [(row["epoch"], row["half"]) for row in told["epochs"]] == [
        (1, "train"),
        (1, "valid"),
        (2, "train"),
        (2, "valid"),
    ]
    assert told["epochs"][2]["metrics"]["loss"] == "nan"
    assert told["epochs"][0]["ended"] == "complete"


def test_json_of_a_folder_whose_name_is_no_utf8(tmp_path: Path) -> None:
    odd = os.fsdecode(b"odd\xff")
    try:
        run = make_run(tmp_path / odd, "run")
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    assert cli.main(["export", str(run.path), "--to", "json", "-o", str(tmp_path / "run.json")]) == 0
    assert json.loads((tmp_path / "run.json").read_text())["path"] == str(run.path)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_picture_is_the_screen_at_that_size(tmp_path: Path, theme: str) -> None:
    of(tmp_path, [*Recording(epochs=2).whole()])
    out = tmp_path / "a.svg"
    words = ["--run-dir", str(tmp_path), "--size", "100x30", "--theme", theme, "--keys", "y"]
    env = {"NO_COLOR": "1", "TERM": "dumb", "PATH": "/bin", "HOME": str(tmp_path)}  # no terminal, no colours
    argv = [sys.executable, "-m", "tui", "export", "run", "--to", "svg", "-o", str(out), *words]
    subprocess.run(argv, env=env, check=True, capture_output=True, timeout=60)
    svg = out.read_text()
    root = ET.fromstring(svg)
    assert root.tag.endswith("svg")
    said = "".join(root.itertext()).replace("\N{NO-BREAK SPACE}", " ")
    assert "miniai-tui" in said
    assert "loss ─ log y" in said
    assert "✓ done" in said
    assert "http" not in svg.replace("http://www.w3.org", "").replace("https://www.textualize.io", "")
    back = {"dark": "#0f1319", "light": "#fbfbf9"}[theme]
    assert back in svg
    assert f"{100 * 12.2 + 18:.0f}" in root.get("viewBox", "")  # 12.2 a cell, and a frame


def test_a_search_for_a_rate_is_drawn_with_its_own_screen(tmp_path: Path) -> None:
    from tests.tui.small_apps import search

    run = make_run(tmp_path, "run", search(), job="lr-find")
    out = tmp_path / "a.svg"
    assert command(tmp_path, "--to", "svg", "-o", str(out), "--size", "100x30") == 0
    words = "".join(ET.fromstring(out.read_text()).itertext()).replace("\N{NO-BREAK SPACE}", " ")
    assert "suggested" in words
    write_csv(RunFacts(run), Place(tmp_path / "out", force=False))
    assert len(rows(tmp_path / "out" / "rates.csv")) == 48


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("--to svg --size 5x5", 2, "from 60x15 to 500x200"),
        ("--to svg --size wide", 2, "is no size"),
        ("--to svg --keys nokey,y", 2, "there is no key 'nokey'"),
        ("--to xml", 2, "csv, tensorboard, svg or json"),
        ("--to csv --size 100x30", 2, "--size goes with --to svg only"),
        ("--to csv --theme light", 2, "--theme goes with --to svg only"),
        ("", 2, "--to"),
    ],
)
def test_a_wrong_command_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str, code: int, told: str
) -> None:
    of(tmp_path, [*Recording(epochs=1).whole()])
    try:
        ended: object = command(tmp_path, *words.split(), "-o", str(tmp_path / "out"))
    except SystemExit as end:
        ended = end.code
    assert ended == code
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert told in said.err
    assert not (tmp_path / "out").exists()


def test_a_long_run_needs_little_memory(tmp_path: Path) -> None:
    """50,000 steps: the rows pass through, they are not gathered."""
    import tracemalloc

    facts = [*Recording().start(), ev.EpochStarted(at=3, epoch=0, phase="train", batches=50_000, step=0)]
    facts += [ev.Scalars(at=4 + i, name="loss", first=1 + 50 * i, values=[0.5] * 50) for i in range(1000)]
    run = of(tmp_path, facts)
    tracemalloc.start()
    try:
        assert write_csv(RunFacts(run), Place(tmp_path / "out", force=False)) == 50_000
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["compare", "export"])
def test_the_help_fits_and_names_the_formats(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit):
        cli.main([name, "--help"])
    said = capsys.readouterr().out
    assert [line for line in said.splitlines() if len(line) > 80] == []
    wanted = {"compare": ["--plain", "--json", "2 to 8"], "export": ["csv", "tensorboard", "svg", "json", "--force"]}
    assert all(word in said for word in wanted[name])
