"""A run that is resumed at the very step at which more was done: a validation that was over, a pause, another rate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miniai.run import events as ev
from miniai.run.directory import RunDir
from tests.tui.compared import make_run
from tests.tui.recorded import Recording
from tests.tui.test_state import after
from tests.tui.test_state_resumed import eventful, known, long_run, read, same_series
from tui.compare_read import read_now
from tui.compare_runs import Compared
from tui.export_facts import RunFacts
from tui.overview import overviews
from tui.resumptions import decisive, still_true


def timed(facts: list[ev.AnyFact]) -> list[ev.AnyFact]:
    """Each told a little after the one before, as a trainer tells them."""
    return [msgspec.structs.replace(fact, at=round(fact.at + i / 1000, 3)) for i, fact in enumerate(facts)]


def busy() -> list[ev.AnyFact]:
    """A run in which users act while it validates, too, and things go wrong there."""
    facts: list[ev.AnyFact] = []
    step = 0
    for fact in eventful():
        facts.append(fact)
        step = max(step, getattr(fact, "step", 0))
        if isinstance(fact, ev.Progressed) and fact.phase == "valid" and fact.batch == 2:
            at, epoch = fact.at, fact.epoch
            facts += [
                ev.Paused(at=at, epoch=epoch, phase="valid", batch=2, step=step),
                ev.Changed(at=at, what="lr", old=0.1, new=0.05, step=step, epoch=epoch),
                ev.Changed(at=at, what="epochs", old=9, new=9 + epoch, step=step, epoch=epoch),
                ev.BatchSkipped(at=at, epoch=epoch, phase="valid", batch=2),
                ev.Continued(at=at, paused=1.0),
                ev.Alerted(at=at, topic="plateau", text=f"no better at {step}", step=step),
            ]  # fmt: skip
    return timed(facts)


def edges(facts: list[ev.AnyFact]) -> list[int]:
    """Numbers of facts after which a checkpoint may have been taken: at the ends of halves, and within them."""
    return [i + 1 for i, fact in enumerate(facts) if isinstance(fact, (ev.Progressed, ev.EpochEnded))]


def other(facts: list[ev.AnyFact]) -> list[ev.AnyFact]:
    """The same with other numbers in the validations, and without what users did: done again, it may come out so."""
    left_out = (ev.Paused, ev.Continued, ev.Changed, ev.BatchSkipped, ev.Alerted)
    changed: list[ev.AnyFact] = []
    for fact in facts:
        if isinstance(fact, ev.EpochEnded) and fact.phase == "valid":
            changed.append(msgspec.structs.replace(fact, metrics=dict.fromkeys(fact.metrics, 0.125)))
        elif isinstance(fact, ev.Scalars) and fact.name == "valid_loss":
            changed.append(msgspec.structs.replace(fact, values=[0.125] * len(fact.values)))
        elif not isinstance(fact, left_out):
            changed.append(fact)
    return changed


def killed(facts: list[ev.AnyFact], saved: int, died: int) -> tuple[list[ev.AnyFact], list[ev.AnyFact]]:
    """The journal of a run that did `facts[:died]` and was resumed from what was saved after `facts[:saved]`; and one
    of a run that did at once what the resumed one did."""
    then = after(*facts[:saved])
    place, at = then.progress, facts[died - 1].at + 1
    phase: ev.Phase = place.phase or "train"
    mark = ev.RunResumed(
        at=at, step=then.step, epoch=place.epoch, phase=phase, batch=place.batch, saved_at=facts[saved - 1].at
    )
    again: list[ev.AnyFact] = list(Recording(epochs=3, train_batches=24, valid_batches=4, bs=16).start())[1:]
    row = then.rows.get(place.epoch, phase)
    if row is not None and row.ended == "running":
        of = 24 if phase == "train" else 4
        again.append(ev.EpochStarted(at=0, epoch=place.epoch, phase=phase, batches=of, step=then.step))
    rest = other(facts[saved:])
    again = [msgspec.structs.replace(fact, at=at) for fact in again]
    moved = [msgspec.structs.replace(fact, at=fact.at + at - facts[saved - 1].at) for fact in rest]
    return [*facts[:died], mark, *again, *moved], [*facts[:saved], *rest]


BUSY = busy()


@st.composite
def deaths(draw: st.DrawFn) -> tuple[int, int]:
    saved = draw(st.sampled_from(edges(BUSY)))
    return saved, draw(st.integers(saved, len(BUSY)))


def values(state: Any) -> Any:
    curves = {key: series.last[series.at >= 0].tolist() for key, series in state.curves.series.items()}
    return known(state) | {
        "curves": curves,
        "marks": [(m.step, m.kind, m.text) for m in state.marks if m.text != "resumed"],
    }


@settings(deadline=None, max_examples=60)
@given(when=deaths())
def test_an_open_screen_holds_what_the_resumed_run_did(when: tuple[int, int]) -> None:
    told, meant = (after(*facts) for facts in killed(BUSY, *when))
    assert values(told) == values(meant)
    for name, series in meant.series.items():
        same_series(told.series[name], series)


@settings(deadline=None, max_examples=30)
@given(when=deaths())
def test_so_does_one_that_reads_the_journal_later(
    when: tuple[int, int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    told, meant = killed(BUSY, *when)
    state, expected = read(tmp_path_factory.mktemp("j") / "events.jsonl", told), after(*meant)
    assert values(state) == values(expected)
    for name, series in expected.series.items():
        same_series(state.series[name], series)


def journal(root: Path, facts: list[ev.AnyFact]) -> RunDir:
    return make_run(root, "20260101-120000-fashion-conv-aa11", facts)


@settings(deadline=None, max_examples=30)
@given(when=deaths())
def test_so_do_exports_the_list_of_runs_and_comparisons(
    when: tuple[int, int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    told, meant = (journal(tmp_path_factory.mktemp("r"), facts) for facts in killed(BUSY, *when))

    def exported(run: RunDir) -> list[Any]:
        kinds = (ev.EpochEnded, ev.Scalars, ev.Changed, ev.Paused, ev.BatchSkipped)
        facts = [fact for fact in RunFacts(run).facts() if isinstance(fact, kinds)]
        return [msgspec.structs.replace(fact, at=0.0) for fact in facts]

    assert exported(told) == exported(meant)
    listed, expected = overviews([told, meant])
    assert (listed.best, listed.done) == (expected.best, expected.done)
    compared = [Compared(run, "A", "a") for run in (told, meant)]
    read_now(compared)
    assert values(compared[0].state) == values(compared[1].state)


def test_the_clock_counts_a_validation_that_is_done_again_once() -> None:
    facts = timed(list(Recording(epochs=2, train_batches=24, valid_batches=4, bs=16).whole()))
    train = next(i for i, f in enumerate(facts) if isinstance(f, ev.EpochEnded)) + 1
    begun = next(i for i, f in enumerate(facts) if isinstance(f, ev.EpochStarted) and f.epoch == 1) + 1
    told, meant = killed(facts, train, begun)
    mine, theirs = after(*told).clock, after(*meant).clock
    for step in (12, 24, 30, 48):
        assert mine.one("time", step) == pytest.approx(theirs.one("time", step), abs=0.1)


def test_of_several_resumptions_those_that_decide_are_asked() -> None:
    def resumed(step: int, saved_at: float | None) -> ev.RunResumed:
        return ev.RunResumed(at=500, step=step, saved_at=saved_at)

    early, late, same = resumed(10, 5.0), resumed(20, 9.0), resumed(10, 7.0)
    assert decisive([early, late, same]) == decisive([late, same, early]) == [early]
    assert decisive([resumed(10, None), resumed(20, None)]) == [resumed(10, None)]
    assert decisive([early, resumed(10, None)]) == [early, resumed(10, None)]
    assert decisive([]) == []


@pytest.mark.parametrize(("at", "holds"), [(5.0, True), (5.001, False)])
@pytest.mark.parametrize("kind", ["end", "loss", "alert"])
def test_what_was_told_at_the_step_of_the_checkpoint_holds_if_it_was_told_before(
    kind: str, at: float, holds: bool
) -> None:
    facts: dict[str, ev.AnyFact] = {
        "end": ev.EpochEnded(at=at, epoch=0, phase="valid", metrics={}, batches=4, of=4, samples=9, seconds=1, step=24),
        "loss": ev.Scalars(at=at, name="valid_loss", first=24, values=[0.5]),
        "alert": ev.Alerted(at=at, topic="nan", text="it is NaN", step=24),
    }
    mark = ev.RunResumed(at=9, step=24, epoch=0, phase="train", batch=24, saved_at=5.0)
    assert (still_true(facts[kind], mark) is not None) == holds
    trained = ev.Scalars(at=at, name="loss", first=20, values=[0.5] * 5)
    assert still_true(trained, mark) == trained  # a batch is trained once at a step
    saved = ev.Saved(at=at, step=24, epoch=0, name="step-24", why="epoch")
    assert still_true(saved, mark) == saved  # the very checkpoint that the run goes on from


def test_a_comparison_is_exact_however_long_the_run_was(tmp_path: Path) -> None:
    """Its buckets are coarse, and the step that it was resumed at lies in the middle of one."""
    facts = timed(long_run(8_000))
    start = len(list(Recording().start())) + 1
    step = 1_250
    again: list[ev.AnyFact] = [
        ev.RunResumed(at=900.0, step=step, epoch=0, phase="train", batch=step, saved_at=facts[start + 24].at),
        ev.EpochStarted(at=901.0, epoch=0, phase="train", batches=8_000, step=step),
    ]
    told = [*facts, *again, *(msgspec.structs.replace(fact, at=fact.at + 901) for fact in facts[start + 25 :])]
    compared = [Compared(journal(tmp_path, told), "A", "a")]
    read_now(compared)
    same_series(compared[0].state.series["loss"], after(*facts).series["loss"])


def test_a_validation_saved_before_its_first_batch_is_done_again() -> None:
    facts = timed(list(Recording(epochs=1, train_batches=24, valid_batches=4, bs=16).whole()))
    begun = next(i for i, f in enumerate(facts) if isinstance(f, ev.EpochStarted) and f.phase == "valid")
    over = next(i for i, f in enumerate(facts) if isinstance(f, ev.EpochEnded) and f.phase == "valid")
    place = {"step": 24, "epoch": 0, "phase": "valid", "batch": 0, "saved_at": facts[begun].at}
    state = after(*facts[: over + 1], ev.RunResumed(at=99, **place))  # type: ignore[arg-type]
    assert [row.phase for row in state.rows] == ["train"]
    assert ("accuracy", "valid") not in state.rows.best


def test_the_clock_counts_it_once_also_if_it_is_killed_twice() -> None:
    """From within a validation, which takes its time at one step."""
    facts = timed(list(Recording(epochs=2, train_batches=24, valid_batches=80, bs=16).whole()))
    half = (
        next(i for i, f in enumerate(facts) if isinstance(f, ev.Progressed) and (f.phase, f.batch) == ("valid", 40)) + 1
    )
    begun = next(i for i, f in enumerate(facts) if isinstance(f, ev.EpochStarted) and f.epoch == 1) + 1
    once, meant = killed(facts, half, begun)
    mark = next(i for i, f in enumerate(once) if isinstance(f, ev.RunResumed))
    began = next(i for i, f in enumerate(once) if i > mark and isinstance(f, ev.EpochStarted) and f.epoch == 1) + 1
    by = once[began - 1].at + 50 - once[mark].at
    again = [msgspec.structs.replace(fact, at=fact.at + by) for fact in once[mark:]]
    mine, theirs = after(*once[:began], *again).clock, after(*meant).clock
    for step in (12, 24, 30, 48):
        assert mine.one("time", step) == pytest.approx(theirs.one("time", step), abs=0.5)
