"""`runs`: each run as its files tell it, and nothing in a folder can break it."""

from __future__ import annotations

import json
import math
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from miniai.config import RunConfig, write_config
from miniai.run import events as ev
from miniai.run.directory import RunDir, create_run
from tests.tui.recorded import Recording
from tui import cli
from tui.overview import Best, Overview, find_runs, overviews
from tui.runs_table import table


def made(root: Path, *facts: ev.Fact, **config: Any) -> RunDir:
    run = create_run(root, RunConfig(**config))
    run.journal.write_bytes(b"".join(ev.encode(fact) + b"\n" for fact in facts))
    return run


def row(epoch: int, phase: ev.Phase, step: int = 0, **more: Any) -> ev.EpochEnded:
    fields = {"metrics": {"loss": 0.5, "accuracy": 0.8}, "batches": 9, "of": 9, "samples": 9, "seconds": 1.0, **more}
    return ev.EpochEnded(at=float(epoch), epoch=epoch, phase=phase, step=step, **fields)


def seen(run: RunDir) -> Overview:
    (overview,) = overviews([run])
    return overview


# -- what is read ------------------------------------------------------------------------------------------------------


def test_a_whole_run(tmp_path: Path) -> None:
    facts = list(Recording().whole())
    overview = seen(made(tmp_path, *facts, model="conv"))
    assert (overview.status.state, overview.dataset, overview.model) == ("done", "fashion", "conv")
    assert (overview.done, overview.epochs, overview.step) == (5, 5, 5 * 118)
    assert overview.seconds == facts[-1].at
    ends = [fact for fact in facts if isinstance(fact, ev.EpochEnded) and fact.phase == "valid"]
    best = max(ends, key=lambda fact: float(fact.metrics["accuracy"]))
    assert overview.best == Best("accuracy", float(best.metrics["accuracy"]), best.epoch + 1)


def test_a_run_in_its_second_epoch(tmp_path: Path) -> None:
    overview = seen(made(tmp_path, *Recording().until(1, 74)))
    assert (overview.done, overview.epochs) == (1, 5)
    assert overview.best is not None
    assert overview.best.epoch == 1


def test_the_number_of_epochs_is_the_newest(tmp_path: Path) -> None:
    change = ev.Changed(at=3, what="epochs", old=5, new=9, step=1)
    assert seen(made(tmp_path, row(0, "valid"), change, row(1, "valid"))).epochs == 9


def test_skipped_epochs_count_and_their_numbers_do_not(tmp_path: Path) -> None:
    facts = [row(0, "train"), row(0, "valid", ended="skipped", metrics={"accuracy": 0.99}), row(1, "train")]
    overview = seen(made(tmp_path, *facts))
    assert (overview.done, overview.best) == (1, None)
    assert seen(made(tmp_path, *facts, row(1, "valid", ended="stopped", metrics={"accuracy": 1.0}))).best is None


def test_the_best_value_is_the_lowest_loss_where_there_is_no_metric(tmp_path: Path) -> None:
    losses = [0.5, 0.3, math.nan, 0.4]
    facts = [row(n, "valid", metrics={"loss": ev.number(loss)}) for n, loss in enumerate(losses)]
    assert seen(made(tmp_path, *facts)).best == Best("loss", 0.3, 2)
    assert seen(made(tmp_path, row(0, "valid", metrics={"loss": "nan"}))).best is None


def test_what_a_resumed_run_made_void_does_not_count(tmp_path: Path) -> None:
    facts = [
        row(0, "valid", 10), row(1, "valid", 20, metrics={"loss": 0.1, "accuracy": 0.99}),
        ev.RunResumed(at=3, step=15), row(1, "valid", 20), row(2, "valid", 30),
    ]  # fmt: skip
    overview = seen(made(tmp_path, *facts))
    assert (overview.done, overview.step) == (3, 30)
    assert overview.best == Best("accuracy", 0.8, 1)
    assert seen(made(tmp_path, *facts[:3])).done == 1
    assert seen(made(tmp_path, row(0, "valid", 10), ev.RunResumed(at=3, step=10))).done == 1  # what led there holds


def test_of_a_very_long_journal_the_newer_part_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.overview._ROOM", 0)
    monkeypatch.setattr("tui.overview._LEAST", 1_000)
    many = [ev.Scalars(at=1, name="loss", first=1 + 50 * n, values=[1.0] * 50) for n in range(20)]
    overview = seen(made(tmp_path, row(0, "valid"), *many, row(7, "valid")))
    assert (overview.done, overview.whole, overview.best) == (8, False, Best("accuracy", 0.8, 8))
    assert "0.8000 *" in table([overview], [overview.id], time.time())
    assert seen(made(tmp_path, *many, row(7, "valid"), epochs=9)).epochs == 9  # how many is told in the older part
    assert seen(made(tmp_path, *many, row(7, "valid"), epochs=9, until=12)).epochs == 12  # resumed with more


def test_a_search_for_a_rate_is_no_fit(tmp_path: Path) -> None:
    overview = seen(made(tmp_path, job="lr-find"))
    assert re.search(r"mlp +lr-find", table([overview], [overview.id], time.time()))


# -- folders as they are ---------------------------------------------------------------------------------------------


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def damage(root: Path) -> dict[str, RunDir]:
    """Runs with all kinds of damage, by what was done to them."""
    whole = list(Recording(epochs=1).whole())
    harm: dict[str, Callable[[RunDir], object]] = {
        "no run.json": lambda run: run.info_file.unlink(),
        "empty run.json": lambda run: run.info_file.write_bytes(b""),
        "run.json is a folder": lambda run: as_folder(run.info_file),
        "no config": lambda run: run.config_file.unlink(),
        "config of another kind": lambda run: run.config_file.write_text('{"epochs": "many"}'),
        "no journal": lambda run: run.journal.unlink(),
        "journal is a folder": lambda run: as_folder(run.journal),
        "journal is noise": lambda run: run.journal.write_bytes(os.urandom(5_000)),
        "journal is zeros": lambda run: run.journal.write_bytes(bytes(100_000)),
        "journal is not UTF-8": lambda run: run.journal.write_bytes(b'{"is":"FitEnded","at":1,"error":"\xff"}\n'),
        "journal is deep": lambda run: run.journal.write_bytes(b'{"is":"EpochEnded","x":' + b"[" * 10_000 + b"\n"),
        "run.json is not UTF-8": lambda run: run.info_file.write_bytes(b'{"id":"\xff"}'),
        "run.json is deep": lambda run: run.info_file.write_bytes(b'{"x":' + b"[" * 10_000),
        "config is not UTF-8": lambda run: run.config_file.write_bytes(b'{"dataset":"\xff"}'),
        "journal is torn": lambda run: os.truncate(run.journal, run.journal.stat().st_size - 7),
        "journal of other facts": lambda run: run.journal.write_bytes(b'{"is":"EpochEnded"}\n{"is":"New","at":"x"}\n'),
    }
    made_: dict[str, RunDir] = {}
    for name, do in harm.items():
        made_[name] = made(root, *whole)
        do(made_[name])
    return made_


def test_damaged_folders_are_listed_as_such(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made_ = damage(tmp_path)
    (tmp_path / "notes").mkdir()
    (tmp_path / "20260101-000000-a-file-0000").touch()
    (tmp_path / "20260101-000000-a-link-0000").symlink_to(tmp_path / "nowhere")
    assert cli.main(["runs", "--run-dir", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    lines = {line.split()[0]: line for line in said.out.splitlines()[1:]}
    assert set(lines) == {run.id for run in made_.values()}
    for name, run in made_.items():
        assert ("✗ damaged" in lines[run.id]) == ("run.json" in name), name
    assert "✓ done" in lines[made_["no config"].id]
    assert "fashion  mlp" in lines[made_["no config"].id]


def test_a_damaged_run_is_as_old_as_its_name_says(tmp_path: Path) -> None:
    for name in ("20260101-000000-a-run-0000", "20270101-000000-a-run-0000"):
        (tmp_path / name).mkdir()
    new, old = overviews(find_runs(tmp_path))
    assert (new.id[:4], old.id[:4]) == ("2027", "2026")
    assert new.created - old.created == 365 * 86_400


def test_json_has_all_runs_in_a_terminal_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tui.runs._is_terminal", lambda: True)
    monkeypatch.setattr("tui.runs._NEWEST", 1)
    for _ in range(3):
        made(tmp_path)
    assert cli.main(["runs", "--json", "--run-dir", str(tmp_path)]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 3
    assert cli.main(["runs", "--run-dir", str(tmp_path)]) == 0
    assert "2 older runs are not listed" in capsys.readouterr().out


def test_a_folder_without_runs_says_how_to_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        assert cli.main(["runs", "--run-dir", str(folder)]) == 0
        assert capsys.readouterr().out == (
            f"no runs in {folder}: start one with  miniai-tui fit fashion --run-dir {folder}\n"
        )
        assert cli.main(["runs", "--run-dir", str(folder), "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == []


def test_a_folder_that_is_none_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert cli.main(["runs", "--run-dir", str(tmp_path / "file")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("limit", ["-1", "many", "1.5", "9" * 40])
def test_a_wrong_limit_is_one_line(limit: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(["runs", f"--limit={limit}"])
    assert exit_.value.code == 2
    assert "whole number" in capsys.readouterr().err


def test_the_newest_come_first_and_the_limit_says_what_it_leaves_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made_ = [made(tmp_path, *Recording(epochs=1).whole()) for _ in range(5)]
    for n, run in enumerate(made_):
        run.update_info(created=1000.0 * (n + 1))
    assert [run.id for run in find_runs(tmp_path)] == [run.id for run in made_[::-1]]
    assert cli.main(["runs", "--run-dir", str(tmp_path), "--limit", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:3]] == [made_[4].id, made_[3].id]
    assert lines[3:] == ["3 older runs are not listed (all of them: --limit 0)"]


def test_json_tells_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = made(tmp_path, *Recording().whole())
    hurt = made(tmp_path)
    hurt.info_file.write_text("\x1b[31m")
    assert cli.main(["runs", "--run-dir", str(tmp_path), "--json"]) == 0
    said = {object_["id"]: object_ for object_ in json.loads(capsys.readouterr().out)}
    assert said[hurt.id]["status"]["state"] == "damaged"
    whole = said[run.id]
    assert (whole["path"], whole["status"]["state"], whole["done"]) == (str(run.path), "done", 5)
    assert whole["best"]["metric"] == "accuracy"


def test_control_characters_from_outside_never_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "\x1b]0;owned\x07\x9b2J\x7f\r\n\u202e"
    run = made(
        tmp_path, row(0, "valid", metrics={evil: 0.5}), ev.FitEnded(at=1, reason="failed", step=1, error=evil),
    )  # fmt: skip
    write_config(run.config_file, RunConfig(dataset=evil, model=evil))
    run.path.rename(tmp_path / f"20260101-000000-{evil.strip()}-m-0000")
    gone = made(tmp_path)
    gone.update_info(host=evil)
    for form in ([], ["--json"]):
        assert cli.main(["runs", "--run-dir", str(tmp_path), *form]) == 0
        out = capsys.readouterr().out
        assert all(line.isprintable() for line in out.split("\n")), form
        assert "owned" in out


def test_a_thousand_runs_are_quick(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Their journals are read from the end, their sockets asked together; the bound leaves room for a slow machine."""
    whole = b"".join(ev.encode(fact) + b"\n" for fact in Recording(epochs=2).until(1, 50))
    template = made(tmp_path / "t")
    files = [(template.info_file.name, template.info_file.read_bytes()), ("config.json", b"{}")]
    for n in range(1000):
        folder = tmp_path / "runs" / f"20260101-{n:06}-fashion-conv-{n:04x}"
        folder.mkdir(parents=True)
        for name, data in (*files, ("events.jsonl", whole)):
            (folder / name).write_bytes(data)
    begun = time.perf_counter()
    assert cli.main(["runs", "--run-dir", str(tmp_path / "runs")]) == 0
    assert time.perf_counter() - begun < 8
    assert capsys.readouterr().out.count("\n") == 1001
