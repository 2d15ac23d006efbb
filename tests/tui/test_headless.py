"""The log: aligned lines without escape codes, the same numbers as the screen's, and no reader can hurt the run."""

from __future__ import annotations

import os
import re

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


@pytest.mark.parametrize(
    ("fact", "words"),
    [
        (ev.Paused(at=1, epoch=0, phase="train", batch=3, step=1234), "paused at step 1,234"),
        (ev.Continued(at=1, paused=61), "goes on after a pause of 1:01"),
        (ev.EpochSkipped(at=1, epoch=1, phase="train", at_batch=3), "train  skipped after 3 batches"),
        (ev.BatchSkipped(at=1, epoch=1, phase="valid", batch=3), "valid  batch 4 skipped"),
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
