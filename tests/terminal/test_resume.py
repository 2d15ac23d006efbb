"""`fit --resume` as users do it: on the screen with both workers, without one, and after a kill."""

from __future__ import annotations

import signal
from collections.abc import Iterable

import pytest

from tests.terminal.place import BATCHES, Fact, Place, eventually

pytestmark = pytest.mark.usefixtures("forked")


def resume(place: Place, *options: str) -> list[str]:
    return place.command("fit", "--resume", "last", "--run-dir", str(place.runs), *options)


def rows(place: Place) -> list[tuple[int, str, str]]:
    return [(f.get("epoch"), f["phase"], f["ended"]) for f in place.facts("EpochEnded")]  # type: ignore[misc]


def losses(facts: Iterable[Fact]) -> dict[int, float]:
    """Step and value, as a reader has them who drops what follows on a checkpoint."""
    found: dict[int, float] = {}
    for fact in facts:
        if fact["is"] == "RunResumed":
            found = {step: value for step, value in found.items() if step <= fact["step"]}
        elif fact["is"] == "Scalars" and fact["name"] == "loss":
            points = {fact["first"] + i: value for i, value in enumerate(fact["values"])}
            assert not points.keys() & found.keys()
            found |= points
    return found


def stop_in_the_middle(place: Place, *options: str, number: int = signal.SIGTERM) -> None:
    """A fit of two epochs without a screen, stopped or killed in its second."""
    process = place.process(place.fit("--headless", *options, epochs=2), "slow:0.002")
    eventually(lambda: place.step > BATCHES + 10, "the second epoch")
    process.send_signal(number)
    process.communicate(timeout=30)


@pytest.mark.parametrize("worker", ["process", "thread"])
def test_on_the_screen(place: Place, worker: str) -> None:
    stop_in_the_middle(place)
    stopped = place.facts("FitEnded")[-1]["step"]
    term = place.term(resume(place, "--worker", worker), "slow:0.005")
    term.wait("✓ done")
    term.send("q")
    assert term.exit() == 0
    assert term.sane
    resumed = place.facts("RunResumed")[0]
    assert (resumed["step"], resumed["epoch"], resumed["batch"]) == (stopped, 1, stopped - BATCHES)
    assert sorted(losses(place.facts())) == list(range(1, 2 * BATCHES + 1))
    assert [row for row in rows(place) if row[2] == "complete"] == [
        (e, p, "complete") for e in (0, 1) for p in ("train", "valid")
    ]
    assert "fashion, mlp: done" in term.text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_headless_says_the_same_losses(place: Place, number: int) -> None:
    stop_in_the_middle(place, "--sched", "onecycle", number=number)
    process = place.process(resume(place, "--headless"), "")
    said, wrong = process.communicate(timeout=60)
    assert (process.returncode, wrong) == (0, b"")
    assert f"resumed at step {place.facts('RunResumed')[0]['step']}".encode() in said
    parts = losses(place.facts())
    whole = Place(place.folder / "whole", place.data)
    whole.server = place.server
    whole.folder.mkdir()
    try:
        done = whole.process(whole.fit("--headless", "--sched", "onecycle", epochs=2), "")
        done.communicate(timeout=60)
        assert parts == losses(whole.facts())
    finally:
        whole.clear_up()


def refused(place: Place, *options: str) -> str:
    """The one line of a command that could not go on."""
    process = place.process(resume(place, "--headless", *options), "")
    said, wrong = process.communicate(timeout=30)
    assert process.returncode in (1, 2)
    assert (said, wrong.count(b"\n")) == (b"", 1)
    return wrong.decode()


def test_what_cannot_be_resumed_is_one_line(place: Place) -> None:
    process = place.process(place.fit("--headless", "--save-every", "0", "--save-best", "none", epochs=100))
    eventually(lambda: place.step > 2, "some batches")
    assert "is being trained in process" in refused(place)
    process.kill()
    process.communicate(timeout=30)
    said = refused(place)
    assert "has no checkpoint to go on from; start it anew with: miniai-tui fit fashion " in said
    assert "--save-every 0" in said


def test_options_of_a_resumed_run(place: Place) -> None:
    stop_in_the_middle(place)
    before = (place.run / "events.jsonl").read_bytes()
    assert "the run's own --lr 0.01: it cannot become 0.5" in refused(place, "--lr", "0.5")
    assert "the run's own --model mlp: it cannot become conv" in refused(place, "--model", "conv")
    assert "is in epoch 2 already: it cannot have only 1 epoch" in refused(place, "--epochs", "1")
    assert (place.run / "events.jsonl").read_bytes() == before
    options = ("--headless", "--lr", "0.01", "--model", "mlp", "--epochs", "3", "--keep", "1")
    process = place.process(resume(place, *options), "")
    assert process.communicate(timeout=60)[1] == b""
    assert place.facts("FitEnded")[-1]["step"] == 3 * BATCHES
    assert [path.name for path in (place.run / "checkpoints").glob("step-*")] == [f"step-{3 * BATCHES}"]
    assert "is done with all its 3 epochs: --epochs 4 goes on" in refused(place)
