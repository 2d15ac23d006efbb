"""Skips: of a batch and of a half epoch, at the next batch and nowhere else."""

from __future__ import annotations

from miniai.run import events as ev
from miniai.run.requests import AnyRequest, Continue, Pause, SkipBatch, SkipEpoch
from tests.miniai.controlled import VALID, WHOLE, fit, of, rows


def test_skip_batch_skips_the_next_batch_only() -> None:
    facts, asks, _ = fit({("after_loss", 0, "train", 1): [SkipBatch(id="b", epoch=0, phase="train")]})
    assert of(facts, ev.BatchSkipped) == [ev.BatchSkipped(at=0, epoch=0, phase="train", batch=2, request="b")]
    assert [s for s in asks.seen if s[:2] == (0, "train")] == [(0, "train", i) for i in (0, 1, 3, 4)]
    assert rows(facts)[0] == (0, "train", 4, "complete")


def test_skip_epoch_in_training_leads_on_to_validation() -> None:
    facts, asks, _ = fit({("after_loss", 0, "train", 1): [SkipEpoch(id="e", epoch=0, phase="train")]})
    assert of(facts, ev.EpochSkipped) == [ev.EpochSkipped(at=0, epoch=0, phase="train", at_batch=2, request="e")]
    assert rows(facts)[:2] == [(0, "train", 2, "skipped"), (0, "valid", VALID, "complete")]
    assert (0, "train", 2) not in asks.seen


def test_skip_epoch_in_validation_leads_on_to_the_next_epoch() -> None:
    facts, _, _ = fit({("after_loss", 0, "valid", 0): [SkipEpoch(id="e", epoch=0, phase="valid")]})
    assert rows(facts) == [WHOLE[0], (0, "valid", 1, "skipped"), *WHOLE[2:]]


def test_the_losses_before_a_skip_are_reported_before_it() -> None:
    facts, _, _ = fit({("after_loss", 0, "train", 2): [SkipEpoch(id="e", epoch=0, phase="train")]})
    before = facts[: facts.index(of(facts, ev.EpochSkipped)[0])]
    assert sum(len(f.values) for f in of(before, ev.Scalars) if f.name == "loss") == 3


def test_skips_act_at_once_in_a_pause_and_the_run_stays_paused() -> None:
    script: list[AnyRequest] = [
        SkipBatch(id="b", epoch=0, phase="train"),
        SkipEpoch(id="e", epoch=0, phase="train"),
        SkipEpoch(id="v", epoch=0, phase="valid"),
        Continue(id="c"),
    ]
    facts, asks, _ = fit({("after_loss", 0, "train", 0): [Pause(id="p")]}, script)
    kinds = (ev.Paused, ev.BatchSkipped, ev.EpochSkipped, ev.Continued)
    assert [type(f).__name__ for f in of(facts, *kinds)] == [
        "Paused", "BatchSkipped", "Paused", "EpochSkipped", "Paused", "EpochSkipped", "Paused", "Continued",
    ]  # fmt: skip
    assert [s for s in asks.seen if s[0] == 0] == [(0, "train", 0)]
    assert rows(facts)[:2] == [(0, "train", 1, "skipped"), (0, "valid", 0, "skipped")]
