"""Speed and remaining time: of the running half alone, of what will really be done, and of nothing told twice."""

from __future__ import annotations

import msgspec
import pytest

from miniai.run import events as ev
from tui.state.progress import Progress

FIT = ev.FitStarted(
    at=0, epochs=3, model="m", parameters=1, device="cpu", batch_size=10, train_batches=10, valid_batches=4, lr=0.1,
    opt="sgd", metrics=[], layers=[],
)  # fmt: skip
"""Three epochs of ten training batches and four of validation."""


def started(epoch: int, phase: ev.Phase) -> ev.EpochStarted:
    return ev.EpochStarted(at=0, epoch=epoch, phase=phase, batches=10 if phase == "train" else 4, step=0)


def reported(epoch: int, phase: ev.Phase, batch: int, each: float) -> ev.Progressed:
    """Batches of ten images that took `each` seconds."""
    return ev.Progressed(
        at=0, epoch=epoch, phase=phase, batch=batch, samples=10 * batch, seconds=each * batch, waited=0, metrics={}
    )


def half_trained(epoch: int = 0) -> Progress:
    """Five of ten batches, a second each; a validation batch was seen to take half a second."""
    progress = Progress()
    progress.fit_started(FIT)
    progress.epoch_started(started(epoch, "valid"))
    progress.progressed(reported(epoch, "valid", 2, 0.5))
    progress.epoch_started(started(epoch, "train"))
    progress.progressed(reported(epoch, "train", 5, 1.0))
    return progress


def test_the_remaining_time_counts_the_validations_that_will_be_done() -> None:
    assert half_trained().eta == 5 + 2 + 2 * (10 + 2)
    off = half_trained()
    off.changed(ev.Changed(at=0, what="valid", old=1, new=0, step=5, epoch=1))
    assert off.eta == 5 + 2 + 2 * 10, "off from the next epoch on: this one's is still to come"
    now = half_trained()
    now.changed(ev.Changed(at=0, what="valid", old=1, new=0, step=5, epoch=0))
    assert now.eta == 5 + 2 * 10


def test_the_speed_is_that_of_the_running_half() -> None:
    progress, rates = half_trained(), list[float | None]()
    rates.append(progress.rate)
    progress.epoch_started(started(0, "valid"))
    rates.append(progress.rate)
    progress.progressed(reported(0, "valid", 2, 0.5))
    rates.append(progress.rate)
    assert rates == [10, None, 20]


def test_a_report_older_than_what_is_known_is_passed_over() -> None:
    progress = half_trained()
    assert not progress.progressed(reported(0, "train", 3, 9.0))
    assert (progress.batch, progress.rate) == (5, 10)


def test_what_was_done_before_a_resume_is_no_part_of_the_speed() -> None:
    """The new process's first report counts from the beginning of the half, which the old one began."""
    progress = half_trained()
    speed = progress.per_batch["train"]
    progress.resumed(ev.RunResumed(at=0, step=4, epoch=0, phase="train", batch=4))
    progress.fit_started(FIT)
    progress.epoch_started(started(0, "train"))
    assert progress.progressed(reported(0, "train", 5, 7.0))
    assert (progress.batch, progress.rate, progress.per_batch["train"]) == (5, None, speed)
    progress.progressed(msgspec.structs.replace(reported(0, "train", 6, 7.0), seconds=36.0))
    assert progress.rate == 10


def test_a_half_that_was_skipped_ends_where_it_was() -> None:
    progress = half_trained()
    end = ev.EpochEnded(
        at=0, epoch=0, phase="train", metrics={}, batches=5, of=10, samples=50, seconds=5, step=5, ended="skipped"
    )
    progress.epoch_ended(end)
    assert (progress.of, progress.share) == (5, 1.0)


def test_a_half_too_short_for_a_report_has_a_speed_and_others_keep_theirs() -> None:
    progress = Progress()
    progress.fit_started(FIT)
    progress.epoch_started(started(0, "train"))
    end = ev.EpochEnded(at=0, epoch=0, phase="train", metrics={}, batches=10, of=10, samples=100, seconds=20, step=10)
    progress.epoch_ended(end)
    assert progress.per_batch["train"] == pytest.approx(2.0)
    known = half_trained()
    known.epoch_ended(end)
    assert known.per_batch["train"] == pytest.approx(1.0), "the median of its reports"
