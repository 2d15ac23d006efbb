"""The log: aligned lines without escape codes, the same numbers as the screen's, and no reader can hurt the run."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from miniai.run import events as ev
from tests.tui.recorded import Recording
from tui.headless import LogPrinter
from tui.lines import Lines


def log(facts: list[ev.AnyFact], every: float = 10.0, form: str = "text") -> list[str]:
    reader, writer = os.pipe()
    printer = LogPrinter(form, every, writer)  # type: ignore[arg-type]
    for fact in facts:
        printer(fact)
    printer.close()
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        return pipe.read().decode().splitlines()


def test_a_run_is_told_in_lines() -> None:
    lines = log(list(Recording(epochs=2).whole()))
    text = "\n".join(lines)
    assert "all 60,000 + 10,000 images" in text
    assert "30,154 parameters" in text
    assert len(re.findall(r"epoch [12]/2  (train|valid)  ", text)) >= 4
    assert lines[-1].strip().endswith("steps")
    assert "done after" in lines[-1]


def test_no_line_has_control_characters() -> None:
    alert = ev.Alerted(at=1.0, topic="x", text="bad \x1b[2J name\r\n\x07")
    for line in log([*Recording(epochs=1).whole(), alert]):
        assert line.isprintable()


def test_the_columns_of_the_epochs_are_aligned() -> None:
    lines = [line for line in log(list(Recording(epochs=3).whole())) if re.search(r"\d/118|\d/10 ", line)]
    for word in ("loss", "accuracy", "img/s"):
        assert len({line.index(word) for line in lines}) == 1


def test_the_numbers_are_the_facts() -> None:
    facts = list(Recording(epochs=1).whole())
    ended = next(f for f in facts if isinstance(f, ev.EpochEnded) and f.phase == "valid")
    line = next(line for line in log(facts) if "valid" in line and "done" not in line)
    assert f"loss {float(ended.metrics['loss']):>8.4f}" in line
    assert f"accuracy {float(ended.metrics['accuracy']):>8.4f}" in line


@pytest.mark.parametrize(("every", "least", "most"), [(1e9, 0, 0), (0.001, 20, 10_000)])
def test_a_line_each_so_often(every: float, least: int, most: int) -> None:
    lines = log(list(Recording(epochs=1).whole()), every)
    assert least <= sum("left" in line for line in lines) <= most


def test_the_times_are_aligned_too() -> None:
    lines = log(list(Recording(epochs=3).whole()), 0.001)
    ends = {line.rindex(unit) for line in lines for unit in (" left", " s") if re.search(rf"\d{unit}$", line)}
    assert len(ends) == 1


def test_the_first_lines_say_where_it_lies_and_how_to_reach_it(tmp_path: Path) -> None:
    started = next(iter(Recording(epochs=1).whole()))
    first, *rest = Lines(tmp_path / "a run").render(started)
    assert "  run " in first
    assert rest == [
        f"    0:00  directory {tmp_path}/a run",
        f"    0:00  control it with: miniai-tui ctl '{tmp_path}/a run' pause",
    ]
    assert Lines().render(started) == [first]


def test_the_last_lines_name_the_best_validation() -> None:
    lines = log(list(Recording(epochs=2).whole()))
    assert re.search(r"  best valid accuracy \d\.\d+ at epoch [12]$", lines[-2])
    assert "done after" in lines[-1]


def test_a_run_that_did_not_end_says_how_to_go_on(tmp_path: Path) -> None:
    lines = Lines(tmp_path)
    lines.render(ev.Saved(at=1, step=1234, epoch=0, name="x", why="stop", bytes=5))
    for reason in ("stopped", "failed"):
        said = lines.render(ev.FitEnded(at=2, reason=reason, step=1300))
        assert said[0].endswith(f"go on from the checkpoint at step 1,234 with: miniai-tui fit --resume {tmp_path}")
        assert f"{reason} after 1,300 steps" in said[-1]
    assert len(lines.render(ev.FitEnded(at=2, reason="done", step=1300))) == 1


def test_a_resumed_run_says_where_it_lies_and_what_its_best_is_of(tmp_path: Path) -> None:
    lines = Lines(tmp_path)
    first, *rest = lines.render(ev.RunResumed(at=50, step=118, epoch=1, phase="train", pid=3))
    assert "resumed at step 118" in first
    assert "directory" in rest[0]
    for fact in Recording(epochs=2).whole():
        said = lines.render(fact)
    assert re.search("best valid accuracy .* since it was resumed$", said[-2])


def test_the_preparation_is_told_once_a_period() -> None:
    stages = [ev.StageReached(at=0.1 * i, stage="reading data", done=i, total=1000) for i in range(1000)]
    told = log(list(stages), 10.0)
    assert told[0] == "    0:10  reading data  100 of 1,000"
    assert [int(line.split()[3]) for line in told] == list(range(100, 1000, 100))


def test_json_lines_are_facts() -> None:
    facts = list(Recording(epochs=1).whole())
    read = [ev.decode(line.encode()) for line in log(facts, 0.001, "json")]
    assert [f for f in read if isinstance(f, ev.EpochEnded)] == [f for f in facts if isinstance(f, ev.EpochEnded)]
    assert isinstance(read[-1], ev.FitEnded)
    assert not any(isinstance(f, ev.Scalars) for f in read)


def test_json_lines_hold_no_control_characters() -> None:
    fact = ev.Alerted(at=1.0, topic="x", text="a \x1b[2J \x7f \x9b31m é")
    (line,) = log([fact], form="json")
    assert line.isprintable()
    assert ev.decode(line.encode()) == fact


OFF = ev.EpochEnded(
    at=1, epoch=1, phase="valid", metrics={}, batches=0, of=10, samples=0, seconds=0, step=9, ended="skipped", off=True
)  # fmt: skip


@pytest.mark.parametrize(
    ("fact", "words"),
    [
        (ev.Paused(at=1, epoch=0, phase="train", batch=3, step=1234), "paused at step 1,234"),
        (ev.Continued(at=1, paused=61), "goes on after a pause of 1:01"),
        (ev.EpochSkipped(at=1, epoch=1, phase="train", at_batch=3), "train  skipped after 3 batches"),
        (ev.BatchSkipped(at=1, epoch=1, phase="valid", batch=3), "valid  batch 4 skipped"),
        (OFF, "epoch 2/2  valid  off"),
        (ev.StopPlanned(at=1, when="epoch", epoch=1), "stops after epoch 2"),
        (ev.Refused(at=1, request="x", why="too late"), "refused: too late"),
        (ev.Alerted(at=1, topic="nan", text="the loss is NaN", step=7), "warning: the loss is NaN (step 7)"),
        (ev.FitEnded(at=1, reason="failed", step=1, error="ValueError: no"), "failed after 1 step: ValueError: no"),
    ],
)
def test_what_users_asked_for_is_in_the_log(fact: ev.Fact, words: str) -> None:
    (line,) = Lines().render(fact)
    assert words in line


def test_a_reader_that_left_ends_the_printing_only() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    printer = LogPrinter(fd=writer)
    for _ in range(3000):
        printer(ev.Alerted(at=1.0, topic="x", text="y"))
    printer.close(deadline=0.1)
    os.close(writer)


def test_a_reader_that_stalls_costs_nothing_but_lines() -> None:
    reader, writer = os.pipe()
    printer = LogPrinter(fd=writer, room=10)
    for _ in range(5000):  # more than pipe and queue hold: a printer that waits would hang here
        printer(ev.Alerted(at=1.0, topic="x", text="y" * 500))
    os.close(reader)  # lets the thread go
    printer.close(deadline=0.1)
