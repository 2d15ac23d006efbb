"""Run directories: private, named, found again."""

from __future__ import annotations

from pathlib import Path

import pytest

from miniai.config import RunConfig, read_config
from miniai.errors import RunError, UsageError
from miniai.run.directory import RunDir, create_run, find_run


def test_a_new_run_is_private_and_says_what_it_is(tmp_path: Path) -> None:
    run = create_run(tmp_path / "runs", RunConfig(model="conv", lr=0.5, given=("lr", "model")))
    assert run.path.stat().st_mode & 0o777 == 0o700
    assert "-fashion-conv-" in run.id
    assert run.read_info().id == run.id
    assert read_config(run.config_file) == RunConfig(model="conv", lr=0.5, given=("lr", "model"))


def test_a_root_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="--run-dir"):
        create_run(tmp_path / "file", RunConfig())


def test_info_is_replaced_as_a_whole(tmp_path: Path) -> None:
    run = create_run(tmp_path, RunConfig())
    before = run.read_info()
    run.update_info(pid=7, socket="/somewhere")
    after = run.read_info()
    assert (after.pid, after.socket, after.id, after.created) == (7, "/somewhere", before.id, before.created)
    assert [p.name for p in run.path.iterdir() if p.suffix == ".part"] == []


@pytest.mark.parametrize("content", ["", "{", '{"id": 3}'])
def test_a_broken_info_is_an_error_that_names_the_file(tmp_path: Path, content: str) -> None:
    run = create_run(tmp_path, RunConfig())
    run.info_file.write_text(content)
    with pytest.raises(RunError, match=r"run\.json"):
        run.read_info()


def test_a_broken_configuration_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text('{"epochs": "many"}')
    with pytest.raises(UsageError, match=r"c\.json.*epochs"):
        read_config(tmp_path / "c.json")


def test_runs_are_found_by_path_id_part_and_age(tmp_path: Path) -> None:
    old = create_run(tmp_path, RunConfig())
    new = RunDir(old.path.rename(tmp_path / "20990101-000000-fashion-mlp-abcd"))
    old = create_run(tmp_path, RunConfig())
    assert find_run(str(new.path), tmp_path / "elsewhere").path == new.path
    assert find_run(old.id, tmp_path).path == old.path
    assert find_run("2099", tmp_path).path == new.path
    assert find_run("abcd", tmp_path).path == new.path
    assert find_run("last", tmp_path).path == new.path


def test_a_name_that_fits_none_or_many_says_so(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="there are none"):
        find_run("x", tmp_path)
    for _ in range(2):
        create_run(tmp_path, RunConfig())
    with pytest.raises(RunError, match="2 runs"):
        find_run("20", tmp_path)


def test_the_log_s_end_is_read_and_a_missing_log_is_empty(tmp_path: Path) -> None:
    run = create_run(tmp_path, RunConfig())
    assert run.log_tail() == []
    run.log.write_bytes(b"\n".join(b"line %d \xff" % n for n in range(1000)))
    assert run.log_tail(3) == ["line 997 �", "line 998 �", "line 999 �"]
