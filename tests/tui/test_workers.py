"""The keys against real trainers: each test runs with the trainer process and with the trainer thread."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from textual.pilot import Pilot

from miniai.config import RunConfig
from miniai.run import events as ev
from miniai.run import output
from miniai.run.directory import RunDir, create_run
from miniai.run.requests import Stop
from tui.app import MonitorApp
from tui.attach import AttachedSession
from tui.in_process import ProcessSession
from tui.in_thread import ThreadSession
from tui.panes.header import HeaderPane
from tui.panes.images import ImagesPane
from tui.panes.layers import LayersPane
from tui.panes.loss import LossPane
from tui.screens.dialogs import Ask
from tui.screens.help import Help
from tui.screens.run import RunScreen

DEADLINE = 60.0
"""Seconds after which a condition is taken as never to come."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Idx files of 4,000 + 1,000 images."""
    folder = tmp_path_factory.mktemp("idx")
    random = np.random.default_rng(0)
    for name, n in (("train", 4000), ("t10k", 1000)):
        labels = (np.arange(n) % 10).astype(np.uint8)
        pixels = (labels[:, None, None] * 25 + random.integers(0, 25, (n, 28, 28))).clip(0, 255).astype(np.uint8)
        (folder / f"{name}-images-idx3-ubyte").write_bytes(struct.pack(">4i", 2051, n, 28, 28) + pixels.tobytes())
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 2049, n) + labels.tobytes())
    return folder


class Real:
    """A real run under an app without a terminal."""

    def __init__(self, app: MonitorApp, pilot: Pilot[None], run: RunDir) -> None:
        self.app, self.pilot, self.run = app, pilot, run
        self.state = app.state

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until the state says so."""
        end = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < end, f"{self.state.status}: {self.run.log_tail()}"
            await asyncio.sleep(0.01)
            await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        """Keys, one after another."""
        await self.pilot.press(*keys)

    @property
    def header(self) -> str:
        """The header as it is drawn now."""
        screen = self.app.run_screen
        screen.show_now("header")
        return screen.query_one(HeaderPane).render_line(0).text

    def journal(self, *kinds: type[ev.Fact]) -> list[Any]:
        """The facts of these kinds that the trainer has written."""
        facts = [ev.decode(line) for line in self.run.journal.read_bytes().splitlines()]
        return [f for f in facts if isinstance(f, kinds)]


@asynccontextmanager
async def fit(
    worker: str, root: Path, data: Path, monkeypatch: pytest.MonkeyPatch, **options: Any
) -> AsyncIterator[Real]:
    """A long run in its first epochs; stopped and awaited at the end."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(root / "cache"))
    monkeypatch.setattr(output, "install", lambda: None)  # pytest's own streams stay
    config = {"data_dir": str(data), "epochs": 500, "bs": 16, "device": "cpu", "threads": 1, **options}
    run = create_run(root / "runs", RunConfig(**config))
    session = ThreadSession(run) if worker == "thread" else ProcessSession(run)
    app, threads = MonitorApp(session), torch.get_num_threads()
    async with app.run_test(size=(120, 40)) as pilot:
        real = Real(app, pilot, run)
        try:
            yield real
        finally:
            if not real.state.over:
                session.request(Stop(id="end of the test"))
            await real.until(lambda: real.state.over)
    session.over.wait(DEADLINE)
    torch.set_num_threads(threads)


both = pytest.mark.parametrize("worker", ["process", "thread"])


@both
async def test_the_keys_reach_the_loop(
    worker: str, tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with fit(worker, tmp_path, data, monkeypatch) as real:
        state = real.state
        await real.until(lambda: state.step > 3)

        await real.press("space")
        await real.until(lambda: state.paused)
        paused = real.journal(ev.Paused)[-1]
        assert real.state.step == paused.step
        assert f"‖ paused at step {paused.step:,}" in real.header

        await real.press("full_stop")
        await real.until(lambda: len(real.journal(ev.Paused)) == 2)
        stepped = real.journal(ev.Paused)[-1]
        assert (stepped.epoch, stepped.phase, stepped.batch) == (paused.epoch, paused.phase, paused.batch + 1)

        await real.press("b")
        await real.until(lambda: real.journal(ev.BatchSkipped))
        await real.press("e")
        await real.until(lambda: real.journal(ev.EpochSkipped))
        skipped = real.journal(ev.EpochSkipped)[0]
        await real.until(lambda: state.paused and state.progress.phase != skipped.phase)

        await real.press("space")
        await real.until(lambda: real.journal(ev.Continued) and not state.paused)
        await real.until(lambda: any(r.phase == "valid" and r.ended == "complete" for r in state.rows))
        row = next(r for r in state.rows if (r.epoch, r.phase) == (skipped.epoch, skipped.phase))
        assert "skipped" in row.note

        await real.press("s")
        assert isinstance(real.app.screen, Ask)
        await real.press("s")
        await real.until(lambda: state.over)
        assert state.status == "stopped"
        assert real.app.exit_code == 0
        ended = real.journal(ev.FitEnded)
        assert [f.reason for f in ended] == ["stopped"]
        assert sum(len(f.values) for f in real.journal(ev.Scalars) if f.name == "loss") == ended[0].step


@both
async def test_the_view_s_keys_while_training(
    worker: str, tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with fit(worker, tmp_path, data, monkeypatch) as real:
        await real.until(lambda: real.state.step > 3)
        app, screen = real.app, real.app.run_screen
        for key, pane in zip("4321", ("images", "layers", "metrics", "loss"), strict=True):
            await real.press(key)
            await real.until(partial(getattr, screen.query_one(f"#{pane}"), "has_focus"))
        await real.press("f")
        assert screen.has_class("-full")
        await real.press("escape")
        assert not screen.has_class("-full")
        await real.press("y")
        assert screen.pane(LossPane).log_y
        await real.press("m")
        assert screen.pane(LayersPane).statistic == "std"
        page = screen.pane(ImagesPane).page
        await real.press("n")
        assert screen.pane(ImagesPane).page == page + 1
        theme = app.theme
        await real.press("t")
        assert app.theme != theme
        await real.press("question_mark")
        assert isinstance(app.screen, Help)
        await real.press("escape")
        assert isinstance(app.screen, RunScreen)
        await real.press("ctrl+l", "ctrl+c")
        assert isinstance(app.screen, Ask)
        await real.press("escape")
        assert not real.state.asked.stopping
        step = real.state.step
        await real.until(lambda: real.state.step > step)


@both
async def test_stop_after_this_epoch_finishes_it_with_its_validation(
    worker: str, tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with fit(worker, tmp_path, data, monkeypatch) as real:
        await real.until(lambda: real.state.step > 3)
        await real.press("s", "e")
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
        await real.press("q")
        assert isinstance(real.app.screen, Ask)
        await real.press("s")
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
        async with other.run_test(size=(80, 24)) as pilot:
            viewer = Real(other, pilot, real.run)
            await viewer.until(lambda: viewer.state.step > 3)
            await viewer.press("space")
            await viewer.until(lambda: viewer.state.paused)
            await real.until(lambda: real.state.paused)
            assert viewer.state.step == real.state.step
        await real.press("space")
        await real.until(lambda: not real.state.paused)


async def test_attach_to_a_run_that_is_over_shows_its_end(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with fit("process", tmp_path, data, monkeypatch, epochs=1, bs=500) as real:
        await real.until(lambda: real.state.over)
    again = MonitorApp(AttachedSession(real.run))
    async with again.run_test(size=(120, 40)) as pilot:
        viewer = Real(again, pilot, real.run)
        await viewer.until(lambda: viewer.state.over)
        assert viewer.state.status == "done"
        assert viewer.app.summary() == real.app.summary()


async def test_both_workers_train_to_the_same_weights(
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
