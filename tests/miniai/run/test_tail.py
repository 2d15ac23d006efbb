"""Journals read from their end."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miniai.run import events as ev
from miniai.run import status as module
from miniai.run.directory import RunDir
from miniai.run.tail import kind, lines_backwards, newest
from tests.miniai.run.journals import BEGUN, END, PAUSED, told


@settings(max_examples=80, deadline=None)
@given(st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"")), max_size=30), st.binary(max_size=9))
def test_lines_backwards_are_the_lines_backwards(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], torn: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "lines"
    torn = torn.replace(b"\n", b"")
    path.write_bytes(b"".join(line + b"\n" for line in lines) + torn)
    for block in (1, 3, 16, 16_384):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("miniai.run.tail._BLOCK", block)
            patch.setattr("miniai.run.tail._MOST", 4 * block)
            assert list(lines_backwards(path)) == lines[::-1]


def test_only_the_end_of_a_long_journal_is_read(run: RunDir, monkeypatch: pytest.MonkeyPatch) -> None:
    told(run, *[ev.Scalars(at=1, name="loss", first=n, values=[1.0] * 50) for n in range(20_000)], PAUSED)
    read: list[int] = []
    real = os.pread

    def pread(fd: int, n: int, at: int) -> bytes:
        read.append(n)
        return real(fd, n, at)

    monkeypatch.setattr(os, "pread", pread)
    assert module.last_edge(run) == PAUSED
    assert sum(read) < 100_000 < run.journal.stat().st_size


def test_the_newest_lines_of_some_kinds(run: RunDir) -> None:
    facts = [BEGUN, PAUSED, END, PAUSED]
    told(run, *facts, tail=b'{"is":"Paused","at"')
    lines, whole = newest(run.journal, ("Paused", "FitEnded"), 1 << 20)
    assert ([ev.decode(line) for line in lines], whole) == ([PAUSED, END, PAUSED], True)
    lines, whole = newest(run.journal, ("Paused", "EpochStarted"), 100)
    assert ([ev.decode(line) for line in lines], whole) == ([PAUSED], False)
    assert newest(run.path / "none", ("Paused",), 100) == ([], True)


def test_the_kind_of_a_line() -> None:
    assert kind(ev.encode(END)) == "FitEnded"
    assert [kind(line) for line in (b"", b"{}", b'x{"is":"A"}', b'{"is":"' + b"\xff" * 99)][:3] == ["", "", ""]
