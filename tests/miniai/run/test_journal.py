"""The journal keeps whole lines whatever the disk does."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniai.run.events import Alerted, Continued, FitEnded, Progressed, decode
from miniai.run.journal import Journal


def fact(n: int) -> Continued:
    return Continued(at=float(n), paused=0.0)


class Disk:
    """Stands in for os.write: refuses, or takes only so many bytes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.room: int | None = None
        self.asked = 0
        self._write = os.write
        monkeypatch.setattr(os, "write", self.write)

    def write(self, fd: int, data: bytes) -> int:
        self.asked += 1
        if self.room is None:
            return self._write(fd, data)
        if self.room <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = self._write(fd, data[: self.room])
        self.room -= written
        return written


def lines(path: Path) -> list[object]:
    data = path.read_bytes()
    assert data == b"" or data.endswith(b"\n")
    return [decode(line) for line in data.splitlines()]


def test_every_fact_is_in_the_file_at_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j")
    journal.write(fact(1))
    assert lines(tmp_path / "j") == [fact(1)]
    journal.close()


def test_only_the_user_may_read_it(tmp_path: Path) -> None:
    Journal(tmp_path / "j").close()
    assert (tmp_path / "j").stat().st_mode & 0o077 == 0


@given(torn=st.binary(max_size=200).filter(lambda b: b"\n" not in b))
def test_a_torn_last_line_is_cut_on_opening(tmp_path_factory: pytest.TempPathFactory, torn: bytes) -> None:
    path = tmp_path_factory.mktemp("torn") / "j"
    path.write_bytes(b'{"is":"Continued","at":1.0,"paused":0.0}\n' + torn)
    journal = Journal(path)
    journal.write(fact(2))
    journal.close()
    assert lines(path) == [fact(1), fact(2)]


def test_a_file_that_is_one_torn_line_is_emptied(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(b"x" * 200_000)
    Journal(path).close()
    assert path.read_bytes() == b""


def test_a_long_torn_line_takes_no_whole_one_along(tmp_path: Path) -> None:
    """Longer than what is read at a time."""
    path = tmp_path / "j"
    path.write_bytes(b'{"is":"Continued","at":1.0,"paused":0.0}\n' + b"x" * 200_000)
    Journal(path).close()
    assert lines(path) == [fact(1)]


@pytest.mark.parametrize("room", [0, 1, 17])
def test_a_full_disk_leaves_whole_lines_and_loses_nothing_when_there_is_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    disk, now = Disk(monkeypatch), [0.0]
    said: list[str] = []
    journal = Journal(tmp_path / "j", said.append, clock=lambda: now[0])
    journal.write(fact(1))
    disk.room = room
    for n in (2, 3, 4):
        journal.write(fact(n))
    assert lines(tmp_path / "j") == [fact(1)]
    assert len(said) == 1
    assert "No space" in said[0] or "no space" in said[0]
    disk.room = None
    journal.write(fact(5))  # the next try is a second later
    assert lines(tmp_path / "j") == [fact(1)]
    now[0] = 1.0
    journal.write(fact(6))
    *facts, alert = lines(tmp_path / "j")
    assert facts == [fact(n) for n in range(1, 7)]
    assert isinstance(alert, Alerted)
    assert said[1:] == [""]
    journal.close()


def test_memory_is_bounded_and_edges_outlive_reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, now = Disk(monkeypatch), [0.0]
    journal = Journal(tmp_path / "j", clock=lambda: now[0], keep=10)
    disk.room = 0
    for n in range(100):
        journal.write(Progressed(at=n, epoch=0, phase="train", batch=n, samples=n, seconds=n, waited=0, metrics={}))
        if n % 20 == 0:
            journal.write(fact(n))
    disk.room, now[0] = None, 100.0
    journal.write(fact(100))
    facts = lines(tmp_path / "j")
    assert [f.at for f in facts if isinstance(f, Continued)] == [0, 20, 40, 60, 80, 100]
    assert len(facts) == 11
    assert isinstance(facts[-1], Alerted)
    assert "96 of the facts" in facts[-1].text  # 106 facts, 10 of them kept
    disk.room = 0
    journal.write(fact(101))
    disk.room, now[0] = None, 200.0
    journal.write(fact(102))
    last = lines(tmp_path / "j")[-1]
    assert isinstance(last, Alerted)
    assert last.text == "the journal can be written again"  # nothing was lost this time
    journal.close()


def test_a_disk_that_stays_full_is_asked_once_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, now = Disk(monkeypatch), [0.0]
    journal = Journal(tmp_path / "j", clock=lambda: now[0])
    disk.room = 0
    for tenth in range(50):
        now[0] = tenth / 10
        journal.write(fact(tenth))
    assert disk.asked == 5
    journal.close()


def test_closing_tries_once_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch)
    journal = Journal(tmp_path / "j")
    disk.room = 0
    journal.write(fact(1))
    disk.room = None
    journal.close()
    assert lines(tmp_path / "j")[0] == fact(1)


def test_closed_twice_it_closes_nobody_elses_file(tmp_path: Path) -> None:
    said: list[str] = []
    journal = Journal(tmp_path / "j", said.append)
    journal.close()
    with (tmp_path / "other").open("wb", buffering=0) as other:  # has the descriptor that was the journal's
        journal.close()
        journal.write(fact(1))
        assert other.write(b"still open") == 10
    assert lines(tmp_path / "j") == []
    assert (tmp_path / "other").read_bytes() == b"still open"
    assert ["it is closed" in text for text in said] == [True]


class Watched:
    """A journal with a clock that moves when told, and what it says of its troubles."""

    def __init__(self, path: Path) -> None:
        self.path, self.now, self.said = path, 0.0, list[str]()
        self.journal = Journal(path, self.said.append, clock=lambda: self.now)

    def write(self, n: int) -> None:
        """One fact, a second later."""
        self.now += 1.0
        self.journal.write(fact(n))

    def read(self) -> tuple[list[object], list[str]]:
        """What is in the file: facts of ours, and its own words."""
        there = lines(self.path)
        alerts = [one.text for one in there if isinstance(one, Alerted)]
        return [one for one in there if not isinstance(one, Alerted)], alerts


def test_a_journal_that_is_deleted_is_written_anew_whole(tmp_path: Path) -> None:
    watched = Watched(tmp_path / "j")
    for n in range(2000):
        watched.write(n)
    watched.path.unlink()
    watched.journal.write(fact(2000))  # nobody has looked yet
    watched.write(2001)
    watched.write(2002)
    facts, alerts = watched.read()
    assert facts == [fact(n) for n in range(2003)]
    assert alerts == ["the journal was deleted or moved away: it was written anew"]
    assert watched.said == [*alerts, ""]
    assert watched.path.stat().st_mode & 0o077 == 0
    assert os.listdir(tmp_path) == ["j"]
    watched.journal.close()


def test_a_journal_whose_folder_is_deleted(tmp_path: Path) -> None:
    """It is said once; should the folder come back, the journal does too, with all that was said meanwhile."""
    folder = tmp_path / "run"
    folder.mkdir()
    watched = Watched(folder / "j")
    watched.write(1)
    shutil.rmtree(folder)
    for n in (2, 3, 4):
        watched.write(n)
    assert len(watched.said) == 1
    assert watched.said[0].startswith("the journal is gone and cannot be written anew (No such file or directory)")
    folder.mkdir()
    watched.write(5)
    assert watched.read()[0] == [fact(n) for n in range(1, 6)]
    shutil.rmtree(folder)
    watched.write(6)
    assert [text[:19] for text in watched.said].count("the journal is gone") == 2
    watched.journal.close()


def test_the_end_is_told_where_readers_look_whenever_the_journal_was_deleted(tmp_path: Path) -> None:
    watched = Watched(tmp_path / "j")
    watched.write(1)
    watched.path.unlink()
    end = FitEnded(at=1.5, reason="done", step=9)
    watched.journal.write(end)  # before the next look is due
    assert watched.read()[0] == [fact(1), end]
    watched.journal.close()


def test_a_folder_that_cannot_be_looked_into_is_no_deleted_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(tmp_path / "j")

    def refused(path: Path) -> os.stat_result:
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", refused)
        watched.write(1)
    assert watched.said == []
    assert watched.read() == ([fact(1)], [])
    watched.journal.close()


def test_a_disk_without_room_for_a_deleted_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watched, disk = Watched(tmp_path / "j"), Disk(monkeypatch)
    watched.write(1)
    watched.path.unlink()
    disk.room = 5
    watched.write(2)
    assert os.listdir(tmp_path) == []
    disk.room = None
    watched.write(3)
    assert watched.read()[0] == [fact(1), fact(2), fact(3)]
    watched.journal.close()


def test_another_file_in_the_journals_place_is_gone_on_with(tmp_path: Path) -> None:
    watched = Watched(tmp_path / "j")
    watched.write(1)
    (tmp_path / "copy").write_bytes(watched.path.read_bytes() + b'{"is":"torn')
    os.replace(tmp_path / "copy", watched.path)
    watched.write(2)
    assert watched.read()[0] == [fact(1), fact(2)]
    assert "another file" in watched.read()[1][0]
    watched.journal.close()


@pytest.mark.parametrize("room", [0, 3])
def test_a_journal_that_is_emptied_has_no_holes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    watched = Watched(tmp_path / "j")
    watched.write(1)
    os.truncate(watched.path, 0)
    watched.write(2)
    disk = Disk(monkeypatch)
    disk.room = room
    watched.write(3)
    assert watched.read()[0] == [fact(2)]
    disk.room = None
    watched.write(4)
    assert watched.read()[0] == [fact(n) for n in (2, 3, 4)]
    watched.journal.close()
