"""The keys that change a running fit: what they ask, what they send, and what the answers show."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.widgets import Input, Static

from miniai.run import events as ev
from miniai.run.requests import SetEpochs, SetLearningRate, SetValidation
from tests.tui.driving import Driver, driving, going
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import Recording
from tui.lines import Lines
from tui.screens.prompt import Prompt, read_epochs, read_rate
from tui.screens.run import RunScreen
from tui.state import Progress, RunState
from tui.typed import Wrong


def told(driver: Driver) -> str:
    return str(driver.app.screen.query_one("#told", Static).render())


async def test_a_rate_is_asked_for_explained_sent_and_answered(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.press("L")
        assert isinstance(driver.app.screen, Prompt)
        assert driver.app.screen.query_one("#prompt").border_title == "learning rate, now 0.2"
        await driver.press("x", "0", "full_stop", "5")
        assert "0.2 > 0.1 (x0.5), at the next batch" in told(driver)
        assert not driver.session.requests
        await driver.press("enter")
        (request,) = driver.session.requests
        assert isinstance(request, SetLearningRate)
        assert (request.factor, request.lr) == (0.5, 0)
        assert "learning rate x0.5: at the next batch …" in driver.text("header")
        changed = ev.Changed(at=9, what="lr", old=0.2, new=0.1, step=192, request=request.id)
        await driver.post(changed, seconds=0.5)
        assert "learning rate x0.5: 0.2 > 0.1" in driver.text("header")
        assert "next batch" not in driver.text("header")
        assert [(m.step, m.text) for m in driver.app.state.marks] == [(192, "lr x0.5")]
        await driver.press("L")
        assert driver.app.screen.query_one("#prompt").border_title == "learning rate, now 0.1"
        await driver.press("escape")


async def test_what_is_wrong_stays_to_be_mended(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.press("L", "q", "enter")
        assert isinstance(driver.app.screen, Prompt)
        assert "not a number" in told(driver)
        await driver.press("backspace", "0", "enter")
        assert "above 0" in told(driver)
        assert isinstance(driver.app.screen, Prompt)
        await driver.press("full_stop", "1", "enter")
        assert isinstance(driver.app.screen, RunScreen)
        assert [r.lr for r in driver.session.requests if isinstance(r, SetLearningRate)] == [0.1]


@pytest.mark.parametrize("key", ["L", "E"])
@pytest.mark.parametrize("no", [["escape"], ["ctrl+c"], ["enter"], ["7", "ctrl+c"], ["7", "escape"]])
async def test_no_means_no(tmp_path: Path, key: str, no: list[str]) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.press(key, *no)
        assert isinstance(driver.app.screen, RunScreen)
        assert not driver.session.requests


async def test_epochs_are_asked_for_and_progress_follows(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        before = driver.app.state.progress.eta
        await driver.press("E", "1")
        assert "epoch 2 is running" in told(driver)
        await driver.press("0")
        assert "5 > 10 epochs" in told(driver)
        await driver.press("enter")
        (request,) = driver.session.requests
        assert isinstance(request, SetEpochs)
        assert "10 epochs: at the next batch …" in driver.text("header")
        note = "the schedule ends after epoch 5 and holds its last rate"
        changed = ev.Changed(at=9, what="epochs", old=5, new=10, step=192, note=note, request=request.id)
        await driver.post(changed, seconds=0.5)
        assert f"epochs 5 > 10; {note}"[:60] in driver.text("header")
        assert "epoch  2/10" in driver.text("header")
        after = driver.app.state.progress.eta
        assert before is not None
        assert after is not None
        assert after > 1.5 * before


async def test_v_says_off_and_then_on_and_never_toggles(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.press("v", "v")
        assert [r.on for r in driver.session.requests if isinstance(r, SetValidation)] == [False, False]
        assert "validation off: from the next epoch …" in driver.text("header")
        before = driver.app.state.progress.eta
        first, second = driver.session.requests
        off = ev.Changed(at=9, what="valid", old=1, new=0, step=192, epoch=2, request=first.id)
        refused = ev.Refused(at=9, request=second.id, why="validation is off already")
        await driver.post(off, refused, seconds=0.5)
        assert "refused: validation is off already" in driver.text("header")
        assert driver.app.state.marks[-1].text == "valid off"
        after = driver.app.state.progress.eta
        assert before is not None
        assert after is not None
        assert after < before
        await driver.press("v")
        request = driver.session.requests[-1]
        assert isinstance(request, SetValidation)
        assert request.on


async def test_before_the_first_batch_there_is_nothing_to_change(tmp_path: Path) -> None:
    async with driving(FakeSession(tmp_path, list(Recording().start())[:4])) as driver:
        await driver.press("v", "L", "E")
        assert isinstance(driver.app.screen, RunScreen)
        assert not driver.session.requests
        assert "training has not begun" in driver.text("header")


async def test_after_the_end_nothing_is_asked(tmp_path: Path) -> None:
    async with driving(FakeSession(tmp_path, Recording(epochs=1).whole())) as driver:
        await driver.press("v", "L", "E")
        assert isinstance(driver.app.screen, RunScreen)
        assert not driver.session.requests


async def test_the_prompt_fits_a_small_screen(tmp_path: Path) -> None:
    async with driving(going(tmp_path), (60, 15)) as driver:
        await driver.press("L")
        box = driver.app.screen.query_one("#prompt").region
        assert (box.x >= 0, box.right <= 60, box.bottom <= 15) == (True, True, True)
        assert driver.app.screen.query_one(Input).region.width > 20
        await driver.press("escape")


# -- what is typed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "answer"),
    [("0.01", (0, 0.01)), (" 3e-4 ", (0, 3e-4)), ("x0.5", (0.5, 0)), ("X2", (2, 0)), ("×2", (2, 0)), ("*3", (3, 0)),
     ("/2", (0.5, 0)), ("50%", (0.5, 0)), ("0,01", (0, 0.01))],
)  # fmt: skip
def test_rates_that_are_understood(text: str, answer: tuple[float, float]) -> None:
    assert read_rate(text) == answer


@pytest.mark.parametrize(
    "text", ["", "x", "/", "/0", "0", "-1", "x-1", "nan", "inf", "x0", "1e999", "abc", "%", "/1e-320"]
)
def test_rates_that_are_not(text: str) -> None:
    with pytest.raises(Wrong):
        read_rate(text)


def test_a_factor_that_leads_nowhere_is_wrong() -> None:
    with pytest.raises(Wrong):
        read_rate("x1e300", 1e10)


@given(st.text(max_size=24), st.one_of(st.none(), st.floats(1e-300, 1e300)))
def test_any_text_is_a_good_rate_or_wrong(text: str, now: float | None) -> None:
    try:
        factor, lr = read_rate(text, now)
    except Wrong:
        return
    assert (factor > 0) != (lr > 0)
    assert math.isfinite(factor + lr)


@given(st.one_of(st.text(max_size=24), st.integers(-50, 50).map(str), st.integers(0, 50).map("+{}".format)),
       st.integers(1, 40), st.integers(1, 40))  # fmt: skip
def test_any_text_is_a_number_of_epochs_or_wrong(text: str, now: int, running: int) -> None:
    try:
        epochs = read_epochs(text, now, running)
    except Wrong:
        return
    assert running <= epochs <= 1_000_000
    relative = text.strip()[:1] in ("+", "-")
    assert epochs == int(text) + (now if relative else 0)


# -- facts ---------------------------------------------------------------------------------------------------------


def test_headless_says_it_in_a_line() -> None:
    lines = Lines()
    for fact in Recording().until(0, 8):
        lines.render(fact)
    said = [
        *lines.render(ev.Changed(at=1, what="lr", old=0.2, new=0.1, step=8)),
        *lines.render(ev.Changed(at=1, what="epochs", old=5, new=12, step=8, note="it holds")),
        *lines.render(ev.Changed(at=1, what="valid", old=1, new=0, step=8, epoch=3)),
    ]
    assert [line.split("  ")[-1].strip() for line in said] == [
        "learning rate x0.5: 0.2 > 0.1", "epochs 5 > 12; it holds", "validation off from epoch 4",
    ]  # fmt: skip


def test_facts_travel_as_json() -> None:
    for fact in (
        ev.Changed(at=1, what="lr", old=0.2, new=0.1, step=8, request="x"),
        ev.Changed(at=1, what="valid", old=1.0, new=0.0, step=8, epoch=3),
    ):
        assert ev.decode(ev.encode(fact)) == fact


def test_the_remaining_time_knows_which_validations_there_are() -> None:
    progress = Progress()
    progress.fit_started(next(f for f in Recording().start() if isinstance(f, ev.FitStarted)))
    progress.epoch_started(ev.EpochStarted(at=0, epoch=0, phase="train", batches=100, step=0))
    progress.halves["valid"], progress.per_batch = 10, {"train": 1.0, "valid": 1.0}
    assert progress.eta == 5 * 110
    progress.changed(ev.Changed(at=0, what="valid", old=1, new=0, step=0, epoch=1))
    assert progress.eta == 110 + 4 * 100
    progress.changed(ev.Changed(at=0, what="epochs", old=5, new=2, step=0))
    assert progress.eta == 110 + 100
    progress.epoch_started(ev.EpochStarted(at=0, epoch=1, phase="train", batches=100, step=0))
    assert progress.eta == 100


def test_the_rate_is_that_of_the_newest_step() -> None:
    assert RunState().rate.now is None
    state = RunState()
    for fact in Recording().start():
        state.apply(fact)
    assert state.rate.now == 0.2
    state.apply(ev.Scalars(at=1, name="lr", first=1, values=[0.3, 0.4]))
    assert state.rate.now == 0.4
