"""One visit from start to end, for both workers: what the screen showed is what the journal tells."""

from __future__ import annotations

import re

import pytest

from tests.terminal.place import BATCHES, Place
from tests.terminal.test_random_keys import typed
from tui.keys import GROUPS

pytestmark = pytest.mark.usefixtures("forked")


@pytest.mark.parametrize("worker", ["process", "thread"])
def test_a_visit(place: Place, worker: str) -> None:
    term = place.term(place.fit("--worker", worker, epochs=3))
    term.wait("first batch|● training")
    term.wait(r"epoch 1/3 · train .* \d+/100 ")

    term.send(" ")
    term.wait("‖ paused at step [0-9]+")
    paused = shown(term.text)
    facts = of_training(place)
    term.send("m")  # an answer of the screen: so much time has passed, and the trainer has stood still
    term.wait("3 layers ─+ standard deviation")
    term.send("y")
    term.wait("1 loss ─+ .*log y")
    assert shown(term.text) == paused, term.text
    assert of_training(place) == facts
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
    term.stop()
    assert term.exit() == 0
    assert term.sane
    end = place.facts("FitEnded")[0]
    assert end["reason"] == "stopped"
    assert "fashion, mlp: stopped" in term.text
    assert f"{end['step']} steps" in term.text
    assert len(place.facts("Paused")) == len(place.facts("Continued")) == len(place.facts("EpochSkipped")) == 1


def of_training(place: Place) -> int:
    """How many facts there are, without what tells of the machine and not of the training."""
    return sum(fact["is"] not in ("SystemSampled", "EnvironmentNoted") for fact in place.facts())


ESCAPE = "\x1b[27u"
"""The escape key as newer terminals send it: a bare ESC and the key that is typed next could be taken for one."""


def shown(text: str) -> int:
    """The batch counter of the header."""
    found = re.search(r"(\d+)/100 ", text)
    return int(found.group(1)) if found else -1


VIEW: dict[str, tuple[str, str]] = {
    "go_metrics": ("2", r"2 metrics"), "go_layers": ("3", r"3 layers"), "go_images": ("4", r"4 images"),
    "go_system": ("5", r"5 system"), "go_log": ("6", r"6 log"), "go_confusion": ("7", r"7 confusion"),
    "go_details": ("8", r"8 .*(run|details)"), "go_loss": ("1", r"1 loss"),
    "log_y": ("y", r"1 loss ─.*log y"), "statistic": ("m", r"3 layers ─+ standard deviation"),
    "help": ("?", r"Stand still after the running batch"), "redraw": ("\x0c", r"‖ paused"),
}  # fmt: skip
"""Keys that change what is seen and nothing else: what is typed, and what is seen then."""


def test_every_key_of_the_view_leaves_the_training_alone(place: Place) -> None:
    """Those of the map that `VIEW` has no words for are typed too: the screen lives, and nothing was asked."""
    term = place.term(place.fit(epochs=3))
    term.wait(r"epoch 1/3 · train .* \d+/100 ")
    term.send(" ")
    term.wait("‖ paused at step [0-9]+")
    paused = shown(term.text)
    facts = [fact for fact in place.facts() if fact["is"] in CONTROLS]
    keys = {binding.id or "": typed(binding.key) for _, group in GROUPS[1:] for binding in group}
    for id_ in [*VIEW, *(id_ for id_ in keys if id_ not in VIEW)]:
        if id_ not in keys:
            continue  # not in the map (yet)
        assert id_ not in VIEW or VIEW[id_][0] == keys[id_], id_
        term.send(keys[id_])
        term.wait(VIEW[id_][1] if id_ in VIEW else ".")
        for _ in range(2):
            term.send(ESCAPE)
        term.until(lambda: "‖ paused" in term.text and shown(term.text) == paused, f"the run's screen after {id_}")
        assert term.process.poll() is None, (id_, place.log)
    assert shown(term.text) == paused, term.text
    assert [fact for fact in place.facts() if fact["is"] in CONTROLS] == facts
    term.stop_and_quit()
    assert place.ended == "stopped"


CONTROLS = {"Paused", "Continued", "EpochSkipped", "BatchSkipped", "StopPlanned", "Refused", "Changed", "Progressed"}


def test_stop_after_the_epoch(place: Place) -> None:
    """Asked in a pause, in which the answer can be read for as long as one likes."""
    term = place.term(place.fit(), "slow:0.005")
    term.wait("● training")
    term.send("q")
    term.wait("stop and quit")
    term.send(ESCAPE)
    term.until(lambda: "stop and quit" not in term.text, "the closed question")
    term.send(" ")
    term.wait("‖ paused at step [0-9]+")
    term.send("s")
    term.wait("after this epoch")
    term.send("e")
    term.wait("stops after epoch")
    term.send(" ")
    term.wait("■ stopped")
    term.send("q")
    assert term.exit() == 0
    assert term.sane
    assert [fact["ended"] for fact in place.facts("EpochEnded")][-1] == "complete"
    assert len(place.facts("StopPlanned")) == 1


def test_stop_and_quit_leaves_by_itself(place: Place) -> None:
    term = place.term(place.fit())
    term.wait("● training")
    term.stop_and_quit()
    assert place.ended == "stopped"
    assert "fashion, mlp: stopped" in term.text
