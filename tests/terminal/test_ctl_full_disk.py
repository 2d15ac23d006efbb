"""`ctl` on a full disk: the journal cannot take the answers, and whoever asks gets them all the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.terminal.place import Place, eventually
from tests.terminal.test_ctl import ctl, state
from tests.terminal.test_full_disk import disk, fill, said

pytestmark = pytest.mark.usefixtures("forked")

__all__ = ["disk"]  # the fixture


def test_a_run_is_controlled_while_its_journal_cannot_be_written(place: Place, disk: Path) -> None:
    out = place.folder / "out"
    with out.open("wb") as file:
        process = place.process(place.fit("--headless", epochs=50), stdout=file)
    eventually(lambda: place.step > 5, "some batches")
    fill(disk)
    eventually(lambda: "journal cannot be written" in out.read_text(), "a word on the full disk")
    code, words = ctl(place, "pause")
    assert code == 0
    assert words.startswith("paused at step ")
    assert place.facts("Paused") == []
    assert ctl(place, "lr", "x0.5") == (0, "learning rate x0.5: 0.01 > 0.005\n")
    assert state(place) == "running"  # it lives; that it stands still only its journal could say
    os.unlink(disk / "filler")
    assert ctl(place, "resume")[0] == 0
    eventually(lambda: said(place), "the journal's own word on it")
    assert [fact["new"] for fact in place.facts("Changed")] == [0.005]
    assert ctl(place, "stop")[0] == 0
    assert process.wait(20) == 0
