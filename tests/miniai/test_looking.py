"""Trial passes leave no trace: nothing recorded is lost, nothing drawn is missed, no attribute is another one."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.optim.lr_scheduler import OneCycleLR

from miniai.activations import ActivationStats
from miniai.callbacks.transform import BatchTransformCB
from miniai.errors import LearnerError
from miniai.learner import Callback, DeviceCB, FuncCB, Learner, LRFinderCB, MetricsCB, TrainCB
from miniai.loader import MemoryLoader
from miniai.looking import capture_preds, lr_find, trial
from miniai.sgd import BatchSchedCB, RecorderCB
from miniai.tta import tta

Make = Callable[..., Learner]
TRIALS: dict[str, Callable[..., object]] = {"capture_preds": capture_preds, "tta": tta, "lr_find": lr_find}
every_trial = pytest.mark.parametrize("name", TRIALS)


def draw(batch: Any) -> Any:
    """A random transform, from all three generators."""
    x, y = batch
    return x + 0.01 * torch.rand_like(x) + np.random.rand() + random.random(), y


def noisy(make_learner: Make, *cbs: Callback) -> Learner:
    """A Learner that draws random numbers in training and in validation."""
    x, y = torch.rand(12, 1, 4, 4), torch.arange(12) % 3
    learn = make_learner([BatchTransformCB(draw), *cbs])
    learn.dls.train, learn.dls.valid = MemoryLoader(x, y, 4, shuffle=True), MemoryLoader(x, y, 6)
    learn.model.append(nn.Dropout(0.2))  # type: ignore[operator]
    return learn


@every_trial
def test_training_goes_on_as_if_there_had_been_none(make_learner: Make, name: str) -> None:
    weights: list[list[Tensor]] = []
    for look in (False, True):
        torch.manual_seed(3)
        np.random.seed(3)
        random.seed(3)
        learn = noisy(make_learner)
        learn.fit(1)
        if look:
            TRIALS[name](learn)
        learn.fit(1)
        weights.append([p.detach() for p in learn.model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*weights, strict=True))


@every_trial
@pytest.mark.parametrize("fails", [False, True])
def test_the_learner_is_as_before(make_learner: Make, name: str, fails: bool) -> None:
    learn = noisy(make_learner)
    learn.fit(2)
    learn.model.train()
    learn.model[0].eval()  # type: ignore[index]
    before, modes = dict(vars(learn)), [m.training for m in learn.model.modules()]
    assert len(set(modes)) == 2
    if fails:
        with pytest.raises(ZeroDivisionError):
            TRIALS[name](learn, cbs=FuncCB(after_loss=lambda learn: 1 / 0))
    else:
        TRIALS[name](learn)
    assert vars(learn).keys() == before.keys()
    assert all(vars(learn)[key] is before[key] for key in before)
    assert [m.training for m in learn.model.modules()] == modes


@every_trial
def test_nothing_recorded_is_lost_and_nobody_notices(
    make_learner: Make, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    rows: list[Any] = []
    metrics, stats = MetricsCB(), ActivationStats()
    vars(metrics)["_log"] = rows.append
    recorder = RecorderCB(loss=lambda cb: cb.learn.loss)
    sched = BatchSchedCB(partial(OneCycleLR, max_lr=0.1, total_steps=6))
    learn = noisy(make_learner, metrics, stats, recorder, sched)
    seen: list[str] = []
    watcher = FuncCB(before_fit=lambda learn: seen.append("fit"), after_batch=lambda learn: seen.append("batch"))
    learn.fit(2)
    learn.cbs.append(watcher)
    learn.cbs.append(Monitored())
    recs, shown, hooks, schedo = recorder.recs, list(rows), stats.hooks, sched.schedo
    values = [float(loss) for loss in recs["loss"]]
    with caplog.at_level(logging.DEBUG, "miniai"):
        TRIALS[name](learn)
    assert recorder.recs is recs
    assert [float(loss) for loss in recs["loss"]] == values
    assert stats.hooks is hooks
    assert {len(hook.stats[0]) for hook in stats} == {6}
    assert (rows, seen, caplog.records) == (shown, [], [])
    assert sched.schedo is schedo


class Monitored(Callback):
    """As what reports to a screen: it has `emit`."""

    def emit(self, fact: object) -> None:
        raise AssertionError("a trial was reported")

    def before_batch(self, learn: Learner, /) -> None:
        self.emit(learn)


@every_trial
def test_what_prepares_and_what_is_given_takes_part_once(make_learner: Make, name: str) -> None:
    seen: list[str] = []
    given = FuncCB(after_batch=lambda learn: seen.append("given"))
    moved = FuncCB(before_batch=lambda learn: seen.append("prepared"))
    learn = make_learner([DeviceCB("cpu"), moved, given])
    TRIALS[name](learn, cbs=given)
    assert seen.count("given") == seen.count("prepared") > 1
    with trial(learn, given):
        assert [type(cb) for cb in learn.cbs] == [TrainCB, DeviceCB, FuncCB]
    with trial(learn, moved) as extra:
        assert extra == [moved]
        assert [type(cb) for cb in learn.cbs] == [TrainCB, DeviceCB]


def test_a_search_for_a_rate_keeps_what_changes_gradients(make_learner: Make) -> None:
    seen: list[str] = []
    clip = FuncCB(after_backward=lambda learn: seen.append("clipped"))
    learn = make_learner([clip])
    finder = lr_find(learn, max_epochs=1)
    assert len(seen) == len(finder.lrs)
    capture_preds(learn)
    assert len(seen) == len(finder.lrs)


def test_each_form_of_tta_draws_numbers_of_its_own(make_learner: Make) -> None:
    learn = make_learner()
    seen: list[Tensor] = []

    def jitter(x: Tensor) -> Tensor:
        seen.append(torch.rand(1))
        return x

    before = torch.get_rng_state()
    tta(learn, [jitter, jitter])
    assert len(seen) == len({float(number) for number in seen}) == 4  # two batches, two forms
    assert torch.equal(torch.get_rng_state(), before)


def test_nothing_to_predict(make_learner: Make) -> None:
    learn = make_learner()
    learn.dls.valid = []
    with pytest.raises(LearnerError, match="yielded no batch"):
        capture_preds(learn)
    assert learn.n_epochs == 0


def test_numbers_drawn_in_a_fit_with_a_finder_are_not_missed(make_learner: Make) -> None:
    """Without the trial around it, too: what the finder puts back has the random state of all three in it."""
    learn = noisy(make_learner)
    states = np.random.get_state()[1].tolist(), random.getstate(), torch.get_rng_state()  # type: ignore[index]
    learn.fit(1, cbs=LRFinderCB())
    assert np.random.get_state()[1].tolist() == states[0]  # type: ignore[index]
    assert random.getstate() == states[1]
    assert torch.equal(torch.get_rng_state(), states[2])


def test_lazy_layers_are_refused_before_anything_happens(make_learner: Make) -> None:
    learn = make_learner()
    learn.model = nn.Sequential(nn.Flatten(), nn.LazyLinear(3))
    with pytest.raises(LearnerError, match=r"^1\.weight gets its shape from the first batch.*learn\.summary\(\)"):
        lr_find(learn)
    assert all(is_lazy(p) for p in learn.model.parameters())
    learn.summary()
    assert lr_find(learn).lrs
