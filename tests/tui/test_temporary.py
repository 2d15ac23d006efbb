"""Folders that nobody keeps: gone at the next start, unless somebody may still need them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from miniai.config import RunConfig
from miniai.run.directory import create_run
from tui.temporary import new_folder, remove_stale


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def dead() -> int:
    """The id of a process that was killed."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return process.pid


def left(root: Path, by: int, /, **info: object) -> Path:
    """What a process of this id left behind."""
    folder = root / f"miniai-tui-data-{by}-abc"
    folder.mkdir(mode=0o700)
    create_run(folder, RunConfig(job="data")).update_info(**info)
    return folder


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path: Path, dead: int) -> None:
    old = left(tmp_path, dead)
    mine = new_folder()
    assert not old.exists()
    assert mine.parent == tmp_path
    assert mine.stat().st_mode & 0o777 == 0o700
    assert new_folder() != mine
    assert mine.exists()


@pytest.mark.parametrize("info", [{"ended": "failed"}, {"host": "elsewhere"}, {"pid": os.getpid()}])
def test_what_somebody_may_need_stays(tmp_path: Path, dead: int, info: dict[str, object]) -> None:
    old = left(tmp_path, dead, **info)
    remove_stale(tmp_path)
    assert old.exists()


def test_what_is_not_ours_stays(tmp_path: Path, dead: int) -> None:
    others = [tmp_path / name for name in ("miniai-tui-xyz", "miniai-tui-data-1-a", "miniai-tui-data-x", "other")]
    for folder in others:
        folder.mkdir()
    link = tmp_path / f"miniai-tui-data-{dead}-link"
    link.symlink_to(others[3])
    broken = tmp_path / f"miniai-tui-data-{dead}-broken"
    (broken / "run").mkdir(parents=True)
    file = tmp_path / f"miniai-tui-data-{dead}-file"
    file.touch()
    remove_stale(tmp_path)
    assert all(path.exists() for path in (*others, link, broken, file))
