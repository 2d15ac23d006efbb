"""A run that was stopped and resumed ends as one that never was: weights, optimizer, rows and series, bit for bit."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader, TensorDataset

from miniai import optim
from miniai.callbacks.base import Callback
from miniai.datasets import DataLoaders
from miniai.run import checkpoint
from miniai.run import events as ev
from miniai.run.requests import (
    AnyRequest,
    Pause,
    Save,
    SetEpochs,
    SetLearningRate,
    SetValidation,
    SkipBatch,
    SkipEpoch,
    Stop,
)
from miniai.scratch import SGD, image_loader
from miniai.sgd import EpochSchedCB, RecorderCB
from tests.miniai.resumed import EPOCHS, PLACES, TRAIN, VALID, Kills, Place, Run, images, journal, known, stopped_at

EXAMPLES = int(os.environ.get("MINIAI_EXAMPLES", "12"))
"""`make soak` asks for more."""


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    """What a run that was never stopped, and never saved, ends with."""
    return known([Run(None).fit()])


@settings(max_examples=EXAMPLES, deadline=None)
@given(places=st.lists(st.sampled_from(PLACES), min_size=1, max_size=3, unique=True))
def test_wherever_it_is_stopped(whole: dict[str, Any], places: list[Place]) -> None:
    with TemporaryDirectory() as folder:
        assert known(stopped_at(Path(folder) / "checkpoints", *sorted(places, key=lambda p: p.when))) == whole


@pytest.mark.parametrize("place", PLACES[::5], ids=lambda place: "-".join(map(str, place)))
def test_at_some_place_of_each_kind(whole: dict[str, Any], tmp_path: Path, place: Place) -> None:
    assert known(stopped_at(tmp_path / "checkpoints", place)) == whole


def test_the_comparison_sees_another_seed(whole: dict[str, Any]) -> None:
    run = Run(None)
    torch.manual_seed(8)
    other = known([run.fit()])
    assert all(other[name] != whole[name] for name in ("weights", "optimizer", "rows", "series"))


MIDDLE = [Place(0, "train", 1), Place(1, "valid", 0, "before_batch"), Place(2, "train", 3)]


@pytest.mark.parametrize(
    "opt_func",
    [
        optim.Adam, optim.Momentum, optim.RMSProp, optim.SGD, torch.optim.AdamW, torch.optim.RMSprop,
        partial(torch.optim.SGD, momentum=0.9, nesterov=True), partial(torch.optim.Adam, amsgrad=True),
    ],
    ids=lambda f: f"{getattr(f, 'func', f).__module__}.{getattr(f, 'func', f).__name__}",
)  # fmt: skip
def test_every_optimizer(tmp_path: Path, opt_func: Any) -> None:
    how = {"opt_func": opt_func, "sched": False}
    assert known(stopped_at(tmp_path / "checkpoints", *MIDDLE, **how)) == known([Run(None, **how).fit()])


def test_the_optimizer_written_by_hand(tmp_path: Path) -> None:
    how: dict[str, Any] = {"opt_func": SGD, "sched": False}
    assert known(stopped_at(tmp_path / "checkpoints", *MIDDLE, **how)) == known([Run(None, **how).fit()])


def torch_loaders(own: bool) -> DataLoaders:
    """torch's own, which take each image by itself; the training order is drawn by a generator of theirs, or not."""
    generator = torch.Generator().manual_seed(3) if own else None
    loaders = []
    for seed, count, bs, shuffle in ((1, TRAIN * 5 - 2, 5, True), (2, VALID * 8 - 3, 8, False)):
        x, y = images(count, seed)
        data = TensorDataset(x.float() / 255, y)
        loaders.append(DataLoader(data, bs, shuffle=shuffle, generator=generator if shuffle else None))
    return DataLoaders(*loaders)


def scratch_loaders() -> DataLoaders:
    return DataLoaders(image_loader(*images(18, 1), 5, shuffle=True), image_loader(*images(13, 2), 8))


@pytest.mark.parametrize(
    "make", [partial(torch_loaders, False), partial(torch_loaders, True), scratch_loaders], ids=["torch", "own", "hand"]
)
def test_every_loader(tmp_path: Path, make: Callable[[], DataLoaders]) -> None:
    runs = [Run(tmp_path / "checkpoints", {place: Stop(id="s")}, dls=make()).fit() for place in MIDDLE]
    runs.append(Run(tmp_path / "checkpoints", dls=make()).fit())
    assert known(runs) == known([Run(None, dls=make()).fit()])


def test_a_schedule_that_steps_with_the_epochs(tmp_path: Path) -> None:
    def more() -> list[Callback]:
        return [EpochSchedCB(partial(torch.optim.lr_scheduler.StepLR, step_size=1, gamma=0.5))]

    whole = known([Run(None, sched=False, more=more()).fit()])
    for place in (Place(0, "train", TRAIN - 1), Place(0, "valid", VALID - 1), Place(1, "train", 2)):
        folder = tmp_path / f"{place.phase}{place.batch}"
        stopped = Run(folder, {place: Stop(id="s")}, sched=False, more=more()).fit()
        assert known([stopped, Run(folder, sched=False, more=more()).fit()]) == whole


def test_killed_between_two_checkpoints(whole: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    runs = [Run(folder, {Place(0, "train", 2): Save(id="w")}, more=[Kills(6)]).killed()]
    runs.append(Run(folder, every=1, more=[Kills(7)]).killed())
    runs.append(Run(folder).fit())
    assert [run.of(ev.RunResumed)[0].step for run in runs[1:]] == [3, 4]
    assert known(runs) == whole


def test_what_users_changed_stays(tmp_path: Path) -> None:
    plan: dict[Place, AnyRequest] = {
        Place(0, "train", 1): SetLearningRate(id="L", factor=0.5),
        Place(0, "train", 2): SetEpochs(id="E", epochs=4),
        Place(0, "train", 3): SetValidation(id="v", on=False),
        Place(1, "train", 0, "before_batch"): SkipBatch(id="b"),
        Place(2, "train", 2): SkipEpoch(id="e"),
    }
    whole = known([Run(None, plan).fit()])
    for place in (Place(0, "train", 3, "before_batch"), Place(1, "train", 2), Place(3, "train", 1)):
        folder = tmp_path / f"{place.epoch}{place.batch}"
        first = Run(folder, {**plan, place: Stop(id="s")}).fit()
        left = {at: request for at, request in plan.items() if at.when > place.when}
        assert known([first, Run(folder, left).fit()]) == whole


def test_recorded_lists_go_on(tmp_path: Path) -> None:
    folder, lists = tmp_path / "checkpoints", []
    for place in [Place(1, "train", 1), None]:
        recorder = RecorderCB(rate=lambda cb: cb.pg["lr"])
        Run(folder, {place: Stop(id="s")} if place else {}, more=[recorder]).fit()
        lists.append(recorder.recs["rate"])
    assert len(lists[1]) == EPOCHS * TRAIN
    assert lists[1][: len(lists[0])] == lists[0]


def test_more_epochs_than_the_schedule(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    Run(folder, every=1).fit()
    run = Run(folder, until=EPOCHS + 1).fit()
    changed = run.of(ev.Changed)[0]
    assert (changed.what, changed.old, changed.new) == ("epochs", EPOCHS, EPOCHS + 1)
    assert changed.note == "the schedule ends after epoch 3 and holds its last rate"
    assert run.learn.steps == (EPOCHS + 1) * TRAIN
    assert [(f.epoch, f.phase) for f in run.of(ev.EpochEnded)] == [(3, "train"), (3, "valid")]


def test_a_second_fit_begins_anew(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    Run(folder, {Place(1, "train", 1): Stop(id="s")}).fit()
    run = Run(folder).fit()
    steps = run.learn.steps
    run.learn.fit(1)
    assert run.learn.steps == steps + TRAIN


def test_saved_while_paused(whole: dict[str, Any], tmp_path: Path) -> None:
    """The pause goes on after it; what was saved is behind the batch and not in it."""
    for hook in ("after_loss", "before_batch"):
        folder, place = tmp_path / hook, Place(1, "train", 2, hook)
        first = Run(folder, {place: Pause(id="p")})
        asked: Iterator[AnyRequest] = iter([Save(id="w"), Stop(id="s")])
        first.cb.control.wait = asked.__next__  # type: ignore[method-assign]
        first.fit()
        paused = first.of(ev.Paused)
        assert [fact.request for fact in paused] == ["p"]
        assert [(fact.why, fact.request) for fact in first.of(ev.Saved)] == [("request", "w"), ("stop", "")]
        checkpoint.remove(folder, checkpoint.names(folder)[-1])
        assert known([first, Run(folder).fit()]) == whole


def test_no_row_and_no_point_is_lost_in_the_journal(whole: dict[str, Any], tmp_path: Path) -> None:
    rows, series = journal(stopped_at(tmp_path / "checkpoints", Place(2, "valid", VALID - 1)))
    assert list(rows) == list(whole["rows"])
    assert sorted(series["loss"]) == list(range(1, EPOCHS * TRAIN + 1))
