"""Alerts that were acknowledged stay so for whoever looks at the run next."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from miniai.run import events as ev
from tests.tui.driving import Driver, driving
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import Recording
from tests.tui.test_replay import recorded
from tui import acknowledged
from tui.acknowledged import Acknowledged
from tui.panes.alerts import AlertPane
from tui.replay import ReplaySession
from tui.replay_app import ReplayApp

SPIKE = ev.Alerted(at=61.25, topic="spike", text="the training loss jumped to 4", step=300)
DISK = ev.Alerted(at=90.0, topic="disk", text="the disk is nearly full")


def session(folder: Path) -> FakeSession:
    return FakeSession(folder, [*Recording(epochs=1).whole(), SPIKE, DISK])


def open_(driver: Driver) -> list[str]:
    return [alert.topic for alert in driver.app.state.alerts.open]


async def test_the_next_viewer_finds_them_acknowledged(tmp_path: Path) -> None:
    """Of a run that is over, too; and one that is new comes up."""
    async with driving(session(tmp_path)) as driver:
        assert open_(driver) == ["spike", "disk"]
        await driver.press("a", "down", "a")
        await driver.settle()
        assert open_(driver) == ["disk"]
    async with driving(session(tmp_path)) as driver:
        assert open_(driver) == ["disk"]
        assert "the disk is nearly full" in driver.text("alert")
        await driver.press("a", "A")
        await driver.settle()
    async with driving(session(tmp_path)) as driver:
        assert open_(driver) == []
        assert "alert" not in driver.seen()
        await driver.post(ev.Alerted(at=99.0, topic="disk", text="the disk is full"))
        assert open_(driver) == ["disk"]
        assert len(driver.app.state.alerts) == 3


async def test_no_bell_for_what_was_acknowledged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rung: list[str] = []
    monkeypatch.setattr(AlertPane, "ring", lambda pane, text: rung.append(text))
    Acknowledged(tmp_path).add([("spike", 300, 61.25), ("disk", 0, 90.0)])
    told = session(tmp_path)
    async with driving(FakeSession(tmp_path)) as driver:
        driver.app.run_screen.query_one(AlertPane).bell = True
        driver.session.post(*told.facts)
        await driver.settle()
        assert rung == []
        await driver.post(ev.Alerted(at=99.0, topic="x", text="new"))
        assert rung == ["new"]


async def test_two_screens_keep_what_both_acknowledged(tmp_path: Path) -> None:
    async with driving(session(tmp_path)) as driver:
        Acknowledged(tmp_path).add([("spike", 300, 61.25)])  # by somebody else, meanwhile
        await driver.press("a", "a")  # the newest
        await driver.settle()
    assert Acknowledged(tmp_path).read() == {("spike", 300, 61.25), ("disk", 0, 90.0)}


async def test_a_folder_that_takes_nothing_says_so(tmp_path: Path) -> None:
    (tmp_path / "acknowledged.json").mkdir()
    async with driving(session(tmp_path)) as driver:
        await driver.press("a", "a")
        await driver.settle()
        await driver.settle()
        assert driver.app.state.notice == "acknowledged on this screen only: Is a directory"
        assert open_(driver) == ["spike"]


async def test_a_run_that_is_replayed_is_as_it_was(tmp_path: Path) -> None:
    """Nobody had acknowledged anything then; and what is acknowledged in a replay is not kept."""
    run = recorded(tmp_path, [*Recording(epochs=1).start(), SPIKE])
    Acknowledged(run.path).add([("spike", 300, 61.25)])
    app = ReplayApp(ReplaySession(run, 1e6))
    async with app.run_test() as pilot:
        for _ in range(1000):
            if app.state.alerts:
                break
            await pilot.pause(0.005)
        assert [alert.topic for alert in app.state.alerts.open] == ["spike"]
        app.run_screen.tick()
        await pilot.press("a", "A")
        await app.workers.wait_for_complete()
        assert app.state.alerts.open == []
    assert len(Acknowledged(run.path).read()) == 1


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1]", b'[["a", 1]]', b"[" * 3_000_000, b"\xff", b'[["\xff", 1, 1.0]]']
)
def test_what_cannot_be_read_is_empty_and_written_anew(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "acknowledged.json").write_bytes(content)
    kept = Acknowledged(tmp_path)
    assert kept.read() == set()
    kept.add([("a", 1, 2.0)])
    assert kept.read() == {("a", 1, 2.0)}


def test_a_pipe_of_that_name_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "acknowledged.json")
    assert Acknowledged(tmp_path).read() == set()


def test_only_the_newest_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acknowledged, "MOST", 3)
    kept = Acknowledged(tmp_path)
    for n in range(10):
        kept.add([("t", n, float(n))])
    assert json.loads(kept.path.read_bytes()) == [["t", n, float(n)] for n in (7, 8, 9)]
    assert kept.path.stat().st_mode & 0o777 == 0o600
