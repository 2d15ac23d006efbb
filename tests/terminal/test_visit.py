"""One visit from start to end, for both workers: what the screen showed is what the journal tells."""

from __future__ import annotations

import re

import pytest

from tests.terminal.place import BATCHES, Place


@pytest.mark.parametrize("worker", ["process", "thread"])
def test_a_visit(place: Place, worker: str) -> None:
    term = place.term(place.fit("--worker", worker, epochs=3))
    term.wait("first batch|● training")
    term.wait(r"epoch 1/3 · train .* \d+/100 ")

    term.send(" ")
    term.wait("‖ paused at step [0-9]+")
    paused = shown(term.text)
    facts = len(place.facts())
    term.send("m")  # an answer of the screen: so much time has passed, and the trainer has stood still
    term.wait("3 layers ─+ standard deviation")
    term.send("y")
    term.wait("1 loss ─+ .*log y")
    assert shown(term.text) == paused
    assert len(place.facts()) == facts
    assert place.facts("Paused")[0]["batch"] == paused

    term.send(" ")
    term.until(lambda: shown(term.text) > paused, "the batch counter going on")
    term.send("e")
    term.wait("epoch 2/3")
    term.wait(r"│ +1 +train .*skipped")
    skipped = place.facts("EpochSkipped")[0]
    assert (skipped["epoch"], skipped["phase"]) == (0, "train")
    first, valid = place.facts("EpochEnded")[:2]
    assert first["ended"] == "skipped"
    assert 0 < first["batches"] == skipped["at_batch"] < BATCHES
    assert (valid["phase"], valid["ended"], valid["samples"]) == ("valid", "complete", 200)

    if worker == "thread":
        term.send("\x1a")  # would stop the training too
        term.wait("ctrl.z")
        step = place.step
        term.until(lambda: place.step > step, "training goes on")
    term.send("s")
    term.wait("after this batch")
    term.send("s")
    term.wait("■ stopped")
    term.send("q")
    assert term.exit() == 0
    assert term.sane
    end = place.facts("FitEnded")[0]
    assert end["reason"] == "stopped"
    assert "fashion, mlp: stopped" in term.text
    assert f"{end['step']} steps" in term.text
    assert len(place.facts("Paused")) == len(place.facts("Continued")) == len(place.facts("EpochSkipped")) == 1


def shown(text: str) -> int:
    """The batch counter of the header."""
    found = re.search(r"(\d+)/100 ", text)
    return int(found.group(1)) if found else -1


def test_stop_after_the_epoch(place: Place) -> None:
    term = place.term(place.fit(), "slow:0.01")
    term.wait("● training")
    term.send("q")
    term.wait("stop and quit")
    term.send("\x1b")
    term.until(lambda: "stop and quit" not in term.text, "the closed question")
    term.send("s")
    term.wait("after this epoch")
    term.send("e")
    term.wait("stops after epoch")
    term.wait("■ stopped")
    term.send("q")
    assert term.exit() == 0
    assert term.sane
    assert [fact["ended"] for fact in place.facts("EpochEnded")][-1] == "complete"
    assert len(place.facts("StopPlanned")) == 1


def test_stop_and_quit_leaves_by_itself(place: Place) -> None:
    term = place.term(place.fit())
    term.wait("● training")
    term.send("q")
    term.wait("stop and quit")
    term.send("s")
    assert term.exit() == 0
    assert term.sane
    assert place.ended == "stopped"
    assert "fashion, mlp: stopped" in term.text
