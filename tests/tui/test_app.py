"""The app on recorded facts: what every key sends, what every answer shows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from miniai.run import events as ev
from miniai.run.requests import AnyRequest, Continue, Pause, SkipBatch, SkipEpoch, Step, Stop
from tests.tui.driving import driving
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import Recording
from tui.colors import PALETTES
from tui.keys import GROUPS
from tui.messages import RequestFailed, TrainerGone, TrainerSaid
from tui.panes.images import ImagesPane
from tui.panes.layers import LayersPane
from tui.screens.dialogs import Ask
from tui.screens.help import Help
from tui.screens.run import RunScreen

PAUSED = ev.Paused(at=9, epoch=1, phase="train", batch=74, step=192)


def going(tmp_path: Path) -> FakeSession:
    return FakeSession(tmp_path, Recording().until(1, 74))


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


async def test_quit_and_stop_leaves_when_the_trainer_has_stopped(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.press("q", "s")
        assert isinstance(driver.session.requests[0], Stop)
        assert driver.app.is_running
        driver.session.post(ev.FitEnded(at=9, reason="stopped", step=193))
        await driver.pilot.pause()
    assert driver.app.exit_code == 0
    assert "stopped" in driver.app.summary().splitlines()[0]


async def test_quit_and_leave_it_running(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.press("q", "l")
    assert driver.session.closed.is_set()
    assert not driver.session.requests
    assert not driver.session.killed
    assert driver.app.exit_code == 0
    assert "left running" in driver.app.summary()


async def test_quit_and_kill(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.press("q", "k")
    assert driver.session.killed
    assert driver.app.exit_code == 0


async def test_a_thread_worker_is_not_offered_to_run_on(tmp_path: Path) -> None:
    session = going(tmp_path)
    session.can_leave = False
    async with driving(session) as driver:
        await driver.press("q", "l")
        assert isinstance(driver.app.screen, Ask)
        await driver.press("escape")


async def test_an_attached_screen_leaves_without_asking(tmp_path: Path) -> None:
    session = going(tmp_path)
    session.owns = False
    async with driving(session) as driver:
        await driver.press("q")
    assert session.closed.is_set()
    assert not session.requests
    assert driver.app.exit_code == 0


async def test_when_the_run_is_over_the_screen_stays_until_q(tmp_path: Path) -> None:
    async with driving(FakeSession(tmp_path, Recording(epochs=2).whole())) as driver:
        assert "✓ done" in driver.text("header")
        assert "2/2 epochs" in driver.text("header")
        await driver.press("space", "e", "s")
        assert not driver.session.requests
        assert isinstance(driver.app.screen, RunScreen)
        await driver.press("q")
    assert driver.app.exit_code == 0
    assert "done" in driver.app.summary()


async def test_a_failed_run_ends_with_code_1(tmp_path: Path) -> None:
    failed = ev.FitEnded(at=9, reason="failed", step=74, error="out of memory")
    async with driving(FakeSession(tmp_path, [*Recording().until(0, 74), failed])) as driver:
        assert "✗ failed" in driver.text("header")
        assert "out of memory" in driver.text("header")
        await driver.press("q")
    assert driver.app.exit_code == 1


async def test_a_dead_trainer_is_shown_large_with_the_end_of_its_log(tmp_path: Path) -> None:
    async with driving(FakeSession(tmp_path)) as driver:
        assert driver.session.app_post is not None
        driver.session.app_post(TrainerSaid("the trainer process starts"))
        await driver.settle()
        assert "the trainer process starts" in driver.text("header")
        driver.session.app_post(TrainerGone("it ended with code 1", ["Traceback", "ImportError: x\x1b[2J"]))
        await driver.settle()
        assert "gone" in driver.seen()
        assert "it ended with code 1" in driver.text("gone")
        assert "ImportError: x[2J" in driver.text("gone")
        await driver.press("escape")
        await driver.settle()
        assert "gone" not in driver.seen()
        assert "loss" in driver.seen()
        await driver.press("q")
    assert driver.app.exit_code == 1


async def test_ctrl_c_copies_a_selection_instead(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.pilot.mouse_down("#metrics", offset=(3, 2))
        await driver.pilot.hover("#metrics", offset=(40, 3))
        await driver.pilot.mouse_up("#metrics", offset=(40, 3))
        await driver.pilot.pause()
        assert driver.app.screen.get_selected_text()
        await driver.press("ctrl+c")
        assert isinstance(driver.app.screen, RunScreen)
        assert "train" in driver.app.clipboard


async def test_view_keys(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        await driver.press("y")
        assert "log y" in driver.text("loss")
        await driver.press("m")
        assert "standard deviation" in driver.text("layers")
        await driver.press("m")
        assert "near zero" in driver.text("layers")
        for name in [*list(PALETTES)[1:], next(iter(PALETTES))]:
            await driver.press("t")
            assert driver.app.theme == name
        await driver.press("question_mark")
        assert isinstance(driver.app.screen, Help)
        await driver.press("escape")
        assert isinstance(driver.app.screen, RunScreen)
        await driver.press("ctrl+l")
        assert not driver.session.requests


async def test_the_palette_knows_every_key(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        commands = {c.title: c for c in driver.app.get_system_commands(driver.app.screen)}
        assert commands.keys() == {b.description for _, bindings in GROUPS for b in bindings}
        commands["copy the selection, else stop ..."].callback()
        await driver.pilot.pause()
        await driver.pilot.pause()
        assert isinstance(driver.app.screen, Ask)
        await driver.press("escape")
        commands["pause / go on"].callback()
        await driver.pilot.pause()
        await driver.settle()
        assert isinstance(driver.session.requests[0], Pause)


async def test_a_preview_is_read_and_shown_and_n_turns_the_page(tmp_path: Path) -> None:
    import numpy as np
    from safetensors.numpy import save_file

    pixels = np.random.default_rng(0).integers(0, 255, (32, 1, 28, 28), np.uint8)
    tensors = {
        "pixels": pixels, "labels": np.arange(32) % 10, "predictions": np.arange(32) % 9,
        "confidences": np.full(32, 0.75, np.float32),
    }  # fmt: skip
    save_file(tensors, tmp_path / "1.safetensors")
    recording = Recording()
    facts = [*recording.until(0, 40), recording.preview("1.safetensors")]
    async with driving(FakeSession(tmp_path, facts)) as driver:
        await driver.settle()
        text = driver.text("images")
        assert "training batch at step 40" in text
        assert "Ankle boot" in text or "T-shirt/top" in text
        await driver.press("n")
        assert driver.text("images") != text
        await driver.post(recording.preview("vanished.safetensors"))
        assert driver.app.run_screen.pane(ImagesPane).preview is not None
        newer = msgspec.structs.replace(recording.preview("vanished.safetensors", "valid"), step=41)
        await driver.post(newer)
        assert "training batch at step 40" in driver.text("images")  # what is shown, not what is newest


async def test_an_alert_takes_a_line(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        assert "alert" not in driver.seen()
        await driver.post(ev.Alerted(at=9, topic="nan", text="the loss is NaN", step=150))
        assert "! the loss is NaN (step 150)" in driver.text("alert")


async def test_nothing_is_drawn_when_nothing_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with driving(going(tmp_path)) as driver:
        drawn: list[str] = []
        for pane in driver.app.run_screen.panes():
            monkeypatch.setattr(pane, "show", lambda *_, id_=pane.id: drawn.append(str(id_)))
        await driver.settle()
        assert drawn == []
        await driver.post(ev.Progressed(
            at=9, epoch=1, phase="train", batch=75, samples=75 * 512, seconds=3.1, waited=0.1, metrics={"loss": 0.4},
        ))  # fmt: skip
        assert set(drawn) == {"header", "metrics"}


async def test_a_pane_is_drawn_at_its_own_rate(tmp_path: Path) -> None:
    async with driving(going(tmp_path)) as driver:
        screen, state = driver.app.run_screen, driver.app.state
        pane = screen.pane(LayersPane)
        assert pane.every == 1.0
        pane.show(state, 200.0)
        state.apply(ev.LayersMeasured(at=9, step=999, means=[0.0] * 9, stds=[1.0] * 9, near_zero=[0.0] * 9,
                                      nonfinite=[0] * 9))  # fmt: skip
        assert not pane.wants(state, 200.9)
        assert pane.wants(state, 201.0)


def test_the_app_imports_nothing_slow() -> None:
    slow = ("plotext", "textual_plotext", "numpy", "torch", "safetensors", "textual.widgets._data_table")
    code = f"import sys, tui.app; print([m for m in {slow!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
