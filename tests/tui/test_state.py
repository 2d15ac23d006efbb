"""RunState: facts in, what the screen says out."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

from miniai.run import events as ev
from miniai.run.requests import Continue, Kill, Pause, SkipBatch, SkipEpoch, Step, Stop
from tests.tui.recorded import Recording
from tui.state import RunState, Status, summary
from tui.state.progress import VALID_COST


def after(*facts: ev.AnyFact) -> RunState:
    state = RunState()
    for fact in facts:
        state.apply(fact)
    return state


def running(epoch: int = 1, batch: int = 74) -> RunState:
    return after(*Recording().until(epoch, batch))


def status(state: RunState) -> Status:
    """The status as a call: a type checker would hold on to the property's last value."""
    return state.status


def test_the_status_follows_the_trainer() -> None:
    recording, state = Recording(epochs=1), RunState()
    seen: list[Status] = [state.status]
    for fact in recording.whole():
        state.apply(fact)
        if state.status != seen[-1]:
            seen.append(state.status)
    assert seen == ["starting", "loading data", "starting", "first batch", "training", "validating", "done"]


def test_first_batch_is_said_until_it_is_done() -> None:
    state = after(*Recording().start())
    assert status(state) == "first batch"
    state.apply(ev.EpochStarted(at=3, epoch=0, phase="train", batches=118, step=0))
    assert status(state) == "first batch"
    state.apply(ev.Scalars(at=4, name="loss", first=1, values=[2.3]))
    assert status(state) == "training"


@pytest.mark.parametrize(
    ("request_", "words", "answer"),
    [
        (Pause(id="x"), "pausing …", ev.Paused(at=9, epoch=1, phase="train", batch=75, step=193, request="x")),
        (Continue(id="x"), "going on …", ev.Continued(at=9, paused=2.0, request="x")),
        (Step(id="x"), "one batch", ev.Paused(at=9, epoch=1, phase="train", batch=75, step=193, request="x")),
        (SkipBatch(id="x"), "skip batch", ev.BatchSkipped(at=9, epoch=1, phase="train", batch=74, request="x")),
        (SkipEpoch(id="x"), "skip epoch", ev.EpochSkipped(at=9, epoch=1, phase="train", at_batch=74, request="x")),
        (Stop(id="x"), "stopping after this batch", ev.Refused(at=9, request="x", why="no")),
        (Stop(id="x", when="epoch"), "stopping after this epoch", ev.FitEnded(at=9, reason="stopped", step=1)),
        (Kill(id="x"), "killing", ev.FitEnded(at=9, reason="stopped", step=1)),
    ],
)
def test_only_an_answer_clears_what_was_asked(request_: Pause, words: str, answer: ev.AnyFact) -> None:
    state = running()
    state.ask(request_)
    assert words in state.asked.text
    state.apply(ev.Refused(at=8, request="another", why="of another viewer"))
    state.apply(ev.Scalars(at=8, name="loss", first=193, values=[0.4]))
    assert words in state.asked.text
    state.apply(answer)
    assert state.asked.text == ""


def test_paused_is_said_only_after_the_fact() -> None:
    state = running()
    state.ask(Pause(id="x"))
    assert status(state) == "training"
    state.apply(ev.Paused(at=9, epoch=1, phase="train", batch=74, step=192, request="x"))
    assert status(state) == "paused"
    assert [m.kind for m in state.marks] == ["pause"]
    state.apply(ev.Continued(at=20, paused=11.0))
    assert status(state) == "training"


def test_a_stop_shows_as_stopping_also_if_another_viewer_asked() -> None:
    state = running()
    state.ask(Stop(id="x"))
    assert status(state) == "stopping"
    state = running()
    state.apply(ev.StopPlanned(at=9, when="epoch", epoch=1, request="y"))
    assert status(state) == "stopping"
    assert "after epoch 2" in state.notice
    state = running()
    state.apply(ev.StopPlanned(at=9, when="batch", epoch=1, request="y"))
    assert status(state) == "stopping"
    assert "after this batch" in state.notice


@pytest.mark.parametrize("ended", ["skipped", "stopped", "failed"])
def test_a_validation_that_was_cut_short_is_no_point(ended: Literal["skipped", "stopped", "failed"]) -> None:
    state = after(*Recording(epochs=1).whole())
    state.apply(
        ev.EpochEnded(
            at=99, epoch=1, phase="valid", metrics={"loss": 0.1}, batches=3, of=10, samples=1, seconds=1.0, step=200,
            ended=ended,
        )
    )  # fmt: skip
    assert state.series["valid_loss"].end == 118


def test_asked_requests_are_bounded() -> None:
    state = running()
    for i in range(1_000):
        state.ask(SkipBatch(id=str(i)))
    assert len(state.asked) <= 100


def test_metric_rows_say_what_was_left_out() -> None:
    state = running(0, 37)
    state.apply(ev.BatchSkipped(at=9, epoch=0, phase="train", batch=37))
    row = state.rows.get(0, "train")
    assert row is not None
    assert row.note == "1 batch skipped"
    ended = ev.EpochEnded(
        at=9, epoch=0, phase="train", metrics={"loss": 0.1}, batches=37, of=118, samples=1, seconds=1.0, step=37,
        ended="skipped",
    )  # fmt: skip
    state.apply(ended)
    assert row.note == "skipped at 37/118"
    assert state.rows.best == {}


def test_best_values_come_from_complete_halves_and_ignore_nan() -> None:
    state = RunState()
    values: list[tuple[ev.Number, float]] = [(0.9, 0.5), (0.3, 0.8), ("nan", 0.1), (0.4, 0.7)]
    for epoch, (loss, accuracy) in enumerate(values):
        state.apply(
            ev.EpochEnded(
                at=1, epoch=epoch, phase="valid", metrics={"loss": loss, "accuracy": accuracy}, batches=1, of=1,
                samples=1, seconds=1.0, step=epoch + 1,
            )
        )  # fmt: skip
    assert {k[0]: (b.value, b.epoch) for k, b in state.rows.best.items()} == {"loss": (0.3, 1), "accuracy": (0.8, 1)}


def test_validation_points_sit_at_the_step_where_they_were_measured() -> None:
    state = after(*Recording(epochs=3).whole())
    valid = state.series["valid_loss"]
    assert valid.at[valid.at >= 0].tolist() == [118, 236, 354]
    state.apply(ev.Scalars(at=99, name="valid_loss", first=354, values=[9.0]))
    assert valid.last[valid.used - 1] != 9.0


def test_speed_and_rest_of_the_whole_fit() -> None:
    state = running(0, 59)
    p = state.progress
    assert p.rate == pytest.approx(512 / 0.041)
    assert p.wait_share == pytest.approx(0.02)
    per_epoch = 118 * 0.041 + 10 * 0.041 * VALID_COST
    assert p.eta == pytest.approx(59 * 0.041 + 10 * 0.041 * VALID_COST + 4 * per_epoch)
    state = running(1, 59)
    assert state.progress.eta == pytest.approx(59 * 0.041 + 10 * 0.04 + 3 * (118 * 0.041 + 10 * 0.04))


def test_one_slow_report_moves_neither_speed_nor_rest() -> None:
    state = running(0, 80)
    p = state.progress
    rate = p.rate
    state.apply(
        ev.Progressed(
            at=99, epoch=0, phase="train", batch=81, samples=81 * 512, seconds=p.seconds + 30, waited=0.1, metrics={}
        )
    )
    assert state.progress.rate == pytest.approx(rate)


def test_a_mark_for_a_step_of_the_learning_rate_and_none_for_a_schedule() -> None:
    state = RunState()
    stepped: list[ev.Number] = [*[0.2] * 30, *[0.1] * 5]
    state.apply(ev.Scalars(at=1, name="lr", first=1, values=stepped))
    assert [(m.step, m.text) for m in state.marks] == [(31, "lr x0.5")]
    state = RunState()
    state.apply(ev.Scalars(at=1, name="lr", first=1, values=[0.2 - i / 1e3 for i in range(100)]))
    assert not state.marks


def test_resuming_drops_what_came_later() -> None:
    state = after(*Recording().until(2, 40))
    state.apply(ev.RunResumed(at=50, step=118))
    assert state.series["loss"].end == 118
    assert state.step == 118
    assert [(r.epoch, r.phase) for r in state.rows] == [(0, "train"), (0, "valid")]
    assert state.layers is not None
    assert state.layers.end <= 118


def test_text_from_outside_is_harmless() -> None:
    state = RunState()
    state.apply(ev.Alerted(at=1, topic="x", text="a\x1b[31mb\x07\u202ec"))
    state.trainer_gone("dead\x1b]0;title\x07", ["line\r\x1b[2J"])
    assert state.alerts[0].text == "a[31mbc"
    assert state.gone == ("dead]0;title", ["line [2J"])


def test_a_gone_trainer_is_a_failed_run() -> None:
    state = running()
    state.trainer_gone("killed by signal 9", [])
    assert status(state) == "failed"
    finished = after(*Recording(epochs=1).whole())
    finished.trainer_gone("exit code 0", [])
    assert finished.status == "done"


def test_the_same_facts_give_the_same_state_and_revisions() -> None:
    one, two = (after(*Recording(epochs=2).whole()) for _ in (0, 1))
    assert summary(one, Path("runs/x")) == summary(two, Path("runs/x"))
    assert one.revision("loss", "metrics") == two.revision("loss", "metrics")


@pytest.mark.parametrize("seed", range(8))
def test_facts_in_any_order_doubled_and_missing_never_raise(seed: int) -> None:
    facts = [*Recording(epochs=2, nan_at=60).whole(), ev.RunResumed(at=1, step=30)]
    facts += [
        ev.Paused(at=1, epoch=5, phase="valid", batch=9, step=1), ev.Continued(at=1, paused=0.0),
        ev.EpochSkipped(at=1, epoch=9, phase="train", at_batch=1),
        ev.BatchSkipped(at=1, epoch=9, phase="valid", batch=0),
        ev.Scalars(at=1, name="loss", first=0, values=[]), ev.Scalars(at=1, name="x", first=-5, values=[1.0], stride=0),
        ev.LayersMeasured(at=1, step=3, means=[1.0], stds=[], near_zero=[], nonfinite=[]),
    ]  # fmt: skip
    chance = random.Random(seed)
    mixed = chance.sample(facts * 2, len(facts))
    state = after(*mixed)
    assert summary(state, Path("runs/x"))


def test_a_repeated_journal_changes_no_series() -> None:
    facts = list(Recording(epochs=1).whole())
    once, twice = after(*facts), after(*facts, *facts)
    assert once.series["loss"].count.sum() == twice.series["loss"].count.sum()
    assert len(twice.rows) == len(once.rows)


def test_many_series_and_rows_stay_bounded() -> None:
    state = RunState()
    for i in range(100):
        state.apply(ev.Scalars(at=1, name=f"s{i}", first=1, values=[1.0]))
    assert len(state.series) <= 24
    for epoch in range(5_000):
        state.apply(ev.EpochStarted(at=1, epoch=epoch, phase="train", batches=1, step=epoch))
    assert len(state.rows) <= 4_000


def test_the_summary_is_plain_and_says_what_matters() -> None:
    text = summary(after(*Recording(epochs=2).whole()), Path("runs/x"))
    assert text.splitlines()[0] == "fashion, conv: done"
    for word in ("2 of 2 epochs", "236 steps", "best valid accuracy", "run directory: runs/x"):
        assert word in text
    assert "miniai-tui attach runs/x" in text
    assert "\x1b" not in text
    assert "left running" in summary(running(), Path("runs/x"), "left running")
    failed = after(*Recording().until(0, 8), ev.FitEnded(at=9, reason="failed", step=8, error="boom"))
    assert "failed: boom" in summary(failed, Path("runs/x"))


def test_the_state_imports_no_torch_no_textual_and_no_numpy() -> None:
    code = "import sys, tui.state; print([m for m in ('torch', 'textual', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
