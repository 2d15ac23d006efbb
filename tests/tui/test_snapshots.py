"""Every pane in every state, as it was looked at and found right: `make snapshots` writes what is drawn now."""

from __future__ import annotations

import difflib
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.tui.driving import Driver, driving
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import Recording
from tests.tui.snapshotting import FOLDER, case_facts, files_of_a_run, snapshot
from tui.messages import TrainerGone
from tui.panes.base import Pane

RENEW = bool(os.environ.get("RENEW_SNAPSHOTS"))
RUN = Path("runs") / "20260101-120000-fashion-conv-ab12"
"""From the test's own folder: the panes name it."""
KEYS = {"1": "loss", "2": "metrics", "3": "layers", "4": "images", "5": "system", "6": "log", "7": "confusion",
        "8": "details"}  # fmt: skip
CASES = {
    "empty": ("empty", (120, 40), ""), "one-point": ("one point", (120, 40), ""), "nan": ("NaN", (120, 40), ""),
    "full": ("full", (120, 40), ""), "narrow": ("full", (60, 15), ""), "wide": ("full", (160, 48), "f"),
}  # fmt: skip
"""The facts, the terminal, and what is pressed first."""
ALWAYS = ("header", "keys")
SOMETIMES = ("alert", "newest", "gone")
READERS = ("images", "log", "details")
VIEWS = {
    "loss-crosshair": ("i left left left left", "loss"), "loss-log": ("1 y", "loss"),
    "loss-accuracy": ("1 y g", "loss"),
    "metrics-cell": ("2 down down right", "metrics"), "layers-cursor": ("3 down down left left", "layers"),
    "layers-near-zero": ("3 m m", "layers"), "layers-one": ("3 down enter", "layers"),
    "images-worst": ("4 p", "images"), "images-page": ("4 n", "images"),
    "confusion-shares": ("7 percent_sign", "confusion"), "alert-list": ("a", "alert"),
    "details-end": ("8 end", "details"),
}  # fmt: skip
"""What keys make of the full run: keys, pane."""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The same folder, terminal and time zone on every machine."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"TERM": "xterm-256color", "COLORTERM": "truecolor", "TZ": "UTC"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()
    files_of_a_run(RUN)
    yield
    monkeypatch.undo()
    time.tzset()


@asynccontextmanager
async def shown(facts: str, size: tuple[int, int]) -> AsyncIterator[Driver]:
    """The app on these facts, pictures and files read."""
    if facts == "empty":
        (RUN / "log.txt").unlink()
    elif facts == "one point":
        (RUN / "log.txt").write_text("the only line\n")
    async with driving(FakeSession(RUN, case_facts(facts)), size) as driver:
        for _ in range(2):
            await driver.settle()
        yield driver


async def pressed(driver: Driver, keys: str, reads: bool = False) -> None:
    """After these keys, everything drawn; `reads`: also what a pane reads from a file once it is seen."""
    for key in keys.split():
        driver.app.simulate_key(key)
        await driver.pilot.pause()
    for _ in range(1 + reads):
        await driver.settle()


def compared(taken: dict[str, str]) -> None:
    """Fail with a diff of all that differ; or write them, if that is asked for."""
    wrong: list[str] = []
    for name, text in taken.items():
        file = FOLDER / f"{name}.txt"
        if RENEW:
            FOLDER.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
            continue
        kept = file.read_text(encoding="utf-8") if file.exists() else ""
        wrong += difflib.unified_diff(
            kept.splitlines(), text.splitlines(), f"{file.name}", "drawn now", lineterm="", n=1
        )
    if wrong:
        pytest.fail("\n".join([*wrong, "", "right? then: make snapshots"]), pytrace=False)


def pane(driver: Driver, name: str) -> Pane:
    return driver.app.run_screen.query_one(f"#{name}", Pane)


@pytest.mark.parametrize("case", CASES)
async def test_panes(case: str) -> None:
    facts, size, first = CASES[case]
    async with shown(facts, size) as driver:
        others = [name for name in (*ALWAYS, "newest", "alert") if name in driver.seen()]
        taken = {f"{name}-{case}": snapshot(pane(driver, name)) for name in others}
        await pressed(driver, first)
        for key, name in KEYS.items():
            await pressed(driver, key, name in READERS)
            assert name in driver.seen()
            taken[f"{name}-{case}"] = snapshot(pane(driver, name))
    compared(taken)


async def test_views() -> None:
    taken = {}
    async with shown("full", (120, 40)) as driver:
        assert {pane.id for pane in driver.app.run_screen.panes()} == {*KEYS.values(), *ALWAYS, *SOMETIMES}
        for view, (keys, name) in VIEWS.items():
            await pressed(driver, keys, name in READERS)
            taken[view] = snapshot(pane(driver, name))
            for _ in range(3):
                driver.app.simulate_key("escape")
            await driver.pilot.pause()
    compared(taken)


async def test_what_a_transform_did() -> None:
    async with shown("full", (120, 40)) as driver:
        await driver.post(Recording().preview("preview/changed.safetensors"))
        await pressed(driver, "4 p p", reads=True)
        compared({"images-transform": snapshot(pane(driver, "images"))})


async def test_a_trainer_that_is_gone() -> None:
    async with shown("full", (120, 40)) as driver:
        driver.app.post_message(TrainerGone("the trainer ended with exit code 1", ["Traceback", "MemoryError"]))
        await driver.settle()
        compared({f"{name}-gone": snapshot(pane(driver, name)) for name in ("gone", "header", "keys")})


def test_no_snapshot_is_left_over() -> None:
    """Of each pane a file in each state, and none that no test looks at."""
    always = {f"{name}-{case}" for name in (*KEYS.values(), *ALWAYS) for case in CASES}
    more = {*VIEWS, "images-transform", *(f"{name}-gone" for name in ("gone", "header", "keys")), "newest-narrow"}
    more |= {f"alert-{case}" for case in ("nan", "full", "narrow", "wide")}
    assert {file.stem for file in FOLDER.glob("*")} == always | more
