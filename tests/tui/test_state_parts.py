"""Parts of the state by themselves: what each keeps, what it passes over, and what a resumed run takes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from miniai.run import events as ev
from miniai.run.requests import Pause, Step
from tests.tui.recorded import Recording
from tests.tui.test_state import after
from tui.panes.loss_view import choices
from tui.state import rows as module
from tui.state.alerts import Alerts
from tui.state.confusion import Confusion, Worst
from tui.state.curves import EpochCurves
from tui.state.marks import STILL, Marks
from tui.state.rate import Rate
from tui.state.rows import Rows
from tui.state.saves import Saves
from tui.state.seen import Seen
from tui.state.summary import summary
from tui.state.system import System


def ended(epoch: int, loss: float, **fields: Any) -> ev.EpochEnded:
    given = {"at": epoch, "phase": "valid", "batches": 4, "of": 4, "samples": 40, "seconds": 1, "step": 10 * epoch}
    return ev.EpochEnded(**{**given, "epoch": epoch, "metrics": {"loss": loss}, **fields})


def resumed(step: int, at: float = 50.0, **fields: Any) -> ev.RunResumed:
    return ev.RunResumed(at=at, step=step, **{"epoch": step // 10, "phase": "train", **fields})


# -- rows --------------------------------------------------------------------------------------------------------------


def test_the_best_value_outlives_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LIMIT", 3)
    rows = Rows()
    for epoch, loss in enumerate([0.5, 0.1, 0.4, 0.3, 0.2, 0.6]):
        rows.started(ev.EpochStarted(at=epoch, epoch=epoch, phase="valid", batches=4, step=10 * epoch))
        rows.ended(ended(epoch, loss))
    rows.resumed(resumed(51))  # looks for the best anew
    assert len(rows) <= 3
    best = rows.best[("loss", "valid")]
    assert (best.value, best.epoch) == (0.1, 1)
    rows.resumed(resumed(5, batch=5))  # and before that epoch
    assert rows.best == {}


def test_all_of_many_metrics_are_there_and_none_twice() -> None:
    names = [f"m{i}" for i in range(30)]
    start = next(fact for fact in Recording().start() if isinstance(fact, ev.FitStarted))
    again = msgspec.structs.replace(start, metrics=[*names, "m3\x07", "loss"])  # a bell is no part of a name
    state = after(again, ended(0, 1.0, metrics={"loss": 1.0, **dict.fromkeys(names, 0.5)}))
    assert state.rows.names == ["loss", *names]
    assert [choice.name for choice in choices(state)][: 1 + len(names)] == state.rows.names
    for epoch in range(1, 4):
        state.apply(ended(epoch, 1.0, metrics={f"late {i}": 1.0 for i in range(100)}))
        assert len(state.rows.names) == module.COLUMNS


def test_a_late_report_changes_no_row_that_is_over() -> None:
    rows = Rows()
    row = rows.ended(ended(0, 0.5))
    rows.progressed(
        ev.Progressed(at=9, epoch=0, phase="valid", batch=2, samples=20, seconds=0.5, waited=0, metrics={"loss": 9.0})
    )
    assert (row.metrics, row.batches, row.samples) == ({"loss": 0.5}, 4, 40)


def test_batches_skipped_after_the_checkpoint_are_not_skipped() -> None:
    rows = Rows()
    rows.started(ev.EpochStarted(at=0, epoch=0, phase="train", batches=9, step=0))
    for batch in (2, 6):
        rows.batch_skipped(0, "train", batch)
    rows.resumed(ev.RunResumed(at=9, step=4, epoch=0, phase="train", batch=5))
    row = rows.get(0, "train")
    assert row is not None
    assert row.skips == [2]


def test_a_half_that_begins_anew_is_the_best_no_more() -> None:
    rows = Rows()
    rows.ended(ended(0, 0.5))
    rows.ended(ended(1, 0.1))
    rows.started(ev.EpochStarted(at=9, epoch=1, phase="valid", batches=4, step=10))
    assert rows.best[("loss", "valid")].value == 0.5


# -- marks -------------------------------------------------------------------------------------------------------------


def kinds(marks: Marks) -> list[tuple[int, str]]:
    return [(mark.step, mark.kind) for mark in marks]


def test_a_pause_is_marked_once_however_often_it_is_told() -> None:
    marks = Marks()
    for batch in (3, 4):  # a step in the pause says anew where the run stands
        marks.apply(ev.Paused(at=1, epoch=0, phase="train", batch=batch, step=batch))
    marks.apply(ev.Continued(at=2, paused=1))
    marks.apply(ev.Paused(at=3, epoch=0, phase="train", batch=7, step=7))
    assert kinds(marks) == [(3, "pause"), (7, "pause")]


def test_a_skip_is_marked_at_the_newest_step() -> None:
    marks = Marks()
    marks.apply(ev.Scalars(at=1, name="loss", first=1, values=[1.0] * 8))
    marks.apply(ev.BatchSkipped(at=1, epoch=0, phase="train", batch=8))
    assert kinds(marks) == [(8, "skip")]


def test_a_rate_that_goes_on_from_a_checkpoint_is_no_jump() -> None:
    marks = Marks()
    marks.apply(ev.Scalars(at=1, name="lr", first=1, values=[0.1] * (STILL + 5)))
    marks.apply(resumed(8))
    marks.apply(ev.Scalars(at=2, name="lr", first=9, values=[0.2] * 5))
    assert kinds(marks) == [(8, "resume")]


def test_only_checkpoints_that_were_asked_for_are_marked() -> None:
    marks = Marks()
    for why in ("epoch", "time", "best", "request"):
        marks.apply(ev.Saved(at=1, step=5, epoch=0, name=f"step-{why}", why=why, bytes=1, seconds=0.1))
    assert kinds(marks) == [(5, "save")]


# -- alerts ------------------------------------------------------------------------------------------------------------


def test_what_was_said_of_steps_that_are_done_again_may_be_said_again() -> None:
    alerts = Alerts()
    early, late = (ev.Alerted(at=s, topic="spike", text=f"a spike at step {s}", step=s) for s in (4, 9))
    for alert in (early, late, early):
        alerts.apply(alert)
    assert [alert.step for alert in alerts] == [4, 9]
    alerts.apply(resumed(5))
    assert [alert.step for alert in alerts if alert.topic == "spike"] == [4]
    alerts.apply(late)
    alerts.apply(early)
    assert [alert.step for alert in alerts if alert.topic == "spike"] == [4, 9]


# -- checkpoints, what was seen ----------------------------------------------------------------------------------------


def saved(step: int, at: float, **fields: Any) -> ev.Saved:
    given = {"epoch": 0, "name": f"step-{step}", "why": "epoch", "bytes": 9, "seconds": 0.1}
    return ev.Saved(**{**given, "at": at, "step": step, **fields})


def begun(wall: float) -> ev.RunStarted:
    return ev.RunStarted(
        at=0, schema=1, run="r", wall=wall, dataset="d", model="m", epochs=1, pid=1, host="h"
    )  # fmt: skip


def test_the_age_of_a_checkpoint_is_counted_on_its_own_process_clock() -> None:
    saves = Saves()
    saves.apply(begun(1000.0))
    saves.apply(saved(5, 20.0))
    saves.apply(saved(5, 21.0, why="best", bytes=0, name="best-5"))  # the same one under another name
    assert (saves.last and saves.last.name, saves.wall) == ("step-5", 1020.0)
    saves.apply(saved(9, 30.0))
    saves.apply(resumed(5, at=40.0, wall=9040.0))  # a night later
    saves.apply(begun(9041.0))
    assert (saves.last and saves.last.step, saves.wall) == (5, 1020.0)
    saves.apply(saved(7, 50.0))
    assert saves.wall == 9050.0


def test_a_step_says_in_which_pause_it_was_asked_for() -> None:
    seen = Seen()
    seen.apply(ev.Paused(at=7.5, epoch=0, phase="train", batch=1, step=1))
    assert seen.of(Step) == {"stood": 7.5}
    assert seen.of(Step, waiting=True) == {"stood": None}
    assert seen.of(Pause) == {}
    seen.apply(resumed(1))
    assert seen.of(Step) == {"stood": 0.0}


def test_confusion_and_pictures_of_later_steps_are_void() -> None:
    recording, confusion, worst = Recording(), Confusion(), Worst()
    for step in (10, 20):
        recording.step = step
        confusion.apply(recording.confused(step // 10))
        for kind, phase in (("worst", "valid"), ("batch", "train")):
            worst.apply(ev.PreviewSaved(at=step, step=step, phase=phase, file="f", count=1, kind=kind))  # type: ignore[arg-type]
    assert confusion.fact is not None
    assert confusion.fact.step == 20
    confusion.apply(resumed(15))
    worst.apply(resumed(15))
    assert confusion.fact.step == 10
    assert (worst.fact, worst.trained) == (None, None)


def test_counts_that_do_not_go_together_are_passed_over() -> None:
    confusion, fact = Confusion(), Recording().confused(0)
    assert confusion.apply(fact)
    for field, value in (("counts", [1, 2]), ("totals", [1]), ("pairs", [(0, fact.classes, 1)])):
        assert not confusion.apply(msgspec.structs.replace(fact, **{field: value}))
    assert confusion.fact == fact


def test_a_process_that_goes_on_does_not_put_the_first_rate_back() -> None:
    rate, began = Rate(), next(f for f in Recording().start() if isinstance(f, ev.FitStarted))
    rate.apply(began)
    rate.apply(ev.Changed(at=2, what="lr", old=began.lr, new=began.lr / 8, step=5, epoch=0))
    rate.apply(resumed(5))
    rate.apply(began)
    assert rate.now == began.lr / 8
    rate.apply(began)  # a run of its own in the same journal's place
    assert rate.now == began.lr


def test_a_half_that_was_cut_short_is_no_point_of_a_curve() -> None:
    curves = EpochCurves()
    for epoch, how in enumerate(["complete", "skipped", "stopped", "failed", "complete"]):
        curves.apply(ended(epoch, 0.5, ended=how, metrics={"loss": 0.5, "accuracy": 0.1 * epoch}))
    assert curves.series["accuracy", "valid"].count.sum() == 2


def test_the_wait_for_data_is_counted_over_the_edges_of_halves() -> None:
    """Each half counts its own seconds from zero."""
    system = System()
    for seconds, waited in ((4.0, 2.0), (8.0, 4.0), (2.0, 1.0), (4.0, 2.0)):
        system.apply(
            ev.Progressed(at=1, epoch=0, phase="train", batch=1, samples=1, seconds=seconds, waited=waited, metrics={})
        )
        system.apply(ev.SystemSampled(at=1))
    assert system.waiting == 0.5
    assert list(system.history["wait"]) == [0.5] * 4


# -- the whole ---------------------------------------------------------------------------------------------------------


def test_a_pause_told_after_the_end_pauses_nothing() -> None:
    state = after(*Recording(epochs=1).whole(), ev.Paused(at=99, epoch=0, phase="train", batch=1, step=1))
    assert not state.paused
    assert state.status == "done"


def test_a_trainer_that_is_gone_after_the_end_has_not_failed() -> None:
    state = after(*Recording(epochs=1).whole())
    state.trainer_gone("process 7 is gone", [])
    assert state.status == "done"


def test_what_is_asked_is_closed_by_the_end() -> None:
    state = after(*Recording(epochs=1).until(0, 20))
    state.ask(Pause(id="p"))
    assert len(state.asked) == 1
    state.apply(ev.FitEnded(at=99, reason="stopped", step=20))
    assert len(state.asked) == 0


def test_the_process_that_goes_on_is_the_trainer() -> None:
    state = after(*Recording(epochs=2).until(1, 20), resumed(118, pid=77, host="other", epoch=1))
    assert state.run is not None
    assert (state.run.pid, state.run.host) == (77, "other")


def test_a_preview_of_steps_that_are_done_again_is_void() -> None:
    state = after(*Recording(epochs=2).until(1, 20))
    preview = ev.PreviewSaved(at=9, step=120, phase="train", file="f", count=1)
    state.apply(preview)
    state.apply(resumed(125, epoch=1, batch=7))
    assert state.preview == preview
    state.apply(resumed(118, epoch=1))
    assert state.preview is None


def test_the_summary_counts_complete_epochs_only(tmp_path: Path) -> None:
    state = after(*Recording(epochs=3).until(1, 20), ev.FitEnded(at=99, reason="stopped", step=138))
    assert "  1 of 3 epochs complete, 138 steps" in summary(state, tmp_path)


def test_only_a_run_that_is_over_is_to_be_resumed(tmp_path: Path) -> None:
    state = after(*Recording(epochs=3).until(1, 20), saved(118, 50.0))
    offer = "go on from the checkpoint at step 118"
    assert [offer in summary(state, tmp_path, parting) for parting in ("left running", "killed")] == [False, True]
    state.apply(ev.FitEnded(at=99, reason="stopped", step=138))
    assert offer in summary(state, tmp_path)
