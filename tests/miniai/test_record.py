"""RecorderCB: values of each training batch."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch.optim.lr_scheduler import ExponentialLR

from miniai.callbacks import record
from miniai.errors import LearnerError
from miniai.learner import FuncCB, Learner
from miniai.sgd import BatchSchedCB, HasLearnCB, RecorderCB

Make = Callable[..., Learner]


def test_notes_each_training_batch_and_begins_anew(make_learner: Make) -> None:
    cb = RecorderCB(lr=lambda cb: cb.pg["lr"], loss=lambda cb: cb.learn.loss, where=lambda cb: cb.learn.iter)
    learn = make_learner([cb])
    losses: list[float] = []
    spy = FuncCB(after_batch=lambda learn: losses.append(learn.loss.item()) if learn.training else None)
    learn.fit(2, cbs=spy)
    assert cb.recs["lr"] == [0.1] * 6
    assert cb.recs["where"] == [0, 1, 2] * 2
    assert [loss.item() for loss in cb.recs["loss"]] == losses
    assert not cb.recs["loss"][0].requires_grad
    learn.fit(1, lr=0.2)
    assert cb.recs["lr"] == [0.2] * 3


@pytest.mark.parametrize("first", [True, False])
def test_sees_the_rate_a_batch_was_trained_with(make_learner: Make, first: bool) -> None:
    record, sched = RecorderCB(lr=lambda cb: cb.pg["lr"]), BatchSchedCB(partial(ExponentialLR, gamma=0.5))
    make_learner([record, sched] if first else [sched, record]).fit(1)
    assert record.recs["lr"] == [0.1, 0.05, 0.025]


def test_keeps_values_and_not_views_of_what_changes(make_learner: Make) -> None:
    cb = RecorderCB(weight=lambda cb: cb.pg["params"][0])
    make_learner([cb]).fit(1)
    assert not torch.equal(cb.recs["weight"][0], cb.recs["weight"][2])


def test_learner_at_hand_only_in_a_fit(make_learner: Make) -> None:
    cb = HasLearnCB()
    seen: list[Any] = []
    learn = make_learner([cb])
    learn.fit(1, cbs=FuncCB(after_batch=lambda learn: seen.append(cb.learn)))
    assert seen == [learn] * 5
    with pytest.raises(ZeroDivisionError):
        learn.fit(1, cbs=FuncCB(before_batch=lambda learn: 1 / 0))
    assert cb.learn is None


def test_afterwards_values_are_fetched_and_parameters_let_go(
    make_learner: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[Any] = []
    monkeypatch.setattr(record, "fetch", fetched.extend)
    cb = RecorderCB(loss=lambda cb: cb.learn.loss, lr=lambda cb: cb.pg["lr"])
    learn = make_learner([cb])
    learn.fit(1, lr=0.3, cbs=FuncCB(after_epoch=lambda learn: fetched.append("not yet")), valid=False)
    assert fetched == ["not yet", cb.recs["loss"], cb.recs["lr"]]
    assert cb.pg["lr"] == 0.3
    assert "params" not in cb.pg
    assert learn.opt.param_groups[0]["params"]


def test_plot(make_learner: Make) -> None:
    from matplotlib.figure import Figure

    cb = RecorderCB(lr=lambda cb: cb.pg["lr"], loss=lambda cb: cb.learn.loss)
    make_learner([cb]).fit(1)
    axes = cb.plot(Figure().subplots(2))
    assert [ax.get_ylabel() for ax in axes] == ["lr", "loss"]
    assert list(axes[0].lines[0].get_ydata()) == [0.1] * 3
    assert list(axes[1].lines[0].get_ydata()) == [float(loss) for loss in cb.recs["loss"]]
    pyplot = pytest.importorskip("matplotlib.pyplot")
    pyplot.switch_backend("agg")
    own = cb.plot()
    assert len(own) == 2
    pyplot.close(own[0].figure)
    with pytest.raises(LearnerError, match="records nothing"):
        RecorderCB().plot()
    with pytest.raises(LearnerError, match=r"lr=3"):
        RecorderCB(lr=3)  # type: ignore[arg-type]
