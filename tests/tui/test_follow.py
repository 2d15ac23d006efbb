"""The follower reads a journal that grows, tears, shrinks and is replaced."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniai.run.events import AnyFact, Continued, FitEnded, Scalars, encode
from tui.follow import Follower


def facts(n: int, start: int = 0) -> list[AnyFact]:
    return [Scalars(at=float(i), name="loss", first=i, values=[0.5]) for i in range(start, start + n)]


def lines(some: list[AnyFact]) -> bytes:
    return b"".join(encode(fact) + b"\n" for fact in some)


@given(cuts=st.lists(st.integers(0, 2000), max_size=12))
def test_however_a_journal_arrives_its_facts_are_read_once_and_in_order(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    path = tmp_path_factory.mktemp("j") / "events.jsonl"
    whole = lines(facts(20))
    follower, read = Follower(path), []
    written = 0
    for cut in [*sorted(c for c in cuts if c < len(whole)), len(whole)]:
        with path.open("ab") as file:
            file.write(whole[written:cut])
        written = cut
        read += follower.read()
    assert read == facts(20)
    assert follower.read() == []
    follower.close()


def test_a_journal_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    follower = Follower(tmp_path / "j")
    assert follower.read() == []
    (tmp_path / "j").write_bytes(lines(facts(1)))
    assert follower.read() == facts(1)
    follower.close()


def test_a_replaced_journal_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(lines(facts(5)))
    follower = Follower(path)
    assert follower.read() == facts(5)
    (tmp_path / "new").write_bytes(lines(facts(7, start=100)))
    os.replace(tmp_path / "new", path)
    assert follower.read() == facts(7, start=100)
    follower.close()


def test_a_shortened_journal_is_read_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(lines(facts(5)))
    follower = Follower(path)
    follower.read()
    path.write_bytes(lines(facts(2)))
    assert follower.read() == facts(2)
    follower.close()


def test_what_is_open_can_be_read_after_the_file_was_deleted(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(lines(facts(2)))
    follower = Follower(path)
    follower.read()
    with path.open("ab") as file:
        path.unlink()
        file.write(lines(facts(1, start=2)))
    assert follower.read() == facts(1, start=2)
    follower.close()


def test_a_line_of_another_version_is_passed_over_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(b'{"is":"Invented","at":1}\nnonsense\n' + lines(facts(1)))
    follower = Follower(path)
    assert follower.read() == facts(1)
    assert follower.unknown == 2
    follower.close()


def test_a_long_journal_comes_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(lines(facts(40_000)))
    follower = Follower(path)
    pieces: list[list[AnyFact]] = []
    follower.follow(pieces.append, lambda: False)
    assert len(pieces) > 1
    assert [fact for piece in pieces for fact in piece] == facts(40_000)
    follower.close()


def test_following_ends_only_after_what_was_written_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "j"
    read: list[AnyFact] = []
    path.write_bytes(lines(facts(1)))
    answers = iter([True, True, False, False])

    def go_on() -> bool:
        answer = next(answers)
        if not answer and not read[1:]:
            with path.open("ab") as file:
                file.write(lines([Continued(at=1, paused=0), FitEnded(at=2, reason="done", step=1)]))
        return answer

    follower = Follower(path)
    follower.follow(read.extend, go_on, look=0.001)
    assert [type(f).__name__ for f in read] == ["Scalars", "Continued", "FitEnded"]
    assert follower.ended == read[-1]
    follower.close()


def test_a_quiet_journal_is_looked_at_seldom_and_often_while_an_answer_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(b"")
    follower = Follower(path)
    waits: list[float | None] = []

    class Wake(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout)
            return True

    follower.wake = Wake()
    answers = iter([True, False])
    follower.follow(bool, lambda: next(answers))
    follower.hurry()
    answers = iter([True, False])
    follower.follow(bool, lambda: next(answers))
    assert follower.wake.is_set() is False
    quiet, hurried = waits
    assert quiet is not None
    assert quiet >= 0.2
    assert hurried is not None
    assert hurried <= 0.05
    follower.close()
