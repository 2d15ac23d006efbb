"""With `--augment` a run is the same run too, whether it is watched on the screen, whichever worker, or headless."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.terminal.place import Place
from tests.terminal.test_same_weights import differing, saved

OPTIONS = ("--augment", "--stats-every", "1")


@pytest.mark.parametrize("worker", ["process", "thread"])
def test_on_the_screen_and_headless(tmp_path: Path, data: Path, server: str, worker: str) -> None:
    places = [Place(tmp_path / name, data) for name in ("headless", "screen")]
    for place in places:
        place.folder.mkdir()
        place.server = server
    headless, screen = places
    try:
        process = headless.process(headless.fit("--headless", *OPTIONS, epochs=1), "weights")
        term = screen.term(screen.fit("--worker", worker, *OPTIONS, epochs=1), "slow:0.02,weights")
        term.wait("● training")
        term.send("4pnp ")
        term.wait("‖ paused at step [0-9]+")
        term.send(".")
        term.until(lambda: len(screen.facts("Paused")) == 2, "a single batch")
        term.send(" ")
        term.wait("✓ done")
        term.send("q")
        assert term.exit() == 0
        process.communicate(timeout=60)
        assert process.returncode == 0
        assert differing(saved(headless), saved(screen)) == []
        assert screen.facts("PreviewSaved")
    finally:
        for place in places:
            place.clear_up()
