"""`export`: files that are whole or not there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from miniai.errors import RunError, UsageError
from tests.tui.exported import exported, of, rows
from tests.tui.recorded import Recording
from tui.export_csv import write_csv
from tui.export_facts import RunFacts
from tui.export_files import Place, whole_file


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
