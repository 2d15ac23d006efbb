"""The current folder was deleted: what can be done is done, and the rest is one line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from miniai.config import RunConfig
from miniai.run.directory import RunDir, create_run
from miniai.run.events import FitEnded
from tests.tui.compared import make_run
from tui import cli, foreground, launch


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a run; the current folder is gone."""
    make_run(tmp_path / "runs", "20260101-120000-fashion-conv-aa11")
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(OSError, match="No such file"):
        os.getcwd()
    return tmp_path / "runs"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("fit fashion --detach --run-dir x", "cannot make a run directory in x"),
        ("fit fashion --detach --data-dir x", "--data-dir x: the current folder is gone"),
        ("runs --run-dir x", "no runs in x"),
        ("ctl last status", "no run 'last' in runs"),
        *((f"export last --run-dir RUNS --to {to}", "cannot write") for to in ("csv", "json", "tensorboard")),
    ],
)
def test_what_needs_it_is_one_line(words: str, says: str, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(words.replace("RUNS", str(runs)).split())
    out, err = capsys.readouterr()
    assert (out + err).count("\n") == 1
    assert says in out + err


@pytest.mark.parametrize("words", ["runs --run-dir RUNS", "ctl aa11 status --run-dir RUNS"])
def test_what_does_not_need_it_works(words: str, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words.replace("RUNS", str(runs)).split()) == 0
    assert "done" in capsys.readouterr().out


def test_the_trainer_has_a_current_folder(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = create_run(runs, RunConfig())
    monkeypatch.setattr(launch, "trainer_command", lambda run: ["/bin/sh", "-c", "pwd -P"])
    assert launch.start_trainer(run).wait(10) == 0
    assert run.log.read_text().strip() == str(run.path.resolve())


def test_a_headless_run_has_a_current_folder(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def host(run: RunDir, *_: object, **__: object) -> FitEnded:
        assert Path(os.getcwd()) == run.path.resolve()
        return FitEnded(at=1, reason="done", step=1)

    monkeypatch.setattr(foreground, "host", host)
    monkeypatch.setattr(foreground, "install", list)
    monkeypatch.setattr(foreground, "obey_signals", lambda control, hangup: None)
    assert foreground.fit_headless(create_run(runs, RunConfig()), "text", 1.0) == 0


def test_the_trainer_starts_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = create_run(tmp_path / "runs", RunConfig())
    monkeypatch.setattr(launch, "trainer_command", lambda run: ["/bin/sh", "-c", "pwd -P"])
    assert launch.start_trainer(run).wait(10) == 0
    assert run.log.read_text().strip() == str(tmp_path.resolve())
