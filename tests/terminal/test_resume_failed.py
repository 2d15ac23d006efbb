"""A run that was done, and an attempt to go on with it that fails: the screen says why, and the run is done."""

from __future__ import annotations

import json

import pytest

from tests.terminal.place import Place


@pytest.fixture
def done(place: Place) -> Place:
    """A place with a run that has come to its end."""
    assert place.process(place.fit("--headless", epochs=1), "").wait(60) == 0
    return place


def resume(place: Place, *more: str) -> list[str]:
    (place.folder / "empty").mkdir()
    return place.command("fit", "--resume", "last", "--epochs", "2", "--data-dir", "empty", *more)


def listed(place: Place) -> list[str]:
    out, _ = place.process(place.command("runs", "--json"), "").communicate(timeout=30)
    return [run["status"]["state"] for run in json.loads(out)]


@pytest.mark.parametrize("worker", ["process", "thread"])
def test_on_a_screen(done: Place, worker: str) -> None:
    before = len(done.facts())
    term = done.term(resume(done, "--worker", worker), "")
    term.wait("failed")
    term.wait("does not hold the Fashion-MNIST files")
    term.send("q")
    assert term.exit() == 1
    assert term.sane
    assert [fact["is"] for fact in done.facts()[before:]] == ["Alerted"]
    assert done.ended == "done"
    assert listed(done) == ["done"]


def test_in_the_background(done: Place) -> None:
    process = done.process(resume(done, "--detach"), "")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, b"")
    assert err.startswith(b"miniai-tui: it could not be resumed: ")
    assert err.count(b"\n") == 1
    assert b"train-images" in err
    assert listed(done) == ["done"]
