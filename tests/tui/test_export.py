"""`export`: what of a journal holds."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miniai.errors import RunError
from miniai.run import events as ev
from tests.tui.compared import lines, make_run, resumed
from tests.tui.exported import exported, of, rows, series
from tests.tui.recorded import Recording
from tui.export_facts import Points, RunFacts


def test_every_value_of_the_journal_is_there_once(tmp_path: Path) -> None:
    facts = [*Recording(epochs=3).whole()]
    out = exported(of(tmp_path, facts), tmp_path / "out")
    wanted = [
        (f.first + i, float(v)) for f in facts if isinstance(f, ev.Scalars) for i, v in enumerate(f.values)
    ]  # fmt: skip
    found = rows(out / "scalars.csv")
    assert series(found, "train/loss") == wanted
    ends = [f for f in facts if isinstance(f, ev.EpochEnded)]
    for half, name in (("train", "accuracy"), ("valid", "accuracy"), ("valid", "loss")):
        values = [(f.step, float(f.metrics[name])) for f in ends if f.phase == half]
        assert series(found, f"{half}/{name}") == values
    assert [row["epoch"] for row in found if row["series"] == "valid/loss"] == ["1", "2", "3"]
    epochs = rows(out / "epochs.csv")
    assert [(r["epoch"], r["half"], r["samples"]) for r in epochs[:2]] == [
        ("1", "train", "60416"),
        ("1", "valid", "10240"),
    ]
    assert len(rows(out / "layers.csv")) == 9 * sum(isinstance(f, ev.LayersMeasured) for f in facts)


def test_times_grow_and_end_where_the_report_came(tmp_path: Path) -> None:
    facts = [*Recording(epochs=2).whole()]
    found = [f for f in RunFacts(of(tmp_path, facts)).points() if isinstance(f, Points) and f.series == "train/loss"]
    times = [at for piece in found for at in piece.times]
    assert times == sorted(times)
    reports = [f.at for f in facts if isinstance(f, ev.Scalars)]
    assert [piece.times[-1] for piece in found] == pytest.approx(reports)
    assert times[0] == pytest.approx(3.0 + 0.041)  # the epoch began at 3 s, a batch takes 41 ms


def test_a_pause_is_not_spread_over_the_values_before_it(tmp_path: Path) -> None:
    start = [*Recording().start()]
    facts = [
        *start,
        ev.EpochStarted(at=3, epoch=0, phase="train", batches=9, step=0),
        ev.Scalars(at=4, name="loss", first=1, values=[1.0, 1.0]),
        ev.Paused(at=4, epoch=0, phase="train", batch=2, step=2),
        ev.Continued(at=100, paused=96),
        ev.Scalars(at=101, name="loss", first=3, values=[1.0, 1.0]),
    ]
    found = [p for p in RunFacts(of(tmp_path, facts)).points() if isinstance(p, Points)]
    assert [at for p in found for at in p.times] == [3.5, 4.0, 100.5, 101.0]


def twice() -> list[ev.AnyFact]:
    """A run that came to step 178, was resumed at step 150 and then went on to its end."""
    first, again = Recording(epochs=2, every=7), Recording(epochs=2, every=7, seed=9)
    before = [*first.until(1, 60)]
    again.step, again.at = 150, first.at
    after = [*again.half(1, "train", stop_at=86), again.ended(1, "train", 118, 118, 512, 4.0, 0.5)]
    return resumed(before, 150, [*[*again.start()][1:], *after, *again.half(1, "valid")])


def test_what_a_resumed_run_replaced_is_left_out(tmp_path: Path) -> None:
    facts = twice()
    found = rows(exported(of(tmp_path, facts), tmp_path / "out") / "scalars.csv")
    loss = series(found, "train/loss")
    assert [step for step, _ in loss] == list(range(1, 237))
    at = next(i for i, f in enumerate(facts) if isinstance(f, ev.RunResumed))
    old = {f.first + i: float(v) for f in facts[:at] if isinstance(f, ev.Scalars) for i, v in enumerate(f.values)}
    new = {f.first + i: float(v) for f in facts[at:] if isinstance(f, ev.Scalars) for i, v in enumerate(f.values)}
    assert dict(loss) == {**{s: v for s, v in old.items() if s <= 150}, **new}
    epochs = rows(tmp_path / "out" / "epochs.csv")
    assert [(r["epoch"], r["half"]) for r in epochs] == [("1", "train"), ("1", "valid"), ("2", "train"), ("2", "valid")]
    steps = [int(r["step"]) for r in rows(tmp_path / "out" / "layers.csv")]
    assert steps == sorted(steps)


def test_a_half_that_was_stopped_and_goes_on_has_no_end_yet(tmp_path: Path) -> None:
    first = Recording(epochs=2)
    before = [*first.until(1, 60)]
    stopped = msgspec.structs.replace(first.ended(1, "train", 60, 118, 512, 3.0, 0.5), ended="stopped")
    again = Recording(epochs=2, seed=9)
    again.step, again.at = 178, first.at
    facts = resumed([*before, stopped], 178, [*again.half(1, "train", stop_at=8)])
    out = exported(of(tmp_path, facts), tmp_path / "out")
    assert [(r["epoch"], r["half"]) for r in rows(out / "epochs.csv")] == [("1", "train"), ("1", "valid")]
    assert [step for step, _ in series(rows(out / "scalars.csv"), "train/loss")] == list(range(1, 187))


@pytest.mark.parametrize(("batch", "off", "stays"), [(0, True, True), (4, False, True), (2, False, False)])
def test_a_half_that_was_left_out_is_over_where_the_run_goes_on_behind_it(
    tmp_path: Path, batch: int, off: bool, stays: bool
) -> None:
    first = Recording(epochs=2)
    before = [*first.until(1, 0)]
    skipped = msgspec.structs.replace(
        first.ended(1, "train", 0 if off else 4, 118, 512, 0.0, 0.5), ended="skipped", off=off, step=118
    )
    resume = ev.RunResumed(at=first.at, step=118, epoch=1, phase="train", batch=batch)
    out = exported(of(tmp_path, [*before, skipped, resume]), tmp_path / "out")
    assert ("2" in [row["epoch"] for row in rows(out / "epochs.csv")]) == stays


@given(stretches=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 30), st.integers(1, 7)), min_size=1, max_size=6))
@settings(max_examples=60, deadline=None)
def test_any_chain_of_resumes_leaves_what_a_reader_would_keep(
    stretches: list[tuple[int, int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The model: a dictionary from which each resume drops the later steps."""
    facts: list[ev.AnyFact] = [*Recording().start()]
    kept: dict[int, float] = {}
    at, value = 3.0, 0.0
    for n, (back, length, every) in enumerate(stretches):
        step = max(max(kept, default=0) - back, 0)
        if n:
            facts.append(ev.RunResumed(at=at, step=step, epoch=0, phase="train"))
            kept = {s: v for s, v in kept.items() if s <= step}
        else:
            step = 0
        facts.append(ev.EpochStarted(at=at, epoch=0, phase="train", batches=99, step=step))
        for first in range(step + 1, step + 1 + length, every):
            values = [value + i for i in range(min(every, step + 1 + length - first))]
            at, value = at + 1, value + len(values)
            facts.append(ev.Scalars(at=at, name="loss", first=first, values=[*values]))
            kept |= {first + i: v for i, v in enumerate(values)}
    run = make_run(tmp_path_factory.mktemp("chain"), "run", facts)
    found = [p for p in RunFacts(run).points() if isinstance(p, Points)]
    assert {s: float(v) for p in found for s, v in zip(p.steps, p.values, strict=True)} == kept
    assert max(Counter(s for p in found for s in p.steps).values()) == 1


def test_a_torn_tail_is_left_out_and_foreign_lines_are_counted(tmp_path: Path) -> None:
    run = of(tmp_path, [*Recording(epochs=1).whole()])
    with run.journal.open("ab") as file:
        file.write(b'{"is":"Invented","at":1}\n\x00\xff\n{"is":"Scalars","name":"loss","first":9')
    facts = RunFacts(run)
    assert len([*facts.facts()]) == len([*Recording(epochs=1).whole()])
    assert facts.unreadable == 2


def test_what_is_written_after_the_first_look_waits(tmp_path: Path) -> None:
    run = of(tmp_path, [*Recording().until(0, 40)])
    facts = RunFacts(run)
    before = len([*facts.facts()])
    with run.journal.open("ab") as file:
        file.write(lines([ev.RunResumed(at=9, step=1), ev.FitEnded(at=9, reason="done", step=1)]))
    assert len([*facts.facts()]) == before


@pytest.mark.parametrize("content", [None, b"", b"nonsense\n", b'{"is":"RunSta'])
def test_a_journal_with_nothing_to_read_is_one_clear_error(tmp_path: Path, content: bytes | None) -> None:
    run = of(tmp_path, [])
    if content is None:
        run.journal.unlink()
    else:
        run.journal.write_bytes(content)
    with pytest.raises(RunError, match=r"events\.jsonl"):
        RunFacts(run)
