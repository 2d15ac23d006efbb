"""`export` as it is typed: where it writes, what it says; JSON and pictures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.tui.compared import make_run
from tests.tui.exported import command, exported, of, rows, series
from tests.tui.recorded import Recording
from tests.tui.small_apps import search
from tui import cli


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What drawing a picture sets for its process is taken back."""
    monkeypatch.setenv("TEXTUAL_COLOR_SYSTEM", "auto")
    monkeypatch.setenv("NO_COLOR", "1")


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
    run = make_run(tmp_path, "run", search(), job="lr-find")
    out = tmp_path / "a.svg"
    assert command(tmp_path, "--to", "svg", "-o", str(out), "--size", "100x30") == 0
    words = "".join(ET.fromstring(out.read_text()).itertext()).replace("\N{NO-BREAK SPACE}", " ")
    assert "suggested" in words
    assert len(rows(exported(run, tmp_path / "out") / "rates.csv")) == 48


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
