"""What is drawn when: troubles at once, the rest at its own rate, nothing without a change."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from miniai.run import events as ev
from tests.tui.driving import driving, going
from tests.tui.fake_session import FakeSession
from tui.messages import TrainerGone, TrainerSaid
from tui.panes.layers import LayersPane


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


async def test_a_new_status_is_drawn_at_once_but_not_each_half_of_short_epochs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with driving(going(tmp_path)) as driver:
        now, words = list[str](), list[str]()
        monkeypatch.setattr(driver.app.run_screen, "show_now", lambda *panes: now.extend(panes))
        await driver.post(ev.EpochStarted(at=9, epoch=1, phase="valid", batches=20, step=236))
        words.append(driver.app.state.status)
        await driver.post(ev.EpochStarted(at=9.1, epoch=2, phase="train", batches=118, step=236))
        words.append(driver.app.state.status)
        assert words == ["validating", "training"]
        assert now == []
        await driver.post(ev.FitEnded(at=9.2, reason="done", step=236))
        assert now == ["header"]


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
