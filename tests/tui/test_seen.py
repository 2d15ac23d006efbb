"""What a request carries of what the user saw, so that two viewers never act twice."""

from __future__ import annotations

from pathlib import Path

from miniai.run import events as ev
from miniai.run.requests import Pause, SetLearningRate, SkipBatch, Step
from tests.tui.driving import driving, going
from tui.state.seen import Seen

PAUSED = ev.Paused(at=20.5, epoch=1, phase="train", batch=74, step=192)


def test_where_the_run_stands_and_who_changed_its_rate() -> None:
    seen = Seen()
    assert (seen.of(Step), seen.of(SkipBatch), seen.of(Pause)) == ({"stood": 0.0}, {"stood": 0.0}, {})
    assert seen.of(SetLearningRate) == {"seen": ""}
    assert not seen.apply(PAUSED)
    seen.apply(ev.Changed(at=21, what="lr", old=0.2, new=0.1, step=192, request="r"))
    seen.apply(ev.Changed(at=22, what="epochs", old=5, new=6, step=192, request="e"))
    assert (seen.of(Step), seen.of(SetLearningRate)) == ({"stood": 20.5}, {"seen": "r"})
    assert seen.of(Step, waiting=True) == {"stood": None}
    seen.apply(ev.Continued(at=23, paused=2))
    assert seen.of(Step) == {"stood": 0.0}


async def test_the_keys_send_what_is_on_the_screen(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.press("full_stop", "full_stop")
        await driver.post(PAUSED, *(ev.Refused(at=21, request=r.id, why="x") for r in driver.session.requests))
        await driver.press("full_stop")
        stood = [request.stood for request in driver.session.requests if isinstance(request, Step)]
        assert stood == [0.0, None, 20.5]


async def test_a_factor_says_which_rate_was_seen(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.press("L", "x", "2", "enter")
        await driver.post(ev.Changed(at=21, what="lr", old=0.2, new=0.1, step=192, request="of another viewer"))
        await driver.press("L", "x", "2", "enter")
        seen = [request.seen for request in driver.session.requests if isinstance(request, SetLearningRate)]
        assert seen == ["", "of another viewer"]
