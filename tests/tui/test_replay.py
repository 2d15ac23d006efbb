"""A replay hands over the facts of a journal when they are due, by a clock that the test moves."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from textual.message import Message

from miniai.config import RunConfig
from miniai.run import events as ev
from miniai.run.directory import RunDir, create_run
from tests.tui.driving import driving
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import Recording
from tui import replay
from tui.cli import main
from tui.messages import ReplayMoved, Reported
from tui.panes.header import HeaderPane
from tui.replay import Playhead, ReplaySession
from tui.replay_app import ReplayApp


def recorded(root: Path, facts: list[ev.AnyFact] | None = None) -> RunDir:
    run = create_run(root, RunConfig(model="conv"))
    told = list(Recording(epochs=2, train_batches=20, valid_batches=4).whole()) if facts is None else facts
    run.journal.write_bytes(b"".join(ev.encode(fact) + b"\n" for fact in told))
    return run


def plain(facts: list[ev.AnyFact]) -> tuple[list[ev.AnyFact], list[ev.Number]]:
    """Pieces of a series may come joined."""
    losses = [value for fact in facts if isinstance(fact, ev.Scalars) for value in fact.values]
    return [fact for fact in facts if not isinstance(fact, ev.Scalars)], losses


class Told:
    """What a replay says, and a clock that moves by what it waits."""

    def __init__(self, run: RunDir, speed: float) -> None:
        self.time, self.waits = 0.0, 0
        self.facts: list[tuple[float, ev.AnyFact]] = []
        self.moved: list[ReplayMoved] = []
        self.on_wait: Callable[[int], object] = bool
        self.session = ReplaySession(run, speed, clock=lambda: self.time, wait=self.wait)

    def wait(self, event: threading.Event, seconds: float | None) -> None:
        self.waits += 1
        self.on_wait(self.waits)
        if seconds is not None and not event.is_set():
            self.time += seconds
        assert self.waits < 10_000

    def post(self, message: Message) -> None:
        if isinstance(message, Reported):
            self.facts += [(self.time, fact) for fact in message.facts]
            message.taken.set()
        elif isinstance(message, ReplayMoved):
            self.moved.append(message)

    def run(self) -> None:
        self.session.run(self.post)


@pytest.mark.parametrize("speed", [0.5, 1.0, 8.0])
def test_each_fact_comes_when_it_is_due_and_none_is_lost(tmp_path: Path, speed: float) -> None:
    run = recorded(tmp_path)
    told = Told(run, speed)
    told.run()
    whole = [ev.decode(line) for line in run.journal.read_bytes().splitlines()]
    assert plain([fact for _, fact in told.facts]) == plain(whole)
    for when, fact in told.facts:
        assert fact.at / speed <= when + 1e-6
        assert when <= fact.at / speed + 0.2
    assert told.moved[-1].over
    assert told.moved[-1].words == ""
    assert told.session.over.is_set()


def test_a_paused_replay_says_nothing_until_it_goes_on(tmp_path: Path) -> None:
    told = Told(recorded(tmp_path), 1.0)
    said: list[int] = []

    def on_wait(n: int) -> None:
        if n == 5:
            told.session.toggle()
        elif n == 7:  # it waits without an end now, having said once that it is paused
            said.append(len(told.facts) + len(told.moved))
            told.time += 1000.0
            said.append(len(told.facts) + len(told.moved))
            assert told.moved[-1].paused
            told.session.toggle()

    told.on_wait = on_wait
    told.run()
    assert said[0] == said[1]
    assert told.moved[-1].over
    assert told.facts[-1][0] == pytest.approx(1000.0 + told.facts[-1][1].at, abs=1.0)


def test_the_next_edge_comes_at_once(tmp_path: Path) -> None:
    told = Told(recorded(tmp_path), 1.0)
    seen: list[str] = []

    def on_wait(n: int) -> None:
        if n <= 4:
            seen.append(type(told.facts[-1][1]).__name__)
        if n <= 3:
            told.session.to_edge()

    told.on_wait = on_wait
    told.run()
    assert seen[1:] == ["EpochStarted"] * 3  # what ends and what begins are told at one moment
    assert told.session.head.at >= told.facts[-1][1].at - 1e-6


def test_a_journal_without_an_end_says_where_it_ends(tmp_path: Path) -> None:
    told = Told(recorded(tmp_path, list(Recording().until(0, 8))), 100.0)
    told.run()
    assert (told.moved[-1].over, told.moved[-1].words) == (True, "the journal ends here")


def test_a_replay_that_is_left_ends(tmp_path: Path) -> None:
    told = Told(recorded(tmp_path), 1.0)
    told.on_wait = lambda n: told.session.close() if n == 5 else None
    told.run()
    assert told.waits == 5
    assert not told.moved[-1].over


def quiet(seconds: float) -> list[ev.AnyFact]:
    """A run that was paused for so long, while the machine was looked at every two seconds."""
    recording = Recording(epochs=1, train_batches=20, valid_batches=4)
    facts = list(recording.until(0, 8))
    at = recording.at
    facts += [ev.Paused(at=at, epoch=0, phase="train", batch=8, step=8)]
    facts += [ev.SystemSampled(at=at + 2 * i, cpu=0.5, log=i) for i in range(1, int(seconds / 2))]
    facts.append(ev.Continued(at=at + seconds, paused=seconds))
    return [*facts, ev.FitEnded(at=at + seconds + 1, reason="stopped", step=8)]


@pytest.mark.parametrize("speed", [0.5, 1.0, 8.0])
def test_of_a_long_pause_two_seconds_are_left_and_it_says_so(tmp_path: Path, speed: float) -> None:
    run = recorded(tmp_path, quiet(3600))
    told = Told(run, speed)
    told.run()
    whole = [ev.decode(line) for line in run.journal.read_bytes().splitlines()]
    assert plain([fact for _, fact in told.facts]) == plain(whole)
    when = {type(fact).__name__: at for at, fact in told.facts}
    assert when["Continued"] - when["Paused"] == pytest.approx(2.0, abs=0.3)
    assert when["FitEnded"] - when["Continued"] == pytest.approx(1 / speed, abs=0.3)
    left_out = [moved.left_out for moved in told.moved if moved.left_out]
    assert left_out == pytest.approx([3600 - 2 * speed] * len(left_out), abs=speed)
    assert len(left_out) >= 2
    assert told.moved[0].left_out == told.moved[-1].left_out == 0


def test_the_status_says_what_was_left_out(tmp_path: Path) -> None:
    app = ReplayApp(ReplaySession(recorded(tmp_path), 8.0))
    app.take_place(ReplayMoved(10.0, False, False, "", 3584.0))
    assert app.state.replay == "replay x8 · 0:10 · 59:44 of quiet left out"
    app.take_place(ReplayMoved(11.0, True, False, ""))
    assert app.state.replay == "replay paused · 0:11"
    assert app.state.replaying
    app.take_place(ReplayMoved(11.0, False, True, "the journal ends here"))
    assert not app.state.replaying


@pytest.mark.parametrize(("speed", "seconds"), [(8.0, 18.0), (1.0, 2.4), (0.1, 2.4)])
def test_a_short_quiet_stretch_is_as_long_as_it_was(tmp_path: Path, speed: float, seconds: float) -> None:
    told = Told(recorded(tmp_path, quiet(seconds)), speed)
    told.run()
    assert not any(moved.left_out for moved in told.moved)
    when = {type(fact).__name__: at for at, fact in told.facts}
    assert when["Continued"] - when["Paused"] == pytest.approx(seconds / speed, abs=0.3)


def test_a_pause_of_days_is_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "AHEAD", 50)
    told = Told(recorded(tmp_path, quiet(3600)), 1.0)
    told.run()
    assert told.facts[-1][0] < 200
    assert len(told.facts) > 1800


def test_a_playhead_stands_still_while_paused() -> None:
    now = [0.0]
    head = Playhead(4.0, lambda: now[0])
    now[0] = 2.0
    assert head.at == 8.0
    head.toggle()
    now[0] = 50.0
    assert head.at == 8.0
    head.toggle()
    now[0] = 51.0
    assert head.at == 12.0


@pytest.mark.parametrize("speed", ["0", "-1", "inf", "nan", "fast"])
def test_a_wrong_speed_is_one_clear_line(speed: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["attach", "last", "--speed", speed])
    assert exit_.value.code == 2
    assert "is no speed: 8 is eight times as fast" in capsys.readouterr().err


async def test_the_log_is_as_long_as_it_was_and_whole_where_that_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_bytes(b"first\nsecond\nthird\n")
    session = FakeSession(tmp_path, Recording().until(0, 8))
    sample = ev.SystemSampled(at=4.0, cpu=0.5)
    async with driving(session) as driver:

        async def log() -> str:
            await driver.settle()
            await driver.settle()
            return driver.text("log")

        state = driver.app.state
        state.replayed("replay x1 · 0:03")
        await driver.press("6")
        assert "nothing was written so far" in await log()
        await driver.post(msgspec.structs.replace(sample, log=9))
        text = await log()
        assert "first" in text
        assert " sec" in text
        assert "second" not in text
        await driver.post(msgspec.structs.replace(sample, log=13), sample)
        text = await log()
        assert "second" in text
        assert "third" not in text
        assert "whole log" not in text
        state.replayed("", going=False)
        assert "third" in await log()
    async with driving(FakeSession(tmp_path, [*Recording().until(0, 8), sample])) as driver:
        driver.app.state.replayed("replay x1 · 0:03")
        await driver.press("6")
        text = await log()
        assert "third" in text
        assert "log ─ whole log: its lines tell no times ─" in text.splitlines()[0]


async def test_the_screen_of_a_replay(tmp_path: Path) -> None:
    """The status says where it is; keys for a trainer say that there is none; space and q do what they should."""
    now = [0.0]

    def wait(event: threading.Event, seconds: float | None) -> None:
        event.wait(1.0 if seconds is None else 0.001)
        now[0] += 0.0 if seconds is None else seconds

    session = ReplaySession(recorded(tmp_path), 8.0, clock=lambda: now[0], wait=wait)
    session.toggle()  # stands still at its beginning
    app = ReplayApp(session)
    async with app.run_test(size=(120, 40)) as pilot:

        async def until(word: str) -> None:
            for _ in range(1000):
                app.run_screen.show_now("header")
                if word in app.run_screen.query_one(HeaderPane).render_line(0).text:
                    return
                await pilot.pause(0.005)
            raise AssertionError(app.run_screen.query_one(HeaderPane).render_line(0).text)

        await until("replay paused · 0:00")
        assert app.state.stands
        for _ in range(3):
            await pilot.press("full_stop")
        await until("replay paused · 0:03")
        for key in ("e", "b", "s", "v", "L", "E", "w"):
            app.state.notice = ""
            await pilot.press(key)
            assert app.state.notice.startswith("this is a replay"), key
            assert len(app.screen_stack) == 1, key
        assert not app.state.asked
        await pilot.press("space")
        await until("✓ done")
        assert app.state.over
        assert app.state.step == 40
        await pilot.press("q")
    assert "done" in app.summary().splitlines()[0]
