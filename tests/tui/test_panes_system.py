"""The system pane, line by line, and the state behind it."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniai.run import events as ev
from miniai.run.machine import GpuKind, GpuUse, Machine
from tests.tui.driving import driving
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import Recording
from tui.colors import PALETTES
from tui.panes.lines import Frame
from tui.panes.spark import BARS, spark
from tui.panes.system import system
from tui.state import RunState
from tui.state.system import KEPT

COLORS = PALETTES["miniai-dark"]


def after(*facts: ev.AnyFact) -> RunState:
    state = RunState()
    for fact in facts:
        state.apply(fact)
    return state


def rows(state: RunState, width: int = 116, height: int = 34) -> list[str]:
    strips = system(state, Frame(width, height, COLORS))
    assert {s.cell_length for s in strips} == {width}
    return [s.text for s in strips]


def progressed(seconds: float, waited: float) -> ev.Progressed:
    return ev.Progressed(at=1, epoch=0, phase="train", batch=1, samples=1, seconds=seconds, waited=waited, metrics={})


def test_every_number_has_its_line() -> None:
    lines = rows(after(*Recording().sampled(40, gpus=2)))
    assert lines[0].startswith("GPU 0  NVIDIA H100 80GB HBM3")
    assert lines[0].rstrip().endswith("this run")
    assert lines[2].rstrip().endswith("13.6 of 79.6 GiB")
    assert lines[4].rstrip().endswith("300 of 700 W")
    assert "not this run's" in lines[6]
    assert lines[10].rstrip().endswith("n/a")
    assert lines[10].count("·") == 40
    text = "\n".join(lines)
    assert "40 % of 16 cores" in text
    assert "1.5 cores" in text
    assert "200.0 of 500.0 GiB" in text


@pytest.mark.parametrize(
    ("why", "words"),
    [("", "no NVIDIA GPU in this machine"), ("the driver does not answer", "no GPU can be read: the driver does not")],
)
def test_no_gpu_is_said_plainly(why: str, words: str) -> None:
    assert words in rows(after(*Recording().sampled(1, gpus=0, why=why)))[0]


def test_numbers_that_are_missing_are_so_one_by_one() -> None:
    sample = ev.SystemSampled(at=1, machine=Machine(gpus=[GpuKind(name="Card")]), memory=512)
    lines = rows(after(sample))
    assert sum("n/a" in text for text in lines) == 4 + 5
    assert any(text.rstrip().endswith("0.5 GiB") for text in lines)


def test_what_is_wrong_is_marked_by_a_word() -> None:
    machine = Machine(cores=2, disk=1000, gpus=[GpuKind(name="Card")])
    gpus = [GpuUse(1.0, 1, 95.0, 2.0)]
    lines = rows(after(progressed(10, 6.1), ev.SystemSampled(at=1, machine=machine, gpus=gpus, disk_free=500)))
    text = "\n".join(lines)
    assert "! hot  95 °C" in text
    assert "! full  0.5 of 1.0 GiB" in text
    assert "! slow  61 %" in text
    assert "61 % of the time the model waits for data" in text


def test_empty_says_what_will_come_or_that_nothing_will() -> None:
    assert "from the first seconds of training" in " ".join(" ".join(rows(RunState())).split())
    over = after(*Recording(epochs=1).whole())
    assert "did not record" in " ".join(rows(over))


@given(
    st.lists(st.tuples(st.floats(0, 1e4), st.floats(0, 1)), min_size=1, max_size=80),
    st.integers(1, 5),
)
def test_waiting_is_a_share_of_the_last_minute(steps: list[tuple[float, float]], every: int) -> None:
    state, spent, seconds = RunState(), [(0.0, 0.0)], 0.0
    waited = 0.0
    for i, (took, share) in enumerate(steps):
        seconds, waited = seconds + took, waited + took * share
        state.apply(progressed(seconds, waited))
        spent[-1] = spent[-1][0] + took, spent[-1][1] + took * share
        if i % every == 0:
            state.apply(ev.SystemSampled(at=1))
            spent.append((0.0, 0.0))
    recent = spent[-30:]
    total = sum(t for t, _ in recent)
    waiting = state.system.waiting
    if total > 1e-3:
        assert waiting == pytest.approx(sum(w for _, w in recent) / total, abs=1e-6)
    else:
        assert waiting is None or 0 <= waiting <= 1


def test_histories_are_bounded_and_another_run_begins_anew() -> None:
    state = after(*Recording().start(), *Recording().sampled(KEPT + 50))
    assert {len(h) for h in state.system.history.values()} == {KEPT}
    for fact in Recording().start():
        state.apply(fact)
    assert state.system.now is None
    assert state.system.history == {}


@given(st.lists(st.floats(0, 100) | st.just(math.nan), max_size=50), st.integers(0, 60))
def test_a_spark_is_as_wide_as_asked_and_rises_with_its_values(values: list[float], width: int) -> None:
    bars = spark(values, width, 100.0)
    assert len(bars) == width
    shown = values[-width:] if width else []
    for a, x in zip(shown, bars[width - len(shown) :], strict=True):
        assert (x == "·") == math.isnan(a)
        for b, y in zip(shown, bars[width - len(shown) :], strict=True):
            if a <= b:
                assert BARS.index(x) <= BARS.index(y)
    assert spark([0.0, 1e-9, 100.0, 900.0], 4, 100.0) == " ▁██"


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 15)])
async def test_its_key_goes_there_and_new_samples_are_drawn(tmp_path: Path, size: tuple[int, int]) -> None:
    recording = Recording()
    samples = list(recording.sampled(2, gpus=2))
    async with driving(FakeSession(tmp_path, [*recording.until(0, 8), samples[0]]), size) as driver:
        await driver.press("5")
        await driver.settle()
        assert "system" in driver.seen()
        assert "loss" not in driver.seen()
        before = driver.text("system")
        assert "5" in before.splitlines()[0]
        assert "NVIDIA H100" in before
        await driver.post(samples[1])
        assert driver.text("system") != before
        for _ in range(30):
            await driver.press("down")
        assert "data, waiting" in driver.text("system")
