"""What would go wrong in silence is an error that says what to do; what a fit changes, it puts back."""

from __future__ import annotations

from collections import namedtuple
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from miniai.accel import AccelerateCB, MixedPrecision
from miniai.callbacks.base import run_cbs
from miniai.datasets import DataLoaders
from miniai.errors import LearnerError
from miniai.learner import Callback, FuncCB, Learner, MetricsCB, MomentumLearner, ProgressCB, TrainCB, TrainLearner
from miniai.metrics import Accuracy
from miniai.scratch.metric import Accuracy as ScratchAccuracy
from miniai.training import accuracy


def batches(n: int = 3) -> list[tuple[Tensor, Tensor]]:
    torch.manual_seed(0)
    return [(torch.randn(8, 4), torch.randint(0, 3, (8,))) for _ in range(n)]


def learner(kind: type[Learner] = Learner, cbs: Any = None, dls: Any = None, **more: Any) -> Learner:
    torch.manual_seed(1)
    cbs = [TrainCB()] if cbs is None else cbs
    dls = DataLoaders(batches(), batches(1)) if dls is None else dls
    return kind(nn.Linear(4, 3), dls, **{"loss_func": F.cross_entropy, "lr": 0.1, "cbs": cbs, **more})


class Calls(Callback):
    """Calls something in a hook."""

    def __init__(self, what: str) -> None:
        self.what = what

    def after_batch(self, learn: Learner, /) -> None:
        getattr(learn, self.what)()


@pytest.mark.parametrize("what", ["fit", "lr_find", "capture_preds"])
def test_a_fit_inside_a_fit_is_refused_and_the_next_one_is_not(what: str) -> None:
    learn = learner()
    with pytest.raises(LearnerError, match="in a fit already"):
        learn.fit(1, cbs=Calls(what))
    learn.fit(1)
    getattr(learn, what)()


@pytest.mark.parametrize("of", [accuracy, ScratchAccuracy().calc, Accuracy().update])
def test_accuracy_refuses_targets_of_another_shape(of: Any) -> None:
    outputs, classes = torch.eye(4), torch.arange(4)
    of(outputs, classes)
    with pytest.raises(LearnerError, match=r"targets \(4, 1\)"):
        of(outputs, classes[:, None])


def test_a_learner_s_own_inputs_are_counted_through_a_fit() -> None:
    class TwoInputs(TrainLearner):
        def predict(self) -> None:
            self.preds = self.model(self.batch[0] + self.batch[1])

        def get_loss(self) -> None:
            self.loss = self.loss_func(self.preds, self.batch[2])

    data = [(x, torch.zeros_like(x), y) for x, y in batches()]
    seen = MetricsCB(accuracy=Accuracy())
    seen.quiet = True
    learn = learner(TwoInputs, [seen], DataLoaders(data, data))
    learn.n_inp = 2
    learn.fit(1)
    right = torch.cat([learn.model(x).argmax(1) == y for x, _, y in data]).float().mean()
    assert float(seen.metrics["accuracy"].compute()) == pytest.approx(float(right))


def test_train_cb_leaves_the_number_of_inputs_as_it_was() -> None:
    data = [(x, x, y) for x, y in batches()]

    class Add(nn.Linear):
        def forward(self, a: Tensor, b: Tensor) -> Tensor:  # type: ignore[override]
            return super().forward(a + b)

    learn = Learner(Add(4, 3), DataLoaders(data, data), F.cross_entropy, 0.1, TrainCB(n_inp=2))
    learn.fit(1)
    assert learn.n_inp == 1


@pytest.mark.parametrize("kind", [Learner, TrainLearner])
@pytest.mark.parametrize("batch", [torch.zeros(2, 4), {"x": torch.zeros(2, 4)}])
def test_a_batch_that_is_no_tuple(kind: type[Learner], batch: Any) -> None:
    cbs = [TrainCB()] if kind is Learner else []
    with pytest.raises(LearnerError, match=r"must be a tuple \(inputs"):
        learner(kind, cbs, DataLoaders([batch], [batch])).fit(1)


def test_a_loss_of_many_numbers_is_no_loss() -> None:
    learn = learner(cbs=[TrainCB(), MetricsCB()], loss_func=partial(F.cross_entropy, reduction="none"))
    with pytest.raises(LearnerError, match=r"one number a batch, not float32 \(8,\)"):
        learn.fit(1, train=False)


def test_the_rate_of_a_fit_with_the_caller_s_own_optimizer() -> None:
    learn = learner(opt_func=None)
    learn.opt = torch.optim.SGD(learn.model.parameters(), 0.1)
    rates: list[float] = []
    learn.fit(1, lr=0.5, cbs=FuncCB(after_step=lambda learn: rates.append(learn.opt.param_groups[0]["lr"])))
    assert set(rates) == {0.5}
    assert learn.opt.param_groups[0]["lr"] == 0.1
    assert learn.lr_find(start_lr=1e-4).lrs[0] == 1e-4
    assert learn.opt.param_groups[0]["lr"] == 0.1


@pytest.mark.parametrize("make", [MixedPrecision, partial(AccelerateCB, mixed_precision="no")])
def test_steps_that_the_learner_does_itself_are_not_taken_over_in_silence(make: Any) -> None:
    with pytest.raises(LearnerError, match="TrainLearner does predict, get_loss, backward, step, zero_grad itself"):
        learner(TrainLearner, [make()]).fit(1)


@pytest.mark.parametrize("name", ["loss", "epoch", "train"])
def test_names_that_every_row_has(name: str) -> None:
    with pytest.raises(LearnerError, match=f"cannot be called {name}"):
        MetricsCB(**{name: Accuracy()})


def test_momentum_ends_with_the_fit() -> None:
    learn = learner(MomentumLearner, [], mom=0.9)
    learn.fit(2)
    assert any(float(p.grad.abs().sum()) > 0 for p in learn.model.parameters() if p.grad is not None)
    weights = {name: value.clone() for name, value in learn.model.state_dict().items()}
    learn.fit(1)
    fresh = learner(MomentumLearner, [], mom=0.9)
    fresh.model.load_state_dict(weights)
    fresh.fit(1)
    for mine, other in zip(learn.model.parameters(), fresh.model.parameters(), strict=True):
        assert torch.equal(mine, other)


def test_two_progress_bars_are_one_too_many() -> None:
    metrics = MetricsCB()
    metrics.quiet = True
    learn = learner(cbs=[TrainCB(), metrics, ProgressCB()])
    with pytest.raises(LearnerError, match="only one"):
        learn.fit(1, cbs=ProgressCB())
    assert "_log" not in vars(metrics)


def test_the_bars_take_the_rows_of_all_who_log(capsys: pytest.CaptureFixture[str]) -> None:
    class Mine(Callback):
        """A reader's own metrics: no MetricsCB, and after the bars."""

        order = 5

        def _log(self, row: dict[str, Any]) -> None:
            print("raw", row)

        def after_epoch(self, learn: Learner, /) -> None:
            self._log({"mine": "0.123"})

    mine = Mine()
    learn = learner(cbs=[TrainCB(), mine, MetricsCB(), ProgressCB()])
    learn.fit(1)
    assert "0.123" in (said := capsys.readouterr().out)
    assert "raw" not in said
    learn.cbs = [TrainCB(), mine]
    learn.fit(1)
    assert "raw" in capsys.readouterr().out


def test_loaders_in_a_named_tuple(capsys: pytest.CaptureFixture[str]) -> None:
    pair = namedtuple("pair", "train valid")
    dls = pair(batches(), batches(1))
    learn = learner(cbs=[AccelerateCB(mixed_precision="no"), MetricsCB()], dls=dls)
    learn.fit(1)
    assert learn.dls is dls
    assert "eval" in capsys.readouterr().out


def test_run_cbs_takes_what_only_looks_like_a_callback() -> None:
    class Plain:
        order = 1

        def before_fit(self, _learn: object) -> None:
            called.append("plain")

    called: list[str] = []
    first = Callback()
    first.before_fit = lambda learn: called.append("first")  # type: ignore[method-assign]
    run_cbs([Plain(), first], "before_fit")  # type: ignore[list-item]
    assert called == ["first", "plain"]
