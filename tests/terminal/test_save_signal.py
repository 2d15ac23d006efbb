"""USR1 to a screen: its trainer saves a checkpoint and goes on, wherever it trains."""

from __future__ import annotations

import signal

import pytest

from tests.terminal.place import Place


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("worker", ["process", "thread"])
def test_a_screen_that_is_told_to_save_has_its_trainer_save(place: Place, worker: str) -> None:
    term = place.term(place.fit("--worker", worker))
    term.until(lambda: place.step > 5, "some batches")
    term.wait("● training")
    term.signal(signal.SIGUSR1)
    term.until(lambda: place.facts("Saved"), "a checkpoint")
    (saved,) = place.facts("Saved")
    assert saved["why"] == "request"
    assert (place.run / "checkpoints" / saved["name"] / "state.json").exists()
    term.wait(r"saved at step [0-9]+")
    term.until(lambda: place.step > saved["step"], "more batches")
    term.signal(signal.SIGTERM)
    assert term.exit() == 128 + signal.SIGTERM
    assert term.sane
