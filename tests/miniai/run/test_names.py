"""Names from outside: folders that are no UTF-8, names that no file can have, folders that may not be looked at."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from miniai.config import RunConfig, check
from miniai.errors import RunError, UsageError
from miniai.run.directory import RunDir, create_run, find_run
from miniai.run.events import Alerted, EnvironmentNoted, decode, encode
from miniai.run.listener import Listener
from miniai.run.status import status
from miniai.run.tail import kind

ODD = os.fsdecode(b"a\xff")


@pytest.fixture
def run(short: Path) -> RunDir:
    try:
        return create_run(short / ODD, RunConfig())
    except (OSError, RunError):
        pytest.skip("this file system takes only UTF-8")


def test_a_run_lives_in_a_folder_whose_name_is_no_utf8(run: RunDir) -> None:
    listener = Listener(run, lambda request: None)
    run.update_info(socket=listener.address, pid=os.getpid())
    assert run.read_info().pid == os.getpid()
    assert status(run).alive
    listener.close()


def test_facts_about_names_that_are_no_utf8_are_told(run: RunDir) -> None:
    line = encode(Alerted(at=1.5, topic="journal", text=f"{run.path} is full"))
    assert kind(line) == "Alerted"
    told = decode(line)
    assert isinstance(told, Alerted)
    assert (told.at, told.text) == (1.5, f"{run.path} is full".replace(ODD, "a?"))
    noted = EnvironmentNoted(at=0, python="3", torch="2", system="x", device="cpu", threads=1, folder=ODD)
    assert decode(encode(noted)) == EnvironmentNoted(
        at=0, python="3", torch="2", system="x", device="cpu", threads=1, folder="a?"
    )


def test_a_data_folder_that_cannot_be_kept_is_refused_before_anything_is_made() -> None:
    with pytest.raises(UsageError, match=r"--data-dir .* is no UTF-8"):
        check(RunConfig(data_dir=f"/{ODD}"))


def test_no_name_means_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unset variable must not reach the only run of a folder, nor the run that is the current folder."""
    monkeypatch.chdir(create_run(tmp_path, RunConfig()).path)
    with pytest.raises(RunError, match="no run is named"):
        find_run("", tmp_path)


def test_a_name_that_no_file_can_have_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be looked at: File name too long"):
        find_run("x" * 5000, tmp_path)


def test_another_user_s_run_is_one_line_and_does_not_hide_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    create_run(tmp_path, RunConfig()).path.rename(tmp_path / "20990101-000000-fashion-mlp-abcd")
    ours = create_run(tmp_path, RunConfig())
    real = os.stat

    def deny(path: str | Path, **how: bool) -> os.stat_result:
        if "abcd" in str(path) and not str(path).endswith("abcd"):
            raise PermissionError(13, "Permission denied")
        return real(path, **how)

    monkeypatch.setattr(os, "stat", deny)
    with pytest.raises(RunError, match="abcd' cannot be looked at: Permission denied"):
        find_run(str(tmp_path / "20990101-000000-fashion-mlp-abcd"), tmp_path)
    assert find_run("last", tmp_path).path == ours.path
