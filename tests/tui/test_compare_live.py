"""A comparison of runs that are still going: followed, and never said to be going on when they are not."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from miniai.run.directory import RunDir
from miniai.run.status import RunStatus, State
from tests.tui.compared import CompareDriver, comparing, lines, make_run, resumed, three
from tests.tui.recorded import Recording
from tui import compare_session, follow
from tui.compare_runs import find_runs


async def test_a_live_run_is_followed(tmp_path: Path) -> None:
    runs = three(tmp_path)
    facts = [*Recording(seed=2).until(1, 60)]
    async with comparing(runs, follow=True) as driver:
        await until(driver, "C conv-cc33 ? elsewhere")
        more = [*Recording(seed=2).whole()][len(facts) - 1 :]
        with runs[2].run.journal.open("ab") as file:
            file.write(lines(more))
        await until(driver, "C conv-cc33 ✓ done")
        assert "5/5" in driver.text("table")
        assert math.isfinite(runs[2].state.rows.best[("accuracy", "valid")].value)


async def until(driver: CompareDriver, words: str) -> None:
    """Wait until the header says so."""
    for _ in range(2000):
        await driver.look()
        if words in driver.text("header"):
            return
        await driver.pilot.pause(0.01)
    raise AssertionError(driver.text("header"))


async def test_a_run_that_dies_meanwhile_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now: list[State] = ["running"]
    monkeypatch.setattr(compare_session, "_ASK", 0.0)
    monkeypatch.setattr(compare_session, "statuses", lambda runs: [RunStatus(state=now[0], words="") for _ in runs])
    async with comparing(three(tmp_path), follow=True) as driver:
        await until(driver, "C conv-cc33 ● training")
        now[0] = "crashed"
        await until(driver, "C conv-cc33 ✗ crashed")
        now[0] = "paused"  # the journal says more of one that lives
        await until(driver, "C conv-cc33 ● training")


async def test_a_run_that_begins_meanwhile_is_no_trouble_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare_session, "_ASK", 1e9)  # it shows at once, and not when the runs are asked again
    runs = three(tmp_path)
    RunDir(runs[2].run.path).journal.write_bytes(b"")
    async with comparing(runs, follow=True) as driver:
        await until(driver, "C conv-cc33 ✗ no data")
        assert "it has not begun" in driver.text("table")
        with runs[2].run.journal.open("ab") as file:
            file.write(lines(Recording(seed=2).until(0, 60)))
        await until(driver, "C conv-cc33 ? elsewhere")
        assert "it has not begun" not in driver.text("table")


async def test_a_long_stretch_that_is_void_is_not_taken_for_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "_CHUNK", 1_000)
    again = Recording(epochs=3, seed=9)
    again.at = 90.0
    make_run(tmp_path, "a", resumed([*Recording(epochs=3).until(2, 60)], 0, [*again.start(), *again.half(0, "train")]))
    make_run(tmp_path, "b", Recording(epochs=3).until(0, 8))
    runs = find_runs(["a", "b"], tmp_path)
    async with comparing(runs):
        assert [run.state.step for run in runs] == [118, 8]


async def test_the_crosshair_goes_where_its_place_would_mean_another(tmp_path: Path) -> None:
    async with comparing(three(tmp_path)) as driver:
        await driver.press("i", "left")
        assert driver.app.comparison.cross is not None
        await driver.press("x")
        assert driver.app.comparison.cross is None
