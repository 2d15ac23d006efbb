"""The table of layers, the images of a batch, captured predictions and their mean: nothing is changed by looking."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from miniai import models
from miniai.activations import ActivationStats
from miniai.augment import capture_preds, rand_flip, show_image_batch, summary
from miniai.callbacks.transform import BatchTransformCB
from miniai.errors import LearnerError
from miniai.learner import CancelBatchException, FuncCB, Learner, MetricsCB, TrainCB, TrainLearner
from miniai.metrics import Accuracy
from miniai.tta import tta

mpl.use("Agg")
Make = Callable[..., Learner]


def learner(cbs: Any = (), model: nn.Module | None = None, shuffle: bool = True) -> Learner:
    """Images (n, 1, 6, 6) in three classes; the model has batch norm and dropout."""
    g = torch.Generator().manual_seed(0)
    x, y = torch.rand(12, 1, 6, 6, generator=g), torch.randint(0, 3, (12,), generator=g)
    data = TensorDataset(x, y)
    dls = SimpleNamespace(train=DataLoader(data, 4, shuffle=shuffle), valid=DataLoader(data, 8))
    torch.manual_seed(1)
    layers = [nn.Conv2d(1, 2, 3, 2, 1), nn.BatchNorm2d(2), nn.ReLU(), nn.Dropout(), nn.Flatten(), nn.Linear(18, 3)]
    return Learner(model or nn.Sequential(*layers), dls, F.cross_entropy, 0.1, [TrainCB(), *cbs])


def everything(learn: Learner) -> list[Any]:
    """All that looking must not change."""
    tensors = copy.deepcopy([*learn.model.state_dict().values(), *(p.grad for p in learn.model.parameters())])
    modes = [m.training for m in learn.model.modules()]
    hooks = [len(m._forward_hooks) for m in learn.model.modules()]
    fit = (learn.n_epochs, learn.epoch, learn.steps, learn.opt, learn.batch, learn.preds, learn.loss, learn.dl)
    kept = [list(learn.cbs), learn.cbs, fit, modes, hooks, random.getstate(), np.random.get_state()[1].tolist()]  # type: ignore[index]
    return [tensors, torch.get_rng_state(), *kept]


def same(before: list[Any], after: list[Any]) -> bool:
    tensors = all((a is b) if a is None or b is None else torch.equal(a, b) for a, b in zip(before[0], after[0]))  # noqa: B905
    others = [(a is b) if not isinstance(a, (list, tuple)) else a == b for a, b in zip(before[4][3:], after[4][3:])]  # noqa: B905
    rest = before[2] == after[2] and before[3] is after[3] and before[4][:3] == after[4][:3]
    return tensors and torch.equal(before[1], after[1]) and rest and all(others) and before[5:] == after[5:]


def test_every_layer_has_its_line_in_the_order_of_the_forward() -> None:
    found = summary(learner())
    assert [layer.kind for layer in found.layers] == [
        "Conv2d", "BatchNorm2d", "ReLU", "Dropout", "Flatten", "Linear",
    ]  # fmt: skip
    conv, norm, *_, flatten, linear = found.layers
    assert conv == ("0", "Conv2d", "4x1x6x6", "4x2x3x3", 20, 9 * 2 * 9)
    assert norm[4:] == (4, 0)
    assert flatten[2:] == ("4x2x3x3", "4x18", 0, 0)
    assert linear[2:] == ("4x18", "4x3", 57, 54)
    assert (found.params, found.trainable, found.macs) == (81, 81, 162 + 54)


@pytest.mark.parametrize("name", models.names())
def test_parameters_of_all_lines_are_the_models(name: str) -> None:
    model = models.build(name, (1, 6, 6), 3)
    found = summary(learner(model=model))
    assert sum(layer.params for layer in found.layers) == found.params == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    ("layer", "shape", "macs"),
    [
        (nn.Conv1d(4, 6, 3, groups=2), (4, 9), 7 * 6 * 2 * 3),
        (nn.Conv3d(1, 2, 2), (1, 3, 3, 3), 8 * 2 * 8),
        (nn.ConvTranspose2d(3, 4, 2, stride=2), (3, 5, 5), 25 * 3 * 4 * 4),
        (nn.Linear(5, 7), (3, 5), 3 * 5 * 7),
        (nn.ReLU(), (3,), 0),
    ],
    ids=str,
)
def test_multiplications_are_counted_for_one_sample(layer: nn.Module, shape: tuple[int, ...], macs: int) -> None:
    dls = SimpleNamespace(train=[(torch.rand(6, *shape), torch.rand(6))])
    found = summary(TrainLearner(nn.Sequential(layer), dls))
    assert found.macs == sum(line.macs for line in found.layers) == macs


def test_shared_layers_frozen_ones_and_parameters_of_a_container() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(3))
            self.inner = nn.Linear(3, 3)
            self.unused = nn.Linear(3, 9)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            out: Tensor = self.inner(self.inner(x)) * self.scale
            return out, out.sum()

    model = Twice()
    model.inner.requires_grad_(False)
    found = summary(TrainLearner(model, SimpleNamespace(train=[(torch.rand(2, 3), torch.rand(2))])))
    assert [(layer.name, layer.outputs, layer.params, layer.macs) for layer in found.layers] == [
        ("inner", "2x3", 12, 9),
        ("inner", "2x3", 0, 9),
        ("(model)", "2x3, scalar", 3, 0),
    ]
    assert (found.params, found.trainable) == (12 + 3 + 36, 3 + 36)
    assert "39 parameters trainable, 12 frozen" in repr(found)


def test_the_table_is_aligned_and_the_notebook_gets_it_in_markdown() -> None:
    found = summary(learner())
    lines = repr(found).splitlines()
    assert lines[0].split() == ["layer", "type", "input", "output", "parameters", "MACs"]
    assert len(lines[1]) == len(lines[0]) == len(lines[2])
    assert [line.split()[-2:] for line in (lines[2], lines[-2])] == [["20", "162"], ["81", "216"]]
    markdown = found._repr_markdown_().splitlines()
    assert markdown[0] == "| layer | type | input | output | parameters | MACs |"
    assert markdown[2] == "| 0 | Conv2d | 4x1x6x6 | 4x2x3x3 | 20 | 162 |"


def look(learn: Learner, monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], Any]]:
    monkeypatch.setattr("miniai.plotting.show_images", lambda *args, **kw: None)
    return {"summary": lambda: summary(learn), "images": lambda: show_image_batch(learn)}


@pytest.mark.parametrize("what", ["summary", "images"])
@pytest.mark.parametrize("trained", [False, True])
def test_looking_changes_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], what: str, trained: bool
) -> None:
    stats = ActivationStats()
    learn = learner([MetricsCB(accuracy=Accuracy()), stats, BatchTransformCB(lambda b: (rand_flip(b[0]), b[1]))])
    if trained:
        learn.fit(1)
    learn.model[3].eval()  # type: ignore[index]
    capsys.readouterr()
    metrics = getattr(learn, "metrics", None)
    seen = [len(hook.stats[0]) for hook in stats]
    before = everything(learn)
    look(learn, monkeypatch)[what]()
    assert same(before, everything(learn))
    assert getattr(learn, "metrics", None) is metrics
    assert [len(hook.stats[0]) for hook in stats] == seen
    assert capsys.readouterr().out == ""


def test_a_look_changes_no_bit_of_the_training() -> None:
    weights = []
    for looks in (False, True):
        learn = learner()
        learn.fit(1)
        if looks:
            learn.summary()
        learn.fit(1)
        weights.append([p.detach().clone() for p in learn.model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*weights, strict=True))


def fails(learn: Learner) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize("what", ["summary", "images"])
def test_an_error_on_the_way_leaves_the_learner_as_it_was_too(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    learn = learner([FuncCB(before_batch=fails)])
    before = everything(learn)
    with pytest.raises(ZeroDivisionError):
        look(learn, monkeypatch)[what]()
    assert same(before, everything(learn))


def test_without_a_batch_there_is_a_clear_error() -> None:
    def skip(learn: Learner) -> None:
        raise CancelBatchException

    with pytest.raises(LearnerError, match="no batch"):
        summary(learner([FuncCB(before_batch=skip)]))


def test_the_images_shown_are_those_the_model_would_get(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Any] = []
    monkeypatch.setattr("miniai.plotting.show_images", lambda ims, **kw: shown.append((ims, kw)))
    double = BatchTransformCB(lambda b: (b[0] * 2, b[1]), on_val=False)
    learn = learner([double], shuffle=False)
    x = learn.dls.valid.dataset.tensors[0]
    learn.show_image_batch(3, cmap="gray")
    show_image_batch(learn, cbs=BatchTransformCB(lambda b: (b[0] + 1, b[1])))
    assert torch.equal(shown[0][0], x[:3] * 2)
    assert shown[0][1] == {"cmap": "gray"}
    assert torch.equal(shown[1][0], x[:4] * 2 + 1)


def test_the_images_are_really_drawn() -> None:
    from matplotlib import pyplot

    learner().show_image_batch(max_n=4)
    drawn = [ax for ax in pyplot.gcf().axes if ax.images]
    pyplot.close()
    assert len(drawn) == 4


def test_captured_predictions_are_the_models_own() -> None:
    learn = learner()
    learn.fit(1)
    opt = learn.opt
    modes = [m.training for m in learn.model.modules()]
    preds, targets, inputs = learn.capture_preds(inps=True)
    x, y = learn.dls.valid.dataset.tensors
    assert torch.equal(inputs, x)
    assert torch.equal(targets, y)
    assert learn.opt is opt
    assert [m.training for m in learn.model.modules()] == modes
    with torch.no_grad():
        torch.testing.assert_close(preds, learn.model.eval()(x))
    doubled, _ = capture_preds(learn, BatchTransformCB(lambda b: (b[0] * 2, b[1])))
    with torch.no_grad():
        torch.testing.assert_close(doubled, learn.model.eval()(x * 2))


def test_nothing_captured_is_a_clear_error() -> None:
    def skip(learn: Learner) -> None:
        raise CancelBatchException

    with pytest.raises(LearnerError, match="no predictions"):
        capture_preds(learner(), FuncCB(before_batch=skip))


def test_tta_is_the_mean_over_all_forms() -> None:
    learn = learner()
    x, y = learn.dls.valid.dataset.tensors
    model = learn.model.eval()
    with torch.no_grad():
        plain, mirrored, turned = model(x), model(x.flip(3)), model(x.rot90(1, (2, 3)))
    preds, targets = tta(learn)
    torch.testing.assert_close(preds, (plain + mirrored) / 2)
    assert torch.equal(targets, y)
    more, _ = tta(learn, [lambda x: x.flip(-1), lambda x: x.rot90(1, (2, 3))])
    torch.testing.assert_close(more, (plain + mirrored + turned) / 3)
    none, _ = tta(learn, [])
    torch.testing.assert_close(none, plain)


def test_tta_of_shuffled_data_is_refused() -> None:
    learn = learner()
    data = TensorDataset(torch.rand(64, 1, 6, 6), torch.arange(64) % 3)
    learn.dls.valid = DataLoader(data, 8, shuffle=True)
    with pytest.raises(LearnerError, match="do not shuffle"):
        tta(learn)
