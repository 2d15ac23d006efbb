"""What goes wrong most often is said in words: the thing's name, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from miniai.callbacks.base import Callback
from miniai.errors import LearnerError
from miniai.learner import CancelEpochException, FuncCB, Learner, MetricsCB, TrainCB, TrainLearner
from miniai.metrics import Accuracy
from miniai.shapes import shapes_of

Make = Callable[..., Learner]
X, Y = torch.rand(5, 4), torch.tensor([0, 1, 2, 0, 1])


def linear(batch: Any, loss_func: Any = F.cross_entropy, n_inp: int = 1, cls: type[Learner] = Learner) -> Learner:
    cbs = [TrainCB(n_inp)] if cls is Learner else []
    return cls(nn.Sequential(nn.Linear(4, 3)), SimpleNamespace(train=[batch]), loss_func, cbs=cbs)


WRONG: dict[str, tuple[Learner, type[Exception], str]] = {
    "inputs": (linear((X[:, :3], Y)), RuntimeError, r"predict failed: the model does not take .*float32 \(5, 3\)"),
    "type": (linear((X.to(torch.uint8), Y)), RuntimeError, r"predict failed: the model does not take .*uint8 \(5, 4\)"),
    "too many inputs": (linear((X, X, Y), n_inp=2), TypeError, r"TrainCB\(n_inp=\)"),
    "targets": (linear((X, Y[:3])), ValueError, r"get_loss failed: .*outputs are float32 \(5, 3\).*cross_entropy"),
    "classes": (linear((X, Y + 1)), IndexError, r"get_loss failed: .*classes"),
    "target types": (linear((X, Y.float())), RuntimeError, r"get_loss failed"),
    "too many targets": (linear((X, Y, Y), lambda p, y: p.sum()), TypeError, r"get_loss.*TrainCB"),
    "loss of many": (linear((X, Y), lambda p, y: p.sum(1)), RuntimeError, r"backward failed: .*one number.*\(5,\)"),
    "loss detached": (linear((X, Y), lambda p, y: p.detach().sum()), RuntimeError, r"backward failed: .*frozen"),
    "own steps": (linear((X[:, :3], Y), cls=TrainLearner), RuntimeError, r"predict failed"),
}


@pytest.mark.parametrize("name", WRONG)
def test_batches_that_do_not_fit(name: str) -> None:
    learn, kind, text = WRONG[name]
    with pytest.raises(LearnerError, match=text) as caught:
        learn.fit(1, valid=False)
    assert isinstance(caught.value, kind), "who catches torch's own type still does"
    assert type(caught.value.__cause__) is kind
    assert "\n" not in str(caught.value)


def test_devices_that_differ() -> None:
    learn = linear((X.to("meta"), Y))
    with pytest.raises(LearnerError, match=r"different devices.*DeviceCB\(\)"):
        learn.fit(1, valid=False)


class Own(RuntimeError):
    """An error of the user's."""


@pytest.mark.parametrize(
    "error", [Own("shape"), RuntimeError("no luck"), KeyError("shape"), torch.OutOfMemoryError("size"), StopIteration()]
)
@pytest.mark.parametrize("where", ["predict", "loss", "hook"])
def test_other_errors_pass_as_they_are(make_learner: Make, error: Exception, where: str) -> None:
    def fail(*args: Any) -> Any:
        raise error

    learn = make_learner([FuncCB(after_predict=fail)] if where == "hook" else [])
    if where == "predict":
        learn.model.forward = fail
    elif where == "loss":
        learn.loss_func = fail
    with pytest.raises(type(error)) as caught:
        learn.fit(1)
    assert caught.value is error


@pytest.mark.parametrize(("half", "kwargs"), [("train", {"valid": False}), ("valid", {"train": False})])
def test_a_loader_that_yields_nothing(make_learner: Make, recorder: Any, half: str, kwargs: dict[str, Any]) -> None:
    seen = recorder()
    learn = make_learner([seen])
    setattr(learn.dls, half, [])
    with pytest.raises(LearnerError, match=rf"dls\.{half} \(list\) yielded no batch in epoch 0.*fit\({half}=False\)"):
        learn.fit(1, **kwargs)
    assert seen.events[-2:] == ["cleanup_epoch", "cleanup_fit"]
    assert "after_epoch" not in seen.events


def test_an_iterator_that_is_used_up(make_learner: Make) -> None:
    learn = make_learner()
    learn.dls.train = iter(learn.dls.train)
    with pytest.raises(LearnerError, match=r"epoch 1.*used up"):
        learn.fit(2)
    assert learn.steps == 3


def test_an_epoch_that_was_skipped_needs_no_batches(make_learner: Make) -> None:
    def skip(learn: Learner) -> None:
        raise CancelEpochException

    learn = make_learner([FuncCB(before_epoch=skip)])
    learn.dls.train = []
    learn.fit(1)


def test_a_model_without_parameters() -> None:
    learn = linear((X, Y))
    learn.model = nn.Sequential(nn.Flatten())
    with pytest.raises(LearnerError, match=r"Sequential\) has no parameters.*fit\(train=False\)"):
        learn.fit(1, valid=False)
    learn.dls.valid = learn.dls.train
    learn.fit(1, train=False)
    assert learn.opt is None
    assert learn.loss.isfinite()


class Broken:
    """A metric that fails where it is told to."""

    def __init__(self, where: str, error: Exception) -> None:
        self.where, self.error = where, error

    def _maybe(self, where: str) -> float:
        if where == self.where:
            raise self.error
        return 0.0

    def update(self, preds: Tensor, targets: Tensor) -> None:
        self._maybe("update")

    def compute(self) -> float:
        return self._maybe("compute")

    def reset(self) -> None: ...


def test_a_metric_that_fails_is_named(make_learner: Make) -> None:
    came_in = r"'mine' \(Broken\) failed at predictions float32 \(5, 3\) and targets int64 \(5,\): KeyError: 'x'"
    with pytest.raises(LearnerError, match=came_in) as caught:
        make_learner([MetricsCB(mine=Broken("update", KeyError("x")))]).fit(1)
    assert isinstance(caught.value.__cause__, KeyError)
    with pytest.raises(LearnerError, match=r"'mine' \(Broken\) failed at computing its value over 12 samples"):
        make_learner([MetricsCB(mine=Broken("compute", KeyError("x")))]).fit(1)


def test_a_metric_that_needs_more_data_is_left_out_of_the_running_values(
    make_learner: Make, caplog: pytest.LogCaptureFixture
) -> None:
    class Late(Broken):
        n = 0

        def update(self, preds: Tensor, targets: Tensor) -> None:
            self.n += len(targets)
            self.where = "" if self.n > 5 else "compute"

    cb, running = MetricsCB(mine=Late("compute", ValueError("too few"))), list[list[str]]()
    make_learner([cb, FuncCB(after_batch=lambda learn: running.append(list(cb.values())), order=1)]).fit(1, valid=False)
    assert running == [["loss"], ["loss", "mine"], ["loss", "mine"]]
    assert caplog.text.count("too few") == 1


@pytest.mark.parametrize(("where", "steps"), [("update", 1), ("compute", 3)])
def test_a_metric_may_cancel(make_learner: Make, where: str, steps: int) -> None:
    learn = make_learner([MetricsCB(mine=Broken(where, CancelEpochException()))])
    learn.fit(1)
    assert learn.steps == steps


def test_a_metric_without_a_target(make_learner: Make) -> None:
    class Mine(TrainLearner):
        def get_loss(self) -> None:
            self.loss = self.preds.mean()

    learn = make_learner([MetricsCB(Accuracy())], cls=Mine)
    learn.dls.train = [(x,) for x, _ in learn.dls.train]
    with pytest.raises(LearnerError, match="metrics need a target"):
        learn.fit(1)


def test_a_step_or_hook_that_is_not_there(make_learner: Make) -> None:
    class Misspelt(Callback):
        def after_bacth(self, learn: Learner) -> None: ...

    with pytest.raises(LearnerError, match="after_batch"):
        make_learner([Misspelt()])
    with pytest.raises(LearnerError, match=r"'predict'.*TrainCB\(\)"):
        Learner(nn.Linear(4, 3), SimpleNamespace(train=[(X, Y)])).fit(1, valid=False)


def test_shapes_in_words() -> None:
    assert shapes_of(X) == "float32 (5, 4)"
    assert shapes_of((X.to("meta"), {"y": Y, "name": "z"})) == "[float32 (5, 4) on meta, {y: int64 (5,), name: str}]"
