"""Keys that come in one write, as fast hands and slow lines send them: what the first opens has the next."""

from __future__ import annotations

import msgspec
import pytest

from miniai.config import RunConfig
from miniai.run import events as ev
from miniai.run.directory import RunDir, create_run
from tests.terminal.place import Place
from tests.tui.recorded import Recording

pytestmark = pytest.mark.usefixtures("forked")
ESCAPE = "\x1b[27u"
LETTERS = "eqbsvLEw .m"
"""Each of them asks the trainer for something, opens a popup, or leaves."""


def failed_run(place: Place) -> RunDir:
    place.runs.mkdir()
    run = create_run(place.runs, RunConfig(model="conv"))
    start, *going = Recording(epochs=2).until(0, 40)
    assert isinstance(start, ev.RunStarted)
    start = msgspec.structs.replace(start, pid=0)  # a real process must not be taken for its trainer
    told = [start, *going, ev.FitEnded(at=9.0, reason="failed", step=40, error="out of paper")]
    run.journal.write_bytes(b"".join(ev.encode(fact) + b"\n" for fact in told))
    run.log.write_text("an eel\nsome equations\n")
    return run


def asked(place: Place) -> list[str]:
    """The trainer's answers to what was asked of it, and its end."""
    kinds = ("EpochSkipped", "BatchSkipped", "Paused", "Refused", "StopPlanned", "Saved", "Changed", "FitEnded")
    return [fact["is"] for fact in place.facts(*kinds) if fact["is"] != "Saved" or fact["why"] == "request"]


@pytest.mark.parametrize("size", [(24, 80), (40, 120)])
def test_the_filter_of_a_running_fit(place: Place, size: tuple[int, int]) -> None:
    rows, cols = size
    term = place.term(place.fit(epochs=200), rows=rows, cols=cols)
    term.wait("● training")
    term.send(f"/{LETTERS}")
    term.wait(r"6 log ─+ .*only /eqbsvLEw \.m")
    term.wait(r"/eqbsvLEw \.m▏   0 of ")
    step = place.step
    term.until(lambda: place.step > step, "training that goes on as if nothing had been typed")
    assert asked(place) == []
    term.send("\x15zz\r3")  # ctrl+u, other words, keep them, and a key of the screen again
    term.wait("3 layers")
    term.stop_and_quit()
    assert place.ended == "stopped"


def test_the_filter_of_a_failed_run(place: Place) -> None:
    term = place.term(place.command("attach", str(failed_run(place).path)))
    term.wait("failed")
    term.send("/eq")
    term.wait("/eq▏   1 of 2")
    assert "some equations" in term.text
    assert "an eel" not in term.text
    term.send(ESCAPE)
    term.wait("an eel")
    term.send("q")
    assert term.exit() == 1
    assert term.sane


def test_other_popups(place: Place) -> None:
    """A rate, a question that is answered with no, and one that is answered: each in one write."""
    term = place.term(place.fit(epochs=200))
    term.wait("● training")
    term.send("Lx0.5\r")
    term.until(lambda: place.facts("Changed"), "another learning rate")
    term.send(f"sbw{ESCAPE}?ebs{ESCAPE}qw{ESCAPE}E300\r")
    term.until(lambda: len(place.facts("Changed")) == 2, "another number of epochs")
    assert place.facts("Changed")[1]["new"] == 300
    assert asked(place) == ["Changed", "Changed"]
    term.send("qs")
    assert term.exit() == 0
    assert place.ended == "stopped"
