"""A run that is resumed from a checkpoint is known afterwards as one that never stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from miniai.run import events as ev
from tests.tui.recorded import Recording
from tests.tui.test_state import after, status
from tui.colors import PALETTES
from tui.follow import Follower
from tui.history import Series
from tui.lines import Lines
from tui.panes.header import header
from tui.state.run import RunState


def eventful(epochs: int = 3, batches: int = 24) -> list[ev.AnyFact]:
    """A run in which things happen: pauses, skips, changes, alerts, rates, confusions."""
    recording = Recording(epochs=epochs, train_batches=batches, valid_batches=4, bs=16)
    facts: list[ev.AnyFact] = []
    for fact in recording.whole():
        facts.append(fact)
        if isinstance(fact, ev.Progressed) and fact.batch == 12 and fact.phase == "train":
            at, step, epoch = fact.at, recording.step, fact.epoch
            facts += [
                ev.Paused(at=at, epoch=epoch, phase="train", batch=12, step=step),
                ev.BatchSkipped(at=at, epoch=epoch, phase="train", batch=12),
                ev.Changed(at=at, what="lr", old=0.2, new=0.1, step=step, epoch=epoch),
                ev.Changed(at=at, what="epochs", old=epochs + epoch, new=epochs + epoch + 1, step=step, epoch=epoch),
                ev.Changed(at=at, what="valid", old=1, new=epoch % 2, step=step, epoch=epoch + 1),
                ev.Continued(at=at, paused=1.0),
                ev.Alerted(at=at, topic="spike", text=f"a spike at step {step}", step=step),
            ]  # fmt: skip
        if isinstance(fact, ev.Scalars):
            facts.append(ev.Scalars(at=fact.at, name="lr", first=fact.first, values=[0.2 / (1 + i) for i in range(4)]))
        if isinstance(fact, ev.EpochEnded) and fact.phase == "valid":
            facts.append(recording.confused(fact.epoch))
    return facts


def resumed(facts: list[ev.AnyFact], saved: int, died: int, ended: bool = False) -> list[ev.AnyFact]:
    """The journal of a run that did `facts[:died]`, and was resumed from a checkpoint taken after `facts[:saved]`."""
    then = after(*facts[:saved])
    progress, last = then.progress, facts[died - 1].at
    end = [ev.FitEnded(at=last, reason="stopped", step=then.step)] if ended else []
    place = (progress.epoch, progress.phase or "train", progress.batch)
    shift = 100.0 + last
    again: list[ev.AnyFact] = [
        ev.RunResumed(at=last + 0.1, step=then.step, epoch=place[0], phase=place[1], batch=place[2], wall=2e9, pid=77,
                      host="other"),
        *(f for f in Recording(epochs=3, train_batches=24, valid_batches=4, bs=16).start()),
    ]  # fmt: skip
    row = then.rows.get(place[0], place[1])
    if row is not None and row.ended == "running":
        of = 24 if place[1] == "train" else 4
        again.append(
            ev.EpochStarted(at=facts[saved - 1].at, epoch=place[0], phase=place[1], batches=of, step=then.step)
        )
    moved = [_moved(fact, shift) for fact in [*again[1:], *facts[saved:]]]
    return [*facts[:died], *end, again[0], *moved]


def _moved(fact: ev.AnyFact, by: float) -> ev.AnyFact:
    import msgspec

    return msgspec.structs.replace(fact, at=fact.at + by)


def places(facts: list[ev.AnyFact]) -> list[int]:
    """Numbers of facts after which a checkpoint may have been taken: not before something else at the same step."""
    found = [i + 1 for i, fact in enumerate(facts) if isinstance(fact, (ev.Progressed, ev.EpochEnded))]
    return [i for i in found if i == len(facts) or not isinstance(facts[i], ev.Paused)]


def same_series(mine: Series, theirs: Series) -> None:
    for name in ("used", "origin", "end", "stride"):
        assert getattr(mine, name) == getattr(theirs, name), name
    for name in ("low", "high", "last", "count", "bad", "first_bad", "at"):
        np.testing.assert_array_equal(getattr(mine, name), getattr(theirs, name), name)
    np.testing.assert_allclose(mine.smooth, theirs.smooth, rtol=1e-9)


def known(state: RunState) -> dict[str, Any]:
    """What must not depend on an interruption."""
    rows = [
        (r.epoch, r.phase, r.of, r.step, r.metrics, r.batches, r.samples, r.seconds, r.ended, r.skips)
        for r in state.rows
    ]
    return {
        "rows": rows, "best": state.rows.best, "names": state.rows.names, "step": state.step,
        "marks": [m for m in state.marks if m.kind != "resume"], "status": status(state),
        "alerts": [(a.topic, a.text, a.step) for a in state.alerts if a.topic != "resumed"],
        "epochs": (state.progress.epochs, [state.progress.validation.at(e) for e in range(9)]),
        "where": (state.progress.epoch, state.progress.phase, state.progress.batch, state.progress.of),
        "rate": state.rate.now, "confusion": state.confusion.fact and state.confusion.fact.step,
        "curves": state.curves.names, "series": sorted(state.series), "layers": state.fit and len(state.fit.layers),
    }  # fmt: skip


def same(mine: RunState, theirs: RunState) -> None:
    assert known(mine) == known(theirs)
    for name in theirs.series:
        same_series(mine.series[name], theirs.series[name])
    for key, series in theirs.curves.series.items():
        same_series(mine.curves.series[key], series)
    assert mine.layers is not None
    assert theirs.layers is not None
    for name in ("values", "counts", "firsts", "steps", "latest", "nonfinite", "used", "first", "grad_shares"):
        np.testing.assert_allclose(getattr(mine.layers, name), getattr(theirs.layers, name), err_msg=name)
    steps = np.arange(1, theirs.step)
    np.testing.assert_allclose(mine.clock.to("epochs", steps), theirs.clock.to("epochs", steps), atol=0.05)
    assert mine.spreads.held is not None
    assert theirs.spreads.held is not None
    kept, held = mine.spreads.held, theirs.spreads.held
    assert kept.steps[: kept.used].tolist() == held.steps[: held.used].tolist()


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_wherever_it_was_saved_and_died_it_ends_as_if_it_had_never_stopped(data: st.DataObject) -> None:
    facts = eventful()
    saved = data.draw(st.sampled_from(places(facts)))
    died = data.draw(st.integers(saved, len(facts)))
    ended = data.draw(st.booleans())
    same(after(*resumed(facts, saved, died, ended)), after(*facts))


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_it_may_die_again_and_go_back_still_further(data: st.DataObject) -> None:
    facts = eventful()
    saved = data.draw(st.sampled_from(places(facts)))
    once = resumed(facts, saved, data.draw(st.integers(saved, len(facts))))
    earlier = data.draw(st.sampled_from([p for p in places(facts) if p <= saved]))
    second = resumed(facts, earlier, len(facts))[len(facts) :]
    state = after(*once, *(_moved(fact, once[-1].at) for fact in second))
    same(state, after(*facts))


def long_run(steps: int, line: int = 50) -> list[ev.AnyFact]:
    facts: list[ev.AnyFact] = list(Recording(epochs=1, train_batches=steps).start())
    facts.append(ev.EpochStarted(at=3, epoch=0, phase="train", batches=steps, step=0))
    for first in range(1, steps, line):
        values: list[ev.Number] = [float((first + i) * 7919 % 1009) for i in range(line)]
        facts.append(ev.Scalars(at=3 + first / 100, name="loss", first=first, values=values))
    return facts


def read(path: Path, facts: list[ev.AnyFact]) -> RunState:
    path.write_bytes(b"".join(ev.encode(fact) + b"\n" for fact in facts))
    follower, state = Follower(path), RunState()

    def take(told: list[ev.AnyFact]) -> None:
        for fact in told:
            state.apply(fact)

    follower.follow(take, lambda: False)
    follower.close()
    return state


@settings(deadline=None, max_examples=25)
@given(saved=st.integers(1, 160), died=st.integers(1, 160))
def test_a_journal_that_is_read_later_is_exact_however_coarse_its_buckets_were(
    tmp_path_factory: pytest.TempPathFactory, saved: int, died: int
) -> None:
    facts, start = long_run(8_000), len(list(Recording().start())) + 1
    saved, died = start + min(saved, died), start + max(saved, died)
    step = 50 * (saved - start)
    again: list[ev.AnyFact] = [
        ev.RunResumed(at=900.0, step=step, epoch=0, phase="train", batch=step),
        ev.EpochStarted(at=903.0, epoch=0, phase="train", batches=8_000, step=step),
    ]
    path = tmp_path_factory.mktemp("j") / "events.jsonl"
    end = ev.FitEnded(at=9, reason="failed", step=9)
    state = read(path, [*facts[:died], end, *again, *facts[saved:]])
    same_series(state.series["loss"], after(*facts).series["loss"])
    assert status(state) == "training"


def test_a_line_that_holds_the_step_is_cut(tmp_path: Path) -> None:
    facts = long_run(200)
    state = read(tmp_path / "j", [*facts, ev.RunResumed(at=9, step=75, batch=75)])
    assert state.series["loss"].end == 75
    whole = after(*facts)
    assert state.series["loss"].last[:75].tolist() == whole.series["loss"].last[:75].tolist()


@settings(deadline=None, max_examples=30)
@given(steps=st.integers(1, 12_000), cut=st.integers(0, 12_000))
def test_a_cut_series_holds_only_what_was_measured(steps: int, cut: int) -> None:
    values = np.random.default_rng(steps).normal(size=steps)
    series = Series()
    series.extend(1, values)
    stride = series.stride
    series.drop_after(cut)
    kept = int(series.count.sum())
    assert min(cut, steps) - stride < kept <= min(cut, steps)
    for i in range(series.used):
        first = series.origin + i * series.stride
        if series.at[i] >= 0:
            of = values[first - 1 : int(series.at[i])]
            assert (series.low[i], series.high[i], series.last[i]) == (of.min(), of.max(), of[-1])
            assert series.count[i] == len(of)


def test_the_clock_counts_neither_the_time_between_nor_what_is_done_again() -> None:
    facts = eventful()
    saved = places(facts)[3]
    mine, theirs = after(*resumed(facts, saved, len(facts))), after(*facts)
    spans = [clock.one("time", 70) - clock.one("time", 1) for clock in (mine.clock, theirs.clock)]
    assert spans[0] == pytest.approx(spans[1], abs=0.5)


def test_what_the_screen_says_of_a_resumed_run() -> None:
    facts = eventful()
    state = after(*resumed(facts, places(facts)[3], len(facts))[: len(facts) + 1])
    assert status(state) == "starting"
    assert state.end is None
    assert state.notice == "resumed at step 20"
    assert [(m.step, m.text) for m in state.marks][-1] == (20, "resumed")
    assert [a.text for a in state.alerts if a.topic == "resumed"] == ["the run was resumed at step 20"]
    assert [a.topic for a in state.alerts.open] == ["spike"]
    assert "loading torch" in header(state, 120, PALETTES["miniai-dark"])[1].text
    assert state.run is not None
    assert (state.run.pid, state.run.host) == (77, "other")


def test_the_signal_that_ended_the_process_before_needs_no_attention() -> None:
    facts = eventful()[:60]
    asked = ev.Alerted(at=facts[-1].at, topic="signal", text="SIGINT asked the trainer to stop")
    full = ev.Alerted(at=facts[-1].at, topic="disk", text="the disk is nearly full")
    state = after(*facts, asked, full, ev.RunResumed(at=facts[-1].at, step=2_000, epoch=0, phase="train", batch=9))
    assert "disk" in [alert.topic for alert in state.alerts.open]
    assert "signal" not in [alert.topic for alert in state.alerts.open]
    assert "signal" in [alert.topic for alert in state.alerts]


def test_a_journal_that_is_read_anew_right_after_a_resumption_begins_anew() -> None:
    facts = resumed(eventful(), places(eventful())[3], 60)[:61]
    state = after(*facts, facts[0])
    assert state.step == 0
    assert not state.series


def test_the_log_says_that_the_run_was_resumed() -> None:
    lines = Lines()
    told = lines.render(ev.RunResumed(at=65.0, step=1234, epoch=1, phase="train", batch=5))
    assert told == ["    1:05  resumed at step 1,234: epoch 2, train, after 5 batches"]
    assert lines.render(ev.Saved(at=65.0, step=40, epoch=0, name="step-40", why="request", bytes=2_000_000)) == [
        "    1:05  saved at step 40 (2.0 MB)"
    ]
