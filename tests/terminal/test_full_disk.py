"""A disk that is full under journal, log, previews and run.json never hurts the run, and is said on the screen."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.terminal.place import Place

pytestmark = pytest.mark.usefixtures("forked")

SIZE = 1 << 20


@pytest.fixture
def disk(place: Place) -> Iterator[Path]:
    """A small file system of its own for the runs of `place`."""
    place.runs.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", place.runs], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        assert os.geteuid() != 0 or "CI" not in os.environ, f"CI must be able to mount: {mounted.stderr}"
        pytest.skip(f"this test mounts a small file system, which is not permitted here: {mounted.stderr.strip()}")
    try:
        yield place.runs
    finally:
        place.clear_up()
        subprocess.run(["umount", "-l", place.runs], check=True)


def fill(disk: Path) -> None:
    """Leave not a byte."""
    with open(disk / "filler", "wb", buffering=0) as file:
        while True:
            try:
                file.write(b"x" * 4096)
            except OSError:
                return


def said(place: Place, topic: str = "journal") -> list[str]:
    """What the journal says of itself, or of another topic."""
    return [fact["text"] for fact in place.facts("Alerted") if fact["topic"] == topic]


@pytest.mark.parametrize("worker", ["process", "thread"])
def test_the_disk_fills_up_and_is_freed_and_fills_up_again(place: Place, disk: Path, worker: str) -> None:
    term = place.term(place.fit("--worker", worker, epochs=3), "slow:0.02,talk:150")
    term.wait("● training")
    fill(disk)
    term.wait("the journal cannot be written")
    held = place.step
    os.unlink(disk / "filler")
    term.until(lambda: said(place), "the journal's own word on it")
    assert "can be written again" in said(place)[0]
    term.until(lambda: place.step > max(held, 160), "batches after that")
    fill(disk)
    term.wait("✓ done", 40)  # though the journal has not said so
    term.send("q")
    assert term.exit() == 0
    assert term.sane
    assert "fashion, mlp: done" in term.text
    losses = [f for f in place.facts("Scalars") if f["name"] == "loss"]
    steps = [f["first"] + i for f in losses for i in range(len(f["values"]))]
    assert steps == list(range(1, len(steps) + 1)), "a fact was lost"
    term.until(place.trainer_is_gone, "the trainer's end")


@pytest.mark.parametrize("worker", ["process", "thread"])
def test_what_the_program_prints_onto_a_full_disk_is_lost_and_that_is_said(
    place: Place, disk: Path, worker: str
) -> None:
    """The journal says it as soon as it can be written again, once, and the screen with it."""
    term = place.term(place.fit("--worker", worker, epochs=2), "slow:0.02,loud")
    term.wait("● training")
    fill(disk)
    full = printed(place)
    term.until(lambda: printed(place) > full + 2, "pages that find no room")
    os.unlink(disk / "filler")
    os.truncate(place.run / "log.txt", 0)  # room for what is still to come
    term.wait(r"! (output of the program is being lost|.* and \d+ more)")
    term.send("a")  # all of them: more is wrong here than this
    term.wait("output of the program is being lost")
    term.send("\x1b[27u")
    again = printed(place)
    term.until(lambda: printed(place) > again + 20, "more pages")
    assert len(said(place, "log")) == 1
    term.stop_and_quit()
    assert place.ended == "stopped"
    assert len(said(place, "log")) == 1


def printed(place: Place) -> int:
    """How many batches have printed their page."""
    return (place.folder / "loud").stat().st_size


def test_headless(place: Place, disk: Path) -> None:
    log = place.folder / "log"
    with log.open("wb") as out:
        process = place.process(place.fit("--headless", epochs=1), stdout=out, stderr=subprocess.STDOUT)
        while place.step < 10:
            assert process.poll() is None
        fill(disk)
        assert process.wait(30) == 0
    text = log.read_text()
    assert re.search("warning: the journal cannot be written .no space left", text, re.IGNORECASE)
    assert "done after 100 steps" in text
    assert "Traceback" not in text


def test_output_that_the_disk_refuses(place: Place, disk: Path) -> None:
    """A headless run whose own log lies on the full disk."""
    fill(disk)
    os.truncate(disk / "filler", SIZE - (64 << 10))
    with (disk / "log").open("wb") as out:
        process = place.process(place.fit("--headless", epochs=1), "slow:0.01,talk:80", stdout=out, stderr=out)
        while place.step < 10:
            assert process.poll() is None
        fill(disk)
        assert process.wait(30) == 0
