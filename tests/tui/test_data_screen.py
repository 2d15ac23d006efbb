"""The screen of a dataset: what it says, its images, its keys, and a way out at any time."""

from __future__ import annotations

import subprocess
import sys
import unicodedata
from pathlib import Path

import msgspec
import numpy as np
import pytest
from rich.cells import cell_len

from miniai.facts import DatasetFacts
from miniai.run import events as ev
from tests.tui.recorded import Recording
from tests.tui.small_apps import dataset, dataset_session, driving_app
from tests.tui.test_panes_contract import EVIL, SIZES
from tui.colors import PALETTES
from tui.data_app import DataApp
from tui.panes.lines import Frame, pad
from tui.screens.data_about import about, classes
from tui.screens.pictures import Pictures, grid, load
from tui.state.found import Found

COLORS = PALETTES["miniai-dark"]


def facts_of(fact: ev.DatasetDescribed) -> DatasetFacts:
    return msgspec.convert(fact.about, DatasetFacts)


async def test_everything_is_said(tmp_path: Path) -> None:
    async with driving_app(DataApp, dataset_session(tmp_path)) as driver:
        assert "✓ loaded" in driver.text("header")
        assert "Grey images of clothing." in driver.text("header")
        assert "all the data, 60,000 + 10,000 images" in driver.text("header")
        text = driver.text("about")
        for words in ("train", "6,450", "600 to 690", "0.286", "a drawer (a part of the full data)", "the hub sleeps"):
            assert words in text
        rows = driver.text("classes").splitlines()
        assert "classes ─ 10 · train" in rows[0]
        assert "all classes" in rows[1]
        assert rows[5].split()[:3] == ["3", "Dress", "630"]
        assert rows[-1].strip() == ""
        assert "T-shirt/top" in driver.text("samples")
        assert "quit" in driver.text("keys")
    assert "train  6,450  600 to 690" in driver.app.summary()
    assert driver.app.exit_code == 0


async def test_balance_is_seen(tmp_path: Path) -> None:
    fact = dataset()
    fact.about["splits"][0]["classes"] = [600, 300, 0, *[600] * 7]
    bars = list(classes(facts_of(fact), "train", Frame(60, 14, COLORS)))
    filled = [sum(len(s.text) for s in row if s.style and s.style.color and s.style.color.name == COLORS.train)
              for row in bars]  # fmt: skip
    assert filled[1] == 2 * filled[2] > 10
    assert filled[3] == 0


async def test_pages_classes_and_splits(tmp_path: Path) -> None:
    async with driving_app(DataApp, dataset_session(tmp_path, each=40)) as driver:
        assert "all classes" in driver.text("samples")
        assert "page 1 of" in driver.text("samples")
        await driver.press("n")
        assert "page 2 of" in driver.text("samples")
        await driver.press("N", "N")
        first, last = driver.text("samples").splitlines()[0].rsplit("page ", 1)[1].split(" of ")
        assert first == last  # from the first page back to the last
        await driver.press("down", "down")
        assert "› 1 Trouser" in driver.text("classes")
        names = driver.text("samples")
        assert "images ─ train · Trouser" in names
        assert "Coat" not in names
        await driver.press("p")
        await driver.settle()
        assert "classes ─ 10 · valid" in driver.text("classes")
        assert "images ─ valid · Trouser" in driver.text("samples")
        await driver.press("home")
        assert "all classes" in driver.text("samples").splitlines()[0]
        await driver.press("end", "down")
        assert "Ankle boot" in driver.text("samples").splitlines()[0]


async def test_pictures_are_those_of_the_class_and_split(tmp_path: Path) -> None:
    async with driving_app(DataApp, dataset_session(tmp_path)) as driver:
        await driver.press("down", "down", "down")  # class 2
        pane = driver.app.run_screen.query_one("#samples")
        for split, shade in (("train", 40), ("valid", 42)):
            await driver.settle()
            colors = [s.style.bgcolor.triplet for s in pane.render_line(1) if s.style and s.style.bgcolor]
            found = {triplet.red for triplet in colors if triplet is not None}
            assert any(abs(value - shade) <= 4 for value in found), (split, found)
            await driver.press("p")


async def test_maximise_and_one_step_out_and_out(tmp_path: Path) -> None:
    session = dataset_session(tmp_path)
    async with driving_app(DataApp, session) as driver:
        for key, id_ in (("1", "about"), ("2", "classes"), ("3", "samples")):
            await driver.press(key)
            await driver.press("f")
            await driver.settle()
            assert driver.seen() & {"about", "classes", "samples"} == {id_}
            await driver.press("escape")
            await driver.settle()
            assert driver.seen() >= {"about", "classes", "samples"}
        await driver.press("tab", "question_mark", "escape", "t", "ctrl+l")
        assert driver.app.is_running
        await driver.press("escape")
    assert session.killed is False


@pytest.mark.parametrize("key", ["q", "escape", "ctrl+c"])
async def test_leaving_while_it_loads_ends_the_loading(tmp_path: Path, key: str) -> None:
    session = dataset_session(tmp_path, loaded=False)
    async with driving_app(DataApp, session) as driver:
        assert "◐ loading" in driver.text("header")
        assert "comes when they are loaded" in driver.text("about")
        await driver.press("n", "N", "p", "down", "up")  # nothing to show yet
        await driver.press(key)
    assert session.killed
    assert "left before loaded" in driver.app.summary()
    assert driver.app.exit_code == 0


async def test_loading_is_shown_as_it_happens(tmp_path: Path) -> None:
    session = dataset_session(tmp_path, loaded=False)
    async with driving_app(DataApp, session) as driver:
        await driver.post(ev.StageReached(at=2, stage="reading data", done=30_000, total=70_000))
        assert "reading data" in driver.text("header")
        assert "30,000/70,000" in driver.text("header")


async def test_a_failure_is_said(tmp_path: Path) -> None:
    session = dataset_session(tmp_path, loaded=False)
    async with driving_app(DataApp, session) as driver:
        await driver.post(ev.FitEnded(at=2, reason="failed", step=0, error="no such folder"))
        assert "✗ failed" in driver.text("header")
        assert "no such folder" in driver.text("header")
        assert "no data" in driver.text("about")
    assert "fashion: failed: no such folder" in driver.app.summary()
    assert driver.app.exit_code == 1


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (120, 40), (200, 60), (300, 80)])
async def test_sizes(tmp_path: Path, size: tuple[int, int]) -> None:
    async with driving_app(DataApp, dataset_session(tmp_path), size) as driver:
        assert {"classes", "samples", "header", "keys"} <= driver.seen()
        for pane in driver.app.run_screen.panes():
            assert pane.region.right <= size[0]
            assert pane.region.bottom <= size[1]
        assert "T-shirt" in driver.text("samples")


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_any_dataset_at_any_size_gives_lines_that_fit(width: int, height: int) -> None:
    fact = dataset(classes=20, unlabelled=3)
    evil = msgspec.structs.replace(
        fact, about={**fact.about, "name": EVIL, "description": EVIL, "source": EVIL, "note": EVIL,
                     "features": {EVIL: EVIL}, "classes": [EVIL] * 20})  # fmt: skip
    evil.about["splits"][0]["name"] = EVIL
    frame = Frame(width, height, COLORS)
    random = np.random.default_rng(0)
    pictures = Pictures(random.integers(0, 255, (40, 3, 9, 17), np.uint8), (np.arange(40) % 22).tolist())
    for told in (fact, evil, ev.DatasetDescribed(at=1, about={"name": "bare"}, files={})):
        facts = facts_of(told)
        drawn = [about(facts, frame), *(classes(facts, "valid", frame, n) for n in (-1, 0, 19, 99))]
        drawn += [grid(pictures, ["一" * 9, "b"], frame, number, page)[0] for number in (-1, 3, 50) for page in (0, 7)]
        for strips in drawn:
            padded = pad(strips, width, height)
            assert [strip.cell_length for strip in padded] == [width] * height
            assert [cell_len(strip.text) for strip in padded] == [width] * height
        text = "".join(strip.text for strips in drawn[:5] for strip in strips)
        assert not [c for c in text if unicodedata.category(c) in {"Cc", "Cf", "Cs"}]


def test_pages_hold_every_picture_once() -> None:
    pixels = np.arange(50, dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 8, 8), np.uint8)
    pictures = Pictures(pixels, [i % 5 for i in range(50)])
    frame = Frame(64, 20, COLORS)
    _, pages = grid(pictures, list("abcde"), frame)
    captions = [row.text for page in range(pages) for row in grid(pictures, list("abcde"), frame, page=page)[0]]
    assert "".join("".join(captions).split()) == "abcde" * 10
    assert len(grid(pictures, list("abcde"), frame, 3)[0]) > 0


def test_files_that_are_not_pictures_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"nothing")
    assert load(tmp_path, "bad") is None
    assert load(tmp_path, "gone") is None
    assert load(tmp_path, "../etc/passwd") is None


def test_a_dataset_of_another_version_is_passed_over() -> None:
    found = Found()
    found.apply(ev.DatasetDescribed(at=1, about={"splits": 3}, files={"train": "x"}))
    assert found.dataset is None
    assert found.files == {}


def test_a_fact_of_the_run_is_none_of_its_own() -> None:
    assert not [fact for fact in Recording().whole() if Found().apply(fact)]


def test_neither_screen_imports_torch(tmp_path: Path) -> None:
    code = """
import asyncio, sys
from pathlib import Path
from tests.tui.small_apps import dataset_session, driving_app, search_session
from tui.data_app import DataApp
from tui.lr_find_app import LRFindApp

async def main(folder):
    async with driving_app(DataApp, dataset_session(folder)) as driver:
        await driver.press("n", "p", "down", "f", "question_mark", "escape")
    async with driving_app(LRFindApp, search_session(folder)) as driver:
        await driver.press("c", "t", "question_mark", "escape")

asyncio.run(main(Path(sys.argv[1])))
assert not {"torch", "datasets", "pyarrow"} & set(sys.modules)
"""
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=root, check=True, timeout=60)
