"""What the run's keys send, and what each answer shows."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from miniai.run import events as ev
from miniai.run.requests import AnyRequest, Continue, Pause, SkipBatch, SkipEpoch, Step, Stop
from tests.tui.driving import driving, going
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import Recording
from tui.messages import RequestFailed
from tui.screens.dialogs import Ask
from tui.screens.run import RunScreen

PAUSED = ev.Paused(at=9, epoch=1, phase="train", batch=74, step=192)


@pytest.mark.parametrize(
    ("key", "kind", "words"),
    [("space", Pause, "pausing …"), ("full_stop", Step, "one batch"), ("b", SkipBatch, "skip batch"),
     ("e", SkipEpoch, "skip epoch")],
)  # fmt: skip
async def test_a_key_sends_its_request_and_shows_at_once_that_it_was_sent(
    tmp_path: Path, key: str, kind: type[AnyRequest], words: str
) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.press(key)
        (request,) = driver.session.requests
        assert isinstance(request, kind)
        assert (request.epoch, request.phase) == (1, "train")
        assert len(request.id) >= 8
        assert words in driver.text("header")
        await driver.post(ev.Refused(at=9, request=request.id, why="too late"), seconds=0.5)
        assert words not in driver.text("header")
        assert "refused: too late" in driver.text("header")
        await driver.settle()
        assert "refused" not in driver.text("header")


async def test_a_key_that_reaches_nobody_says_so_for_a_while(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.press("space")
        assert "pausing …" in driver.text("header")
        assert driver.session.app_post is not None
        driver.session.app_post(RequestFailed(driver.session.requests[0].id, "nobody listens"))
        await driver.settle(0.5)
        assert "pausing" not in driver.text("header")
        assert "nobody listens   ● training" in driver.text("header")
        await driver.settle()
        assert "nobody listens" not in driver.text("header")


async def test_space_pauses_and_goes_on_and_never_toggles(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.press("space", "space")
        assert [type(r) for r in driver.session.requests] == [Pause, Pause]
        first, second = driver.session.requests
        refused = ev.Refused(at=9, request=second.id, why="the run is paused already")
        await driver.post(msgspec.structs.replace(PAUSED, request=first.id), refused)
        assert "paused at step 192" in driver.text("header")
        assert "go on" in driver.text("keys")
        await driver.press("space")
        request = driver.session.requests[-1]
        assert isinstance(request, Continue)
        await driver.post(ev.Continued(at=12, paused=3.0, request=request.id))
        assert "● training" in driver.text("header")


@pytest.mark.parametrize(("key", "when"), [("s", "batch"), ("e", "epoch")])
async def test_stop_asks_first(tmp_path: Path, key: str, when: str) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.press("s")
        assert isinstance(driver.app.screen, Ask)
        assert not driver.session.requests
        await driver.press(key)
        (request,) = driver.session.requests
        assert isinstance(request, Stop)
        assert request.when == when
        assert "stopping after this" in driver.text("header")
        assert driver.app.state.status == "stopping"


@pytest.mark.parametrize("opening", ["s", "q", "ctrl+c", "ctrl+q"])
@pytest.mark.parametrize("no", ["escape", "ctrl+c"])
async def test_no_means_no(tmp_path: Path, opening: str, no: str) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.press(opening)
        assert isinstance(driver.app.screen, Ask)
        await driver.press("b", "x", no)
        assert isinstance(driver.app.screen, RunScreen)
        assert not driver.session.requests
        assert not driver.session.closed.is_set()


@pytest.mark.parametrize("key", ["space", "full_stop", "b", "e", "s", "v", "L", "E", "w"])
async def test_a_key_that_comes_after_the_end_is_told_so(tmp_path: Path, key: str) -> None:
    async with driving(FakeSession(tmp_path, list(Recording(epochs=2).whole()))) as driver:
        await driver.press(key)
        assert driver.session.requests == []
        assert "nothing to ask for: the run is over   ✓ done" in driver.text("header")
        assert isinstance(driver.app.screen, RunScreen)


async def test_who_opens_a_run_that_is_over_sees_no_last_answer(tmp_path: Path) -> None:
    facts = list(Recording(epochs=2).whole())
    skipped = ev.BatchSkipped(at=facts[-1].at, epoch=1, phase="valid", batch=9)
    async with driving(FakeSession(tmp_path, [*facts[:-1], skipped, facts[-1]])) as driver:
        assert "skipped" not in driver.text("header")
