"""What every pane keeps: any state at any size gives lines that fit exactly and cannot harm the terminal."""

from __future__ import annotations

import importlib
import pkgutil
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from rich.cells import cell_len
from safetensors.numpy import save_file

import tui.panes
from miniai.run import events as ev
from miniai.run.machine import GpuKind, GpuUse, Machine
from tests.tui.driving import driving
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import LAYERS, Recording
from tui.colors import PALETTES
from tui.panes.base import Pane, ScrollPane
from tui.panes.lines import Frame, pad
from tui.state import RunState

SIZES = [(1, 1), (2, 3), (1, 30), (30, 1), (7, 4), (20, 5), (59, 14), (80, 24), (120, 40), (200, 60)]
EVIL = "\x1b[2J\x07漢字\u202e\r\n" * 3


def kinds() -> set[type[Pane]]:
    """All panes that can be shown."""
    for module in pkgutil.iter_modules(tui.panes.__path__):
        importlib.import_module(f"tui.panes.{module.name}")
    found, new = set[type[Pane]](), {Pane}
    while new:
        found |= new
        new = {kind for parent in new for kind in parent.__subclasses__()}
    return {kind for kind in found - {Pane, ScrollPane} if kind.__module__.startswith("tui.panes.")}


def state_of(*facts: ev.AnyFact) -> RunState:
    state = RunState()
    for fact in facts:
        state.apply(fact)
    return state


def evil() -> Iterator[ev.AnyFact]:
    """A run whose every text tries to harm the terminal."""
    for fact in Recording(epochs=2, nan_at=150).until(1, 74):
        match fact:
            case ev.RunStarted():
                yield msgspec.structs.replace(fact, dataset=EVIL, model=EVIL)
            case ev.DataLoaded():
                yield msgspec.structs.replace(fact, classes=[EVIL] * 10, source=EVIL)
            case ev.FitStarted():
                layers = [ev.Layer(EVIL, EVIL, EVIL) for _ in LAYERS]
                yield msgspec.structs.replace(fact, model=EVIL, device=EVIL, metrics=[EVIL], layers=layers)
            case ev.EpochEnded():
                yield msgspec.structs.replace(fact, metrics={EVIL: 1e38, **fact.metrics})
            case _:
                yield fact
    machine = Machine(cores=2, gpus=[GpuKind(name=EVIL)], why=EVIL)
    yield ev.SystemSampled(at=9, machine=machine, gpus=[GpuUse(), GpuUse(9e9, 10**9, -40.0, 1e9)], cpu=7.0)
    yield Recording().confused()
    yield ev.Alerted(at=9, topic=EVIL, text=EVIL, step=3)
    yield ev.Refused(at=9, request="", why=EVIL)


def states() -> dict[str, RunState]:
    gone = state_of(*evil())
    gone.trainer_gone(EVIL, [EVIL] * 300)
    return {
        "empty": RunState(),
        "prepared": state_of(*Recording().start()),
        "whole": state_of(*Recording(epochs=3).whole()),
        "NaN": state_of(*Recording(epochs=2, nan_at=1).whole()),
        "evil": state_of(*evil()),
        "gone": gone,
        "no classification": state_of(*evil(), ev.ConfusionMeasured(at=9, epoch=0, step=0, classes=0, why=EVIL)),
        "many classes": state_of(*Recording().start(), Recording().confused(classes=300), *Recording().sampled(9, 8)),
        "odd": state_of(ev.ConfusionMeasured(at=0, epoch=0, step=0, classes=3, counts=[1])),
        "failed": state_of(*evil(), ev.FitEnded(at=9, reason="failed", step=9, error=EVIL)),
    }


def check(pane: Pane, state: RunState, frame: Frame) -> None:
    strips = pad(pane.draw(state, frame), frame.width, frame.height)
    assert len(strips) == frame.height
    for strip in strips:
        assert strip.cell_length == frame.width
        assert cell_len(strip.text) == frame.width
    text = "".join(strip.text for strip in strips) + pane.heading(state)
    assert not [c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]


def test_panes_are_found() -> None:
    assert {"LossPane", "MetricsPane", "LayersPane", "ImagesPane", "HeaderPane"} <= {kind.__name__ for kind in kinds()}


@pytest.mark.parametrize("theme", list(PALETTES))
async def test_any_state_at_any_size_gives_lines_that_fit(tmp_path: Path, theme: str) -> None:
    tensors = {
        "pixels": np.random.default_rng(0).integers(0, 255, (32, 3, 28, 28), np.uint8), "labels": np.arange(32) % 11,
        "predictions": np.arange(32) % 9, "confidences": np.full(32, np.nan, np.float32),
    }  # fmt: skip
    save_file(tensors, tmp_path / "1.safetensors")
    saved = Recording().preview("1.safetensors")
    async with driving(FakeSession(tmp_path, [*evil(), saved])) as driver:
        await driver.settle()
        panes = driver.app.run_screen.panes()
        assert {type(pane) for pane in panes} == kinds()
        for pane in panes:
            assert pane.sections
            assert pane.every >= 0
            for state in states().values():
                state.apply(saved)  # the same file: the pictures that were read stay
                for width, height in SIZES:
                    check(pane, state, Frame(width, height, PALETTES[theme]))
        for pane in panes:
            check(pane, RunState(), Frame(40, 12, PALETTES[theme]))  # and no pictures
