"""Draw the pictures of docs/panes.md anew, from the recorded run: `python -m scripts.panes_pictures` (`make pictures`).

The same facts, sizes and keys give the same pictures: no clock, no terminal, no font of the machine.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from miniai.run import events as ev
from scripts.cells import cells, paint
from tests.tui.driving import Driver, driving
from tests.tui.fake_session import FakeSession
from tests.tui.recorded import Recording

ROOT = Path(__file__).resolve().parents[1]
RECORDED = ROOT / "tests" / "data" / "fashion-convbn"
TO = ROOT / "docs" / "panes"
LOG = """\
resuming from nothing: this is the first run
UserWarning: `lr` is high for a batch of 512; the schedule starts at a twenty-fifth of it
epoch 1: 60,000 images in 13.3 s
epoch 2: 60,000 images in 12.9 s
Traceback (most recent call last):
  File "/home/ada/work/report.py", line 12, in <module>
    send(rows)
ConnectionError: nobody listens on port 8080
epoch 3: 59,488 images in 11.8 s
"""
"""What a training program might print."""


class Shot(NamedTuple):
    """One picture: of the pane `pane`, or of the whole screen."""

    name: str
    size: tuple[int, int]
    keys: str = ""
    pane: str = ""


SHOTS = (
    Shot("screen", (120, 40)),
    Shot("loss", (100, 27), "i left left left left left left left left left left", "loss"),
    Shot("metrics", (100, 22), "2", "metrics"),
    Shot("layers", (100, 24), "3 down down down left left left", "layers"),
    Shot("layer", (100, 29), "3 down down down enter", "layers"),
    Shot("images", (100, 29), "4", "images"),
    Shot("images-worst", (100, 29), "4 p", "images"),
    Shot("system", (100, 17), "5", "system"),
    Shot("log", (100, 17), "6", "log"),
    Shot("confusion", (100, 29), "7", "confusion"),
    Shot("details", (110, 38), "8", "details"),
)
"""Of the finished run; the panes fill their screens."""


def recorded() -> list[ev.AnyFact]:
    """The facts of the recorded run."""
    return [ev.decode(line) for line in (RECORDED / "events.jsonl").read_bytes().splitlines()]


def augmented(facts: Sequence[ev.AnyFact]) -> list[ev.AnyFact]:
    """Up to the last training batch whose pictures are kept: what the augmentation did is seen there."""
    last = max(i for i, f in enumerate(facts) if isinstance(f, ev.PreviewSaved) and f.phase == "train")
    return list(facts[: last + 1])


def alerted() -> list[ev.AnyFact]:
    """A run that goes wrong."""
    made = Recording(epochs=3, nan_at=150)
    facts = [*made.until(1, 60)]
    return [
        *facts,
        ev.Alerted(at=6.4, topic="spike", step=131, text="the training loss jumped to 4.1",
                   rule="a loss more than twice the median of the last 100, and far outside their scatter"),
        ev.Alerted(at=7.1, topic="nan", step=150, text="the training loss is nan at step 150",
                   rule="a loss that is not a number or infinite"),
    ]  # fmt: skip


async def draw(shots: Sequence[Shot], run: Path, facts: Sequence[ev.AnyFact]) -> None:
    """One app for each picture: no picture depends on the ones before."""
    for shot in shots:
        async with driving(FakeSession(run, facts), shot.size) as driver:
            await settle(driver)
            first = "f" if shot.pane and shot.pane != "alert" else ""
            for key in [*first, *shot.keys.split()]:
                await driver.press(key)
                await settle(driver)
            save(shot, driver)


async def settle(driver: Driver) -> None:
    """Until files are read and pictures drawn."""
    for _ in range(3):
        await driver.settle()


def save(shot: Shot, driver: Driver) -> None:
    """Paint the screen, or the pane's part of it."""
    pane = driver.app.run_screen.query_one(f"#{shot.pane or 'header'}")
    grid = cells(driver.app.export_screenshot(), shot.size, driver.app.theme_variables["background"])
    if shot.pane:
        x, y, width, height = pane.region
        grid = [row[x : x + width] for row in grid[y : y + height]]
    TO.mkdir(exist_ok=True)
    paint(grid).save(TO / f"{shot.name}.png", optimize=True)


def main() -> None:
    """Draw all of them, in a folder of their own: the panes name the run's folder."""
    os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", TZ="UTC")
    os.environ.pop("NO_COLOR", None)
    time.tzset()
    facts = recorded()
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        name = next(fact.run for fact in facts if isinstance(fact, ev.RunStarted))
        run = Path("runs") / name
        shutil.copytree(RECORDED, run)
        (run / "log.txt").write_text(LOG)
        asyncio.run(draw(SHOTS, run, facts))
        asyncio.run(draw([Shot("images-augmented", (100, 29), "4 p p", "images")], run, augmented(facts)))
        asyncio.run(draw([Shot("alerts", (100, 30), "a", "alert")], run, alerted()))
        os.chdir(ROOT)


if __name__ == "__main__":
    main()
