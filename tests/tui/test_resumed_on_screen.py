"""A screen that is open on a run that has ended sees that it was resumed, and what is shown of checkpoints."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from textual.message import Message

from miniai.config import RunConfig
from miniai.run import events as ev
from miniai.run.directory import RunDir, create_run
from miniai.run.requests import Save
from tests.tui.driving import driving, going
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import Recording
from tests.tui.test_state import after, status
from tui.attach import AttachedSession
from tui.follow import Follower
from tui.messages import Reported
from tui.panes.details_saved import saved_of
from tui.state import RunState, summary

SAVED = ev.Saved(
    at=9.0, step=96, epoch=0, name="step-96", why="request", bytes=1_234_567, seconds=0.01, request="x"
)  # fmt: skip
AGAIN = ev.RunResumed(at=20.0, step=96, epoch=0, phase="train", batch=96, wall=1.8e9 + 500, pid=5, host="box")


def append(run: RunDir, *facts: ev.AnyFact) -> None:
    with run.journal.open("ab") as file:
        file.write(b"".join(ev.encode(fact) + b"\n" for fact in facts))


class Viewer:
    """A session in a thread, and the state that its facts make."""

    def __init__(self, run: RunDir) -> None:
        self.session, self.state = AttachedSession(run), RunState()
        self.thread = threading.Thread(target=lambda: self.session.run(self.post), daemon=True)
        self.thread.start()

    def post(self, message: Message) -> None:
        if isinstance(message, Reported):
            for fact in message.facts:
                self.state.apply(fact)
            message.taken.set()

    def until(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < end, self.state.status
            self.session.over.wait(0.005)

    def close(self) -> None:
        self.session.close()
        self.thread.join(10)
        assert not self.thread.is_alive()


def test_an_open_screen_sees_that_an_ended_run_was_resumed(tmp_path: Path) -> None:
    run, recording = create_run(tmp_path, RunConfig(model="conv")), Recording(epochs=2)
    append(run, *recording.until(0, 100), ev.FitEnded(at=9, reason="stopped", step=100))
    viewer = Viewer(run)
    viewer.until(lambda: viewer.state.over)
    viewer.until(viewer.session.over.is_set)
    append(run, AGAIN)
    viewer.until(lambda: status(viewer.state) == "starting")
    viewer.until(lambda: not viewer.session.over.is_set())
    assert viewer.state.step == 96
    append(run, ev.EpochStarted(at=24, epoch=0, phase="train", batches=118, step=96))
    append(run, ev.Scalars(at=25, name="loss", first=97, values=[0.5] * 22))
    viewer.until(lambda: viewer.state.step == 118)
    assert viewer.state.series["loss"].end == 118
    append(run, ev.FitEnded(at=26, reason="done", step=118))
    viewer.until(lambda: status(viewer.state) == "done")
    viewer.close()


def test_a_resumed_run_is_not_read_before_it_is_resumed(tmp_path: Path) -> None:
    run = create_run(tmp_path, RunConfig(model="conv"))
    facts = list(Recording(epochs=2).until(0, 100))
    append(run, *facts, ev.FitEnded(at=9, reason="stopped", step=100))
    with run.journal.open("ab") as file:
        file.write(b'{"is":"Scal')  # torn by a kill
    follower = Follower(run.journal)
    follower.hold_until_resumed()
    assert follower.read() == []
    kept = run.journal.read_bytes().rpartition(b"\n")[0] + b"\n"
    run.journal.write_bytes(kept)  # the trainer cuts it off
    assert follower.read() == []
    append(run, AGAIN)
    read = follower.read()
    assert read[0] == facts[0]
    assert read[-1] == AGAIN
    assert not any(isinstance(fact, ev.FitEnded) for fact in read)
    assert after(*read).series["loss"].end == 96
    assert follower.ended is None
    follower.close()


def test_a_torn_end_that_is_cut_off_and_written_over_is_read_right(tmp_path: Path) -> None:
    path, facts = tmp_path / "j", list(Recording().start())
    whole = [ev.encode(fact) + b"\n" for fact in facts]
    path.write_bytes(whole[0] + whole[1][:20])
    follower = Follower(path)
    assert follower.read() == facts[:1]
    path.write_bytes(whole[0])
    assert follower.read() == []
    path.write_bytes(whole[0] + whole[2] + whole[3])
    assert follower.read() == facts[2:4]
    assert follower.unknown == 0
    follower.close()


def test_a_line_longer_than_a_look_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "j"
    fact = ev.Scalars(at=1.0, name="loss", first=1, values=[0.123456789] * 400_000)
    path.write_bytes(ev.encode(fact) + b"\n")
    follower = Follower(path)
    assert follower.read() == [fact]
    follower.close()


async def test_the_key_asks_and_the_answer_is_seen(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.press("w")
        asked = driver.session.requests[-1]
        assert isinstance(asked, Save)
        assert "saving: after this batch" in driver.text("header")
        await driver.post(msgspec.structs.replace(SAVED, step=192, request=asked.id), seconds=0.5)
        assert "saved at step 192" in driver.text("header")
        assert driver.app.state.marks[-1].text == "saved"


async def test_the_key_says_when_it_is_too_early(tmp_path: Path) -> None:
    async with driving(FakeSession(tmp_path, list(Recording().start())[:3])) as driver:
        await driver.press("w")
        assert driver.session.requests == []
        assert "training has not begun" in driver.app.state.notice


def test_the_details_name_the_checkpoint_and_the_command(tmp_path: Path) -> None:
    state = after(*Recording().until(0, 100))
    assert ("last", "none yet", "") in saved_of(state, tmp_path)
    state.apply(SAVED)
    state.apply(ev.Progressed(at=75.0, epoch=0, phase="train", batch=101, samples=1, seconds=9, waited=0, metrics={}))
    rows = {name: (value, note) for name, value, note in saved_of(state, tmp_path)}
    assert rows["last"] == ("step 96", "on request")
    assert rows["size"] == ("1.2 MB", "written in 0.01 s")
    assert rows["age"][0] == "1:06 of the run"
    assert rows["resume with"][0].startswith("miniai-tui fit --resume ")
    state.apply(AGAIN)
    rows = {name: (value, note) for name, value, note in saved_of(state, tmp_path)}
    assert rows["resumed"][0] == "step 96"
    assert rows["last"][0] == "step 96"


@pytest.mark.parametrize("step", [0, 95])
def test_a_checkpoint_after_the_step_is_void(step: int) -> None:
    state = after(*Recording().until(0, 100), SAVED, ev.RunResumed(at=20.0, step=step, batch=step))
    assert state.saves.last is None


def test_the_summary_names_the_command_that_goes_on(tmp_path: Path) -> None:
    end = ev.FitEnded(at=9.5, reason="stopped", step=100)
    facts = list(Recording().until(0, 100))
    assert "--resume" not in summary(after(*facts, end), tmp_path)
    assert "--resume" not in summary(after(*facts, SAVED), tmp_path)
    text = summary(after(*facts, SAVED, end), tmp_path)
    assert f"go on from the checkpoint at step 96: miniai-tui fit --resume {tmp_path}" in text


@pytest.mark.parametrize("why", ["epoch", "best", "time"])
def test_a_checkpoint_that_nobody_asked_for_is_no_notice(why: Literal["epoch", "best", "time"]) -> None:
    state = after(*Recording().until(0, 100))
    state.apply(SAVED)
    assert (state.notice, state.notices) == ("saved at step 96", 1)
    state.apply(msgspec.structs.replace(SAVED, step=118, why=why, request=""))
    assert (state.notice, state.notices) == ("saved at step 96", 1)
    assert state.saves.last is not None
    assert state.saves.last.step == 118
