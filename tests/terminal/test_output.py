"""What the trained program writes, by whatever way, is in the log and never on the screen."""

from __future__ import annotations

import pytest

from tests.terminal.place import Place

WORDS = [
    "spoken by print", "spoken by sys.stderr", "spoken by logging", "UserWarning: spoken by warnings",
    "spoken by descriptor 1", "spoken by descriptor 2", "spoken by a subprocess", "spoken by its stderr",
    "spoken in red", "spoken by the original stdout", "spoken by the original stderr",
]  # fmt: skip


@pytest.mark.parametrize("worker", ["process", "thread"])
def test_output_goes_to_the_log(place: Place, worker: str) -> None:
    term = place.term(place.fit("--worker", worker, epochs=1), "slow:0.005,talk:20")
    term.wait("✓ done")
    term.send("q")
    assert term.exit() == 0
    assert term.sane
    assert [word for word in WORDS if word not in place.log] == []
    assert b"spoken" not in term.raw
    assert b"title" not in term.raw


def test_output_of_a_headless_run_stays_where_it_was(place: Place) -> None:
    process = place.process(place.fit("--headless", epochs=1), "slow:0.005,talk:20")
    out, err = (data.decode() for data in process.communicate(timeout=40))
    assert process.returncode == 0
    errors = [*(word for word in WORDS if "err" in word), WORDS[2], WORDS[3], WORDS[5]]
    assert len(errors) == 6
    for word in WORDS:
        where = (err, out) if word in errors else (out, err)
        assert [text.count(word) for text in where] == [1, 0], word
    assert place.ended == "done"
    assert not (place.run / "log.txt").exists()
