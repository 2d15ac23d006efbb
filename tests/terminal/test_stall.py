"""A terminal that takes nothing any more (a frozen ssh, ctrl+s in an emulator) costs the trainer nothing."""

from __future__ import annotations

import signal

import pytest

from tests.terminal.place import Place

pytestmark = pytest.mark.usefixtures("forked")


@pytest.mark.parametrize("worker", ["process", "thread"])
def test_training_goes_on_and_term_still_restores(place: Place, worker: str) -> None:
    term = place.term(place.fit("--worker", worker))
    term.wait("● training")
    term.send("f")  # from here on the terminal takes nothing; keys make the screen draw until it blocks
    step = place.step
    for _ in range(60):
        term.send("f")
    term.until(lambda: place.step > step + 200, "batches while the terminal stands still", read=False)
    term.signal(signal.SIGTERM)
    assert term.exit(25, read=False) == 128 + signal.SIGTERM
    assert place.ended == "stopped"
    term.until(lambda: term.sane, "the terminal given back", 5)
    after = bytes(term.raw).rpartition(b"\x1b[?25h")[2]
    assert b"\x1b" not in after, "something was drawn after the terminal was given back"
    assert not after.strip() or b"fashion, mlp" in after
