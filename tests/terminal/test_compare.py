"""`compare` in a real terminal: a live run beside one that is over, its keys, and the table afterwards."""

from __future__ import annotations

import pytest

from tests.terminal.place import Place, eventually

pytestmark = pytest.mark.usefixtures("forked")


def test_a_live_run_is_compared_with_one_that_is_over(place: Place) -> None:
    first = place.process([*place.fit("--headless", epochs=1)], "")
    assert first.wait(timeout=60) == 0
    done = place.run.name
    live = place.process([*place.fit("--headless", "--lr", "0.1", epochs=50)], "slow:0.02")
    eventually(lambda: len([*place.runs.iterdir()]) == 2, "a second run")
    other = next(path.name for path in place.runs.iterdir() if path.name != done)
    term = place.term(place.command("compare", done, other), "")
    term.wait("2 runs · fashion +● 1 going on", timeout=30)
    term.wait("A mlp-.... ✓ done +B mlp-.... ● training")
    term.wait("lr +0.01 +0.1")
    term.wait("A ━ mlp-")
    term.send("y")
    term.wait("train loss ─ log y")
    live.terminate()
    term.wait("✓ none is going on", timeout=30)
    term.wait("B mlp-.... ■ stopped")
    term.send("d")
    term.wait("results and all settings")
    term.send("\x1b[27u")
    term.send("q")
    assert term.exit() == 0
    assert term.sane
    assert "best valid accuracy" in term.text
    assert "other settings are the same" in term.text
