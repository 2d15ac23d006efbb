"""A trainer whose program prints what nobody takes says so, once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import pytest

from miniai import trainer
from miniai.config import RunConfig
from miniai.run import events as ev
from miniai.run.control import RunControl
from miniai.run.directory import create_run
from miniai.run.output import LossyWriter


@pytest.fixture
def refused() -> Iterator[LossyWriter]:
    """A writer whose reader has left."""
    reader, writer = os.pipe()
    os.close(reader)
    yield LossyWriter(writer)
    os.close(writer)


def journal_of(
    tmp_path: Path, patch: pytest.MonkeyPatch, output: Sequence[LossyWriter], do: Callable[[], object]
) -> list[ev.Fact]:
    """The facts of a run that does nothing but `do`, three times with a fact after each."""

    class Fitting:
        step = 0

        def __init__(self, *_: object) -> None:
            self.reporter = _[-1]

        def run(self) -> Literal["done"]:
            for _ in range(3):
                do()
                self.reporter.emit(ev.StageReached(at=0.0, stage="first batch"))  # type: ignore[attr-defined]
            do()
            return "done"

    patch.setattr(trainer, "Fitting", Fitting)
    run = create_run(tmp_path, RunConfig())
    heard: list[ev.Fact] = []
    trainer.host(run, RunControl(), [heard.append], output=output)
    written = [ev.decode(line) for line in run.journal.read_bytes().splitlines()]
    assert [type(fact) for fact in written] == [type(fact) for fact in heard]
    return list(written)


def test_it_is_said_once_and_after_the_fact_that_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: LossyWriter
) -> None:
    facts = journal_of(tmp_path, monkeypatch, [refused, refused], lambda: refused.write(b"print"))
    assert refused.lost == 20
    assert [getattr(fact, "topic", type(fact).__name__) for fact in facts] == [
        "RunStarted", "StageReached", "log", "StageReached", "StageReached", "FitEnded",
    ]  # fmt: skip


def test_what_is_lost_last_is_said_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: LossyWriter
) -> None:
    words = iter([b"", b"", b"", b"a traceback"])
    facts = journal_of(tmp_path, monkeypatch, [refused], lambda: refused.write(next(words)))
    assert [getattr(fact, "topic", type(fact).__name__) for fact in facts[-2:]] == ["log", "FitEnded"]


def test_nothing_is_said_where_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "log").open("wb") as log:
        taken = LossyWriter(log.fileno())
        facts = journal_of(tmp_path, monkeypatch, [taken], lambda: taken.write(b"print"))
    assert not any(isinstance(fact, ev.Alerted) for fact in facts)
    assert (tmp_path / "log").read_bytes() == b"print" * 4
