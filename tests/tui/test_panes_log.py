"""The log: what is read of a file, what level a line has, and what the pane shows of it."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniai.run import events as ev
from tests.tui.driving import Driver, driving, going
from tui.panes import logfile
from tui.panes.logfile import LogFile

TRACE = """\
Traceback (most recent call last):
  File "a.py", line 1, in <module>
    f()
    ~^^
ValueError: no
"""


def read(path: Path, text: str | bytes) -> list[tuple[str, str]]:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return [(line.level, line.text) for line in LogFile(path).look().lines]


def test_levels(tmp_path: Path) -> None:
    lines = read(
        tmp_path / "log.txt",
        "plain\nINFO: ready\n2026-01-01 12:00:00,123 WARNING root: low\n[ERROR] x\nDEBUG:miniai:y\nerror: bad\n"
        "Epoch 1 had no ERRORS\n/a/b.py:12: UserWarning: careful\n  warnings.warn('careful')\nplain again\n"
        "CRITICAL:root:z\nKeyError: 'x'\n  indented\n",
    )
    assert [level for level, _ in lines] == [
        "", "info", "warning", "error", "debug", "error", "", "warning", "warning", "", "error", "error", "",
    ]  # fmt: skip


def test_a_traceback_is_an_error_as_a_whole(tmp_path: Path) -> None:
    chained = TRACE + "\nDuring handling of the above exception, another exception occurred:\n\n" + TRACE
    lines = read(tmp_path / "log.txt", chained + "done\n")
    assert [text for level, text in lines if level != "error" and text] == ["done"]


def test_a_progress_bar_is_its_last_state_and_escapes_are_gone(tmp_path: Path) -> None:
    data = b"10%\r20%\r\x1b[32m100%\x1b[0m\r\nx\x1b]0;title\x07y\ttab\x07\xff\nlive 1\rlive 2\r"
    path = tmp_path / "log.txt"
    assert [text for _, text in read(path, data)] == ["100%", "xy  tab\ufffd"]
    log = LogFile(path)
    assert log.look().partial == "live 2"
    with path.open("ab") as file:
        file.write(b"live 3")
    assert log.look().partial == "live 3"
    with path.open("ab") as file:
        file.write(b"\rlast\n")
    assert [line.text for line in log.look().lines] == ["last"]
    assert log.look().partial == ""


def test_a_file_that_is_replaced_shortened_missing_or_forbidden(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    log = LogFile(path)
    assert log.look().missing
    path.write_text("a\nb\n")
    assert [line.text for line in log.look().lines] == ["a", "b"]
    path.write_text("c\n")
    again = log.look()
    assert again.anew
    assert [line.text for line in again.lines] == ["c"]
    (tmp_path / "new").write_text("longer than before\n")
    (tmp_path / "new").replace(path)
    assert [line.text for line in log.look().lines] == ["longer than before"]
    path.unlink()
    gone = log.look()
    assert (gone.missing, gone.anew) == (True, True)
    path.mkdir()
    assert log.look().problem


def test_a_large_log_is_read_from_near_its_end_and_a_burst_in_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logfile, "CHUNK", 1000)
    path = tmp_path / "log.txt"
    path.write_text("".join(f"line {i}\n" for i in range(5000)))
    log = LogFile(path)
    first = log.look()
    assert first.skipped
    assert first.lines[-1].text == "line 4999"
    assert all(line.text.startswith("line ") for line in first.lines)
    assert log.look().lines == []


@given(st.lists(st.binary(max_size=60), max_size=12))
def test_any_bytes_in_any_pieces_give_the_same_harmless_lines(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("log") / "log.txt"
    path.touch()
    log, lines = LogFile(path), list[str]()
    for piece in pieces:
        with path.open("ab") as file:
            file.write(piece)
        found = log.look()
        lines += [line.text for line in found.lines]
    assert lines == [line.text for line in LogFile(path).look().lines]
    assert len(lines) == b"".join(pieces).count(b"\n")
    assert not [c for c in "".join(lines) if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]


def test_memory_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(b"x" * 500_000)
    log = LogFile(path)
    assert len(log.look().partial) <= logfile.LONGEST
    assert len(log._rest) < 10_000
    path.write_bytes(b"\n" * 900_000)
    assert len(LogFile(path).look().lines) == logfile.LIMIT


async def seen(driver: Driver) -> str:
    """After a look at the file."""
    await driver.settle()
    await driver.settle()
    return driver.text("log")


async def test_the_pane_follows_scrolls_and_says_where_the_file_is(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text("".join(f"line {i}\n" for i in range(100)))
    async with driving(going(tmp_path)) as driver:
        await driver.press("6")
        text = await seen(driver)
        assert "log.txt" in text.splitlines()[0]
        assert "line 99" in text
        assert "line 0\n" not in text
        await driver.press("pageup", "pageup")
        with path.open("a") as file:
            file.write("line 100\n")
        held = await seen(driver)
        assert "line 79" in held
        assert "line 100" not in held
        assert "21 lines below" in held.splitlines()[0]
        await driver.press("home")
        assert "line 0 " in driver.text("log")
        await driver.press("end")
        assert "line 100" in driver.text("log")
        with path.open("a") as file:
            file.write("line 101\n" + 300 * "long ")
        assert "line 101" in await seen(driver)
        await driver.press("right")
        assert "101" not in driver.text("log")


async def test_levels_and_signs(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("plain\nWARNING: low\n" + TRACE)
    async with driving(going(tmp_path)) as driver:
        await driver.press("6")
        text = await seen(driver)
        assert "! WARNING: low" in text
        assert "✗ ValueError: no" in text
        await driver.press("l")
        assert "warnings and errors" in driver.text("log").splitlines()[0]
        assert "plain" not in driver.text("log")
        await driver.press("l")
        assert "WARNING" not in driver.text("log")
        assert 'File "a.py"' in driver.text("log")
        await driver.press("C")
        assert driver.app.clipboard == TRACE.rstrip("\n")
        await driver.press("l")
        assert "plain" in driver.text("log")


async def test_missing_empty_and_lost_logs_say_so(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.press("6")
        assert "no log file" in await seen(driver)
        (tmp_path / "log.txt").touch()
        assert "nothing was written so far" in await seen(driver)
        await driver.post(ev.Alerted(at=1.0, topic="log", text="output of the program is being lost"))
        assert "! output of the program is being lost" in driver.text("log")
