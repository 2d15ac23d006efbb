"""Metrics equal an independent computation over the same samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from miniai.callbacks.metrics import batch_size
from miniai.errors import LearnerError
from miniai.learner import CancelBatchException, CancelEpochException, FuncCB, Learner, MetricsCB, TrainLearner
from miniai.metrics import Accuracy, Mean

Make = Callable[..., Learner]
Rows = list[dict[str, Any]]


def with_rows(*ms: Any, **metrics: Any) -> tuple[MetricsCB, Rows]:
    cb, rows = MetricsCB(*ms, **metrics), Rows()
    cb._log = rows.append  # type: ignore[method-assign,assignment]
    return cb, rows


class Seen:
    """Everything that went through the loop, half by half."""

    def __init__(self) -> None:
        self.halves: list[list[tuple[Any, Any]]] = []
        self.cb = FuncCB(
            before_epoch=lambda learn: self.halves.append([]),
            after_batch=lambda learn: self.halves[-1].append((learn.preds.detach(), learn.batch[1])),
        )

    def truth(self, half: int) -> tuple[float, float]:
        """Loss and accuracy of one half epoch, from all its samples at once."""
        preds = np.concatenate([p.double().numpy() for p, _ in self.halves[half]])
        labels = np.concatenate([y.numpy() for _, y in self.halves[half]])
        shifted = preds - preds.max(1, keepdims=True)
        log_probs = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
        loss = -log_probs[np.arange(len(labels)), labels].mean()
        return float(loss), float((preds.argmax(1) == labels).mean())


def test_rows_equal_an_independent_computation(make_learner: Make) -> None:
    cb, rows = with_rows(Accuracy(), acc=Accuracy())
    seen = Seen()
    values: list[dict[str, float]] = []
    learn = make_learner([cb, seen.cb, FuncCB(cleanup_epoch=lambda learn: values.append(cb.values()))], lr=0.5)
    learn.fit(2)
    assert learn.metrics is cb
    for half in range(4):
        loss, accuracy = seen.truth(half)
        assert values[half] == pytest.approx({"loss": loss, "acc": accuracy, "Accuracy": accuracy}, rel=1e-6)
        assert next(iter(values[half])) == "loss"
        assert rows[half] == {
            "acc": f"{accuracy:.3f}",
            "Accuracy": f"{accuracy:.3f}",
            "loss": f"{loss:.3f}",
            "epoch": half // 2,
            "train": "eval" if half % 2 else "train",
        }
        assert list(rows[half]) == ["acc", "Accuracy", "loss", "epoch", "train"]


@pytest.mark.filterwarnings("ignore:The reduce argument of torch.scatter:UserWarning")  # torcheval's own
def test_torcheval_by_name_and_instance(make_learner: Make) -> None:
    from torcheval.metrics import MulticlassAccuracy

    cb, _ = with_rows("MulticlassAccuracy", mine=Accuracy(), other=MulticlassAccuracy(num_classes=3, average=None))
    make_learner([cb]).fit(1)
    values = cb.values()
    assert values["MulticlassAccuracy"] == pytest.approx(values["mine"])
    assert "other" not in values  # one number per class is no point of a series
    assert cb.metrics["MulticlassAccuracy"].compute() == pytest.approx(values["mine"])
    assert set(cb.all_metrics) == {"mine", "other", "MulticlassAccuracy", "loss"}
    assert set(cb.metrics) == set(cb.all_metrics) - {"loss"}


def test_torcheval_goes_where_the_predictions_are(make_learner: Make) -> None:
    from torcheval.metrics import MulticlassAccuracy

    metric = MulticlassAccuracy()
    cb = MetricsCB(metric)
    learn = make_learner([cb])
    learn.preds, learn.batch = torch.rand(3, 2, device="meta"), (torch.rand(3), torch.zeros(3, device="meta"))
    learn.loss = torch.tensor(1.0)
    cb.after_batch(learn)
    assert metric.device.type == "meta"


def skip(learn: Learner) -> None:
    raise CancelBatchException


@pytest.mark.filterwarnings("ignore:The reduce argument of torch.scatter:UserWarning")  # torcheval's own
def test_rows_of_vectors_and_of_nothing(make_learner: Make) -> None:
    from torcheval.metrics import MulticlassAccuracy

    cb, rows = with_rows(each=MulticlassAccuracy(num_classes=3, average=None))
    learn = make_learner([cb])
    learn.fit(1, train=False)
    assert rows[0]["each"].count(",") == 2
    learn.fit(1, valid=False, cbs=FuncCB(before_batch=skip))
    assert rows[1] == {"each": "nan", "loss": "nan", "epoch": 0, "train": "train"}
    assert cb.values() == {}


def test_values_of_a_half_that_was_cut_short(make_learner: Make) -> None:
    def cut(learn: Learner) -> None:
        if learn.iter == 1:
            raise CancelEpochException

    cb, rows = with_rows(accuracy=Accuracy())
    seen = Seen()
    learn = make_learner([seen.cb, cb, FuncCB(after_batch=cut, order=5)])
    learn.fit(1, valid=False)
    loss, accuracy = seen.truth(0)
    assert len(seen.halves[0]) == 2
    assert cb.count == 10
    assert cb.values() == pytest.approx({"loss": loss, "accuracy": accuracy}, rel=1e-6)
    assert rows == []


class Count:
    """The least that a metric can be."""

    def __init__(self) -> None:
        self.n = 0

    def reset(self) -> None:
        self.n = 0

    def update(self, preds: Any, targets: Any) -> None:
        assert not preds.requires_grad
        self.n += len(targets)

    def compute(self) -> int:
        return self.n


def test_any_object_is_a_metric(make_learner: Make) -> None:
    cb, rows = with_rows(Count())
    make_learner([cb], cls=TrainLearner).fit(1)
    assert [row["Count"] for row in rows] == ["12.000", "10.000"]


class Parts:
    """A metric of a model that gives two outputs; keeps their sum."""

    def __init__(self) -> None:
        self.total = torch.zeros(())

    def reset(self) -> None:
        self.total = torch.zeros(())

    def update(self, preds: Any, targets: Any) -> None:
        self.total = self.total + preds[0].sum()

    def compute(self) -> torch.Tensor:
        return self.total


def test_a_metric_keeps_no_graph_of_a_model_with_several_outputs(make_learner: Make) -> None:
    """The graphs of all batches, and what they hold, would stay until the end of the epoch."""
    metric = Parts()
    cb, _ = with_rows(metric)
    graphs: list[bool] = []
    learn = make_learner(
        [cb, FuncCB(after_batch=lambda learn: graphs.append(metric.total.requires_grad), order=5)],
        loss_func=lambda preds, y: F.cross_entropy(preds[0], y),
    )
    learn.model.register_forward_hook(lambda m, inputs, output: (output, output))
    learn.fit(1, valid=False)
    assert graphs == [False] * 3


def test_wrong_metrics_are_refused() -> None:
    with pytest.raises(LearnerError, match="instance"):
        MetricsCB(Accuracy)  # type: ignore[arg-type]
    with pytest.raises(LearnerError, match="no metric"):
        MetricsCB(acc=3)  # type: ignore[arg-type]
    with pytest.raises(LearnerError, match="MulticlassAccuracy"):
        MetricsCB("MulticlasAccuracy")
    with pytest.raises(LearnerError, match="two metrics"):
        MetricsCB(Accuracy(), Accuracy())
    with pytest.raises(LearnerError, match="loss"):
        MetricsCB(loss=Mean())


def test_prints_unless_quiet(make_learner: Make, capsys: pytest.CaptureFixture[str]) -> None:
    cb = MetricsCB()
    learn = make_learner([cb])
    learn.fit(1)
    assert capsys.readouterr().out.count("'loss'") == 2
    cb.quiet = True
    learn.fit(1)
    assert capsys.readouterr().out == ""


class CountingTensor(torch.Tensor):
    """Counts every read that would make the host wait for a device."""

    reads: list[str] = []  # noqa: RUF012

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in {"item", "cpu", "tolist", "numpy", "__bool__", "__float__", "__int__"}:
            cls.reads.append(func.__name__)
        return super().__torch_function__(func, types, args, kwargs or {})  # type: ignore[no-untyped-call]


def test_no_callback_waits_for_the_device_in_a_batch(make_learner: Make, tmp_path: Any) -> None:
    """Predictions and losses that count reads: none between the first batch and the edge."""
    from miniai.callbacks.clock import TrainingClock
    from miniai.callbacks.layers import LayerStatsCB
    from miniai.callbacks.preview import PreviewCB
    from miniai.callbacks.report import ReportCB
    from miniai.learner import DeviceCB

    still = TrainingClock(lambda: 0.0)
    facts: list[Any] = []
    monitor: list[Any] = [ReportCB(facts.append, clock=still), LayerStatsCB(facts.append, clock=still)]
    monitor += [PreviewCB(facts.append, tmp_path, clock=still), DeviceCB("cpu"), MetricsCB(accuracy=Accuracy())]
    for cb in monitor[:3]:
        for due in ("_drain_due", "_progress_due", "_due", "_allowed"):
            if hasattr(cb, due):
                setattr(cb, due, 1.0)
    learn = make_learner(monitor)
    learn.model.register_forward_hook(lambda m, i, out: out.as_subclass(CountingTensor))
    at_edge: list[int] = []
    spy = FuncCB(
        after_epoch=lambda learn: at_edge.append(len(CountingTensor.reads)),
        before_epoch=lambda learn: CountingTensor.reads.clear(),
        order=-1000,
    )
    learn.fit(1, cbs=spy)
    assert at_edge == [0, 0]
    assert torch.tensor([1.0]).as_subclass(CountingTensor).item() == 1.0  # the counter counts
    assert CountingTensor.reads[-1] == "item"


def test_batch_size() -> None:
    assert batch_size((torch.rand(3, 2), torch.rand(5))) == 3
    assert batch_size({"x": [torch.rand(4)]}) == 4
    assert batch_size(torch.tensor(1.0)) == 1
    with pytest.raises(LearnerError, match="tensor"):
        batch_size(("word", 1))


def test_loss_without_metrics_needs_no_targets(make_learner: Make) -> None:
    """A Learner with steps of its own may have batches of any shape."""

    class Mine(TrainLearner):
        def predict(self) -> None:
            self.preds = self.model(self.batch)

        def get_loss(self) -> None:
            self.loss = F.mse_loss(self.preds, torch.zeros_like(self.preds))

    cb, rows = with_rows()
    learn = make_learner([cb], cls=Mine)
    learn.dls.valid = [x for x, _ in learn.dls.valid]
    learn.fit(1, train=False)
    assert list(rows[0]) == ["loss", "epoch", "train"]
