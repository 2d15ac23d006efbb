"""Real trainers under the screen: the tests of control run with the trainer process and with the trainer thread."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from miniai.run import events as ev
from tests.tui.real import DEADLINE, Real, both, fit
from tui.app import MonitorApp
from tui.attach import AttachedSession


@both
async def test_the_keys_reach_the_loop(
    worker: str, tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with fit(worker, tmp_path, data, monkeypatch) as real:
        state = real.state
        await real.until(lambda: state.step > 3)

        real.press("space")
        await real.until(lambda: state.paused)
        paused = real.journal(ev.Paused)[-1]
        assert real.state.step == paused.step
        assert f"‖ paused at step {paused.step:,}" in real.header

        real.press("full_stop")
        await real.until(lambda: len(real.journal(ev.Paused)) == 2)
        stepped = real.journal(ev.Paused)[-1]
        assert (stepped.epoch, stepped.phase, stepped.batch) == (paused.epoch, paused.phase, paused.batch + 1)

        real.press("b")
        await real.until(lambda: real.journal(ev.BatchSkipped))
        real.press("e")
        await real.until(lambda: real.journal(ev.EpochSkipped))
        skipped = real.journal(ev.EpochSkipped)[0]
        await real.until(lambda: state.paused and state.progress.phase != skipped.phase)

        real.press("space")
        await real.until(lambda: real.journal(ev.Continued) and not state.paused)
        await real.until(lambda: any(r.phase == "valid" and r.ended == "complete" for r in state.rows))
        row = next(r for r in state.rows if (r.epoch, r.phase) == (skipped.epoch, skipped.phase))
        assert "skipped" in row.note

        await real.ask("s")
        real.press("s")
        await real.until(lambda: state.over)
        assert state.status == "stopped"
        assert real.app.exit_code == 0
        ended = real.journal(ev.FitEnded)
        assert [f.reason for f in ended] == ["stopped"]
        assert sum(len(f.values) for f in real.journal(ev.Scalars) if f.name == "loss") == ended[0].step


@both
async def test_stop_after_this_epoch_finishes_it_with_its_validation(
    worker: str, tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with fit(worker, tmp_path, data, monkeypatch) as real:
        await real.until(lambda: real.state.step > 3)
        await real.ask("s")
        real.press("e")
        await real.until(lambda: real.state.over)
        last = real.journal(ev.EpochEnded)[-1]
        assert (last.phase, last.ended) == ("valid", "complete")
        assert real.state.status == "stopped"


@both
async def test_quit_and_stop_leaves_once_the_run_has_stopped(
    worker: str, tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with fit(worker, tmp_path, data, monkeypatch) as real:
        await real.until(lambda: real.state.step > 3)
        await real.ask("q")
        real.press("s")
        end = time.monotonic() + DEADLINE
        while real.app.is_running:
            assert time.monotonic() < end, real.state.status
            await asyncio.sleep(0.01)
        assert real.state.status == "stopped"
    assert [f.reason for f in real.journal(ev.FitEnded)] == ["stopped"]
    assert real.app.exit_code == 0


@both
async def test_a_failure_is_shown(worker: str, tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with fit(worker, tmp_path, data, monkeypatch, device="cuda:77") as real:
        await real.until(lambda: real.state.over)
        assert real.state.status == "failed"
        assert "cuda:77" in real.app.summary()
        assert real.app.exit_code == 1


async def test_a_second_screen_shows_the_same_run_and_controls_it(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with fit("process", tmp_path, data, monkeypatch) as real:
        await real.until(lambda: real.state.step > 3)
        other = MonitorApp(AttachedSession(real.run))
        async with other.run_test(size=(80, 24)):
            viewer = Real(other, real.run)
            await viewer.until(lambda: viewer.state.step > 3)
            viewer.press("space")
            await viewer.until(lambda: viewer.state.paused)
            await real.until(lambda: real.state.paused)
            assert viewer.state.step == real.state.step
        real.press("space")
        await real.until(lambda: not real.state.paused)


async def test_attach_to_a_run_that_is_over_shows_its_end(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with fit("process", tmp_path, data, monkeypatch, epochs=1, bs=500) as real:
        await real.until(lambda: real.state.over)
    again = MonitorApp(AttachedSession(real.run))
    async with again.run_test(size=(120, 40)):
        viewer = Real(again, real.run)
        await viewer.until(lambda: viewer.state.over)
        assert viewer.state.status == "done"
        assert viewer.app.summary() == real.app.summary()


async def test_both_workers_report_the_same_numbers(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    series: dict[str, list[Any]] = {}
    for worker in ("process", "thread"):
        async with fit(worker, tmp_path / worker, data, monkeypatch, epochs=2, bs=200) as real:
            await real.until(partial(getattr, real.state, "over"))
            losses = [v for f in real.journal(ev.Scalars) if f.name == "loss" for v in f.values]
            series[worker] = [losses, [f.metrics for f in real.journal(ev.EpochEnded)]]
    assert series["process"] == series["thread"]
    assert len(series["thread"][0]) == 40
