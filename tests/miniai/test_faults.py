"""Whatever happens to a run's folder while it trains: training goes on, one line says it, and nothing is damaged."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from miniai import trainer
from miniai.config import RunConfig
from miniai.run import checkpoint, journal
from miniai.run import events as ev
from miniai.run.control import RunControl
from miniai.run.directory import RunDir, create_run
from miniai.run.requests import Stop
from miniai.run.status import status
from tests.miniai.resumed import ended_with, told
from tui.cli import main

EPOCHS = 6


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    torch.set_num_threads(1)


def new_run(root: Path, data_dir: Path, **options: Any) -> RunDir:
    settings: dict[str, Any] = {"data_dir": str(data_dir), "epochs": EPOCHS, "bs": 64, "device": "cpu", **options}
    return create_run(root, RunConfig(**settings))


class Heard:
    """Hears every fact; does something after the end of an epoch (numbers from 1)."""

    def __init__(self, happens: dict[int, Callable[[], object]]) -> None:
        self.happens = happens
        self.facts: list[Any] = []

    def __call__(self, fact: ev.Fact) -> None:
        self.facts.append(fact)
        if isinstance(fact, ev.EpochEnded) and fact.phase == "train":
            self.happens.pop(fact.epoch + 1, bool)()

    def alerts(self, topic: str) -> list[str]:
        return [fact.text for fact in self.facts if isinstance(fact, ev.Alerted) and fact.topic == topic]

    @property
    def saved(self) -> list[int]:
        """In which epochs, from 1, a checkpoint was made."""
        return [fact.epoch + 1 for fact in self.facts if isinstance(fact, ev.Saved)]


def trained(run: RunDir, happens: dict[int, Callable[[], object]]) -> Heard:
    """A whole fit, to its end."""
    heard = Heard(happens)
    ended = trainer.host(run, RunControl(), [heard], outlives=False)
    assert (ended.reason, ended.error, ended.step) == ("done", "", 10 * EPOCHS)
    return heard


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=2M", "tmpfs", str(folder)]
    mounted = subprocess.run(words, capture_output=True, text=True, check=False)
    if mounted.returncode:
        assert os.geteuid() != 0 or "CI" not in os.environ, f"CI must be able to mount: {mounted.stderr}"
        pytest.skip(f"this test mounts a small file system, which is not permitted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def whole_ones(run: RunDir) -> list[str]:
    """The checkpoints, each read in full."""
    names = checkpoint.names(run.checkpoints)
    for name in names:
        checkpoint.read_state(run.checkpoints / name)
    return names


def fill(disk: Path) -> None:
    with open(disk / "filler", "wb", buffering=0) as file:
        while True:
            try:
                file.write(b"x" * 4096)
            except OSError:
                return


def test_no_room_for_checkpoints_and_room_again(data_dir: Path, disk: Path, tmp_path: Path) -> None:
    run, kept = new_run(tmp_path, data_dir, save_best="none"), list[str]()

    def make_room() -> None:
        kept.extend(whole_ones(run))
        assert [name for name in os.listdir(run.checkpoints) if name.startswith(".")] == []
        (disk / "filler").unlink()

    heard = trained(run, {1: lambda: _bind(run, disk), 3: lambda: fill(disk), 5: make_room})
    assert kept == ["step-10", "step-20"], "the last good ones are kept"
    assert heard.saved == [1, 2, 5, 6]
    assert len(heard.alerts("checkpoint")) == 1
    assert "No space left on device" in heard.alerts("checkpoint")[0]
    assert whole_ones(run) == ["step-50", "step-60"]
    assert heard.alerts("journal") == []


def test_no_room_for_anything_and_room_again(data_dir: Path, disk: Path) -> None:
    run = new_run(disk, data_dir)
    heard = trained(run, {2: lambda: fill(disk), 6: (disk / "filler").unlink})  # a page may have room for some lines
    assert [len(heard.alerts(topic)) for topic in ("checkpoint", "journal")] == [1, 1]
    assert 6 in heard.saved
    facts = told(run)
    assert [fact for fact in facts if not isinstance(fact, ev.Alerted)] == [
        fact for fact in heard.facts if not isinstance(fact, ev.Alerted)
    ]
    assert sum(isinstance(fact, ev.Alerted) and "can be written again" in fact.text for fact in facts) == 1
    assert status(run).state == "done"


def test_the_disk_becomes_read_only_and_is_well_again(data_dir: Path, disk: Path, tmp_path: Path) -> None:
    run = new_run(tmp_path, data_dir, save_best="none")
    heard = trained(run, {1: lambda: _bind(run, disk), 3: lambda: _mount(disk, "ro"), 5: lambda: _mount(disk, "rw")})
    assert heard.saved == [1, 2, 5, 6]
    assert len(heard.alerts("checkpoint")) == 1
    assert "Read-only file system" in heard.alerts("checkpoint")[0]
    assert whole_ones(run) == ["step-50", "step-60"]


def test_a_run_on_a_read_only_disk_is_not_resumed(
    data_dir: Path, disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, control = new_run(disk, data_dir), RunControl()
    trainer.host(run, control, [Heard({2: lambda: control.submit(Stop(id="s"))})], outlives=False)
    _mount(disk, "ro")
    assert main(["fit", "--resume", str(run.path), "--headless"]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"miniai-tui: {run.path} cannot be written: Read-only file system\n")
    assert main(["fit", "fashion", "--run-dir", str(disk), "--headless"]) == 1
    assert capsys.readouterr().err.endswith("Read-only file system; name another folder with --run-dir\n")
    _mount(disk, "rw")
    trained(run, {})


def _bind(run: RunDir, disk: Path) -> None:
    (disk / "checkpoints").mkdir(mode=0o700)
    run.checkpoints.symlink_to(disk / "checkpoints")


def _mount(disk: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", disk], check=True)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EIO])
def test_a_disk_that_refuses_checkpoints(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Wherever no file system can be mounted."""
    run, fsync = new_run(tmp_path, data_dir, save_best="none"), os.fsync

    def refuse(fd: int) -> None:
        raise OSError(number, os.strerror(number))

    heard = trained(
        run,
        {3: lambda: monkeypatch.setattr(os, "fsync", refuse), 5: lambda: monkeypatch.setattr(os, "fsync", fsync)},
    )
    assert heard.saved == [1, 2, 5, 6]
    assert heard.alerts("checkpoint") == [
        f"no checkpoint could be written ({os.strerror(number)}): training goes on without"
    ]
    assert whole_ones(run) == ["step-50", "step-60"]


@pytest.mark.parametrize("look", [0.0, 1000.0])
def test_the_journal_is_deleted(tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch, look: float) -> None:
    """Long before the end, and where nobody has looked for it until the run's last word."""
    monkeypatch.setattr(journal, "_LOOK", look)
    run = new_run(tmp_path, data_dir)
    heard = trained(run, {3: run.journal.unlink})
    (said,) = heard.alerts("journal")
    assert said == "the journal was deleted or moved away: it was written anew"
    facts = told(run)
    assert isinstance(facts[0], ev.RunStarted)
    assert isinstance(facts[-1], ev.FitEnded)
    assert [fact for fact in facts if not isinstance(fact, ev.Alerted)] == [
        fact for fact in heard.facts if not isinstance(fact, ev.Alerted)
    ]


def test_the_whole_folder_is_deleted(tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_LOOK", 0.0)
    run = new_run(tmp_path, data_dir)
    heard = trained(run, {3: lambda: shutil.rmtree(run.path)})
    assert not run.path.exists()
    assert [len(heard.alerts(topic)) for topic in ("checkpoint", "journal")] == [1, 1]
    assert "the journal is gone and cannot be written anew" in heard.alerts("journal")[0]
    assert status(run).state == "damaged"


def test_the_clock_is_set_back(tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it trains, and between two trainers: times of the run never fall, and the newest checkpoint is newest."""
    whole = new_run(tmp_path / "whole", data_dir)
    trained(whole, {})
    run, real, control = new_run(tmp_path / "parts", data_dir), time.time, RunControl()

    def set_back() -> None:
        monkeypatch.setattr(time, "time", lambda: real() - 86_400)

    heard = Heard({2: set_back, 4: lambda: control.submit(Stop(id="s"))})
    assert trainer.host(run, control, [heard], outlives=False).reason == "stopped"
    monkeypatch.setattr(time, "time", lambda: real() - 3 * 86_400)
    trained(run, {})
    facts = told(run)
    assert [fact.at for fact in facts] == sorted(fact.at for fact in facts)
    resumed = next(fact for fact in facts if isinstance(fact, ev.RunResumed))
    assert resumed.step == max(fact.step for fact in heard.facts if isinstance(fact, ev.Saved))
    assert ended_with(run) == ended_with(whole)
    assert status(run).state == "done"
