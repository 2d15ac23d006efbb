"""`--augment`: what it changes and when; it is a part of the training: drawn from torch's generator, seen, exact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from torch import Tensor
from torch.nn import functional as F

from miniai import models, optimizers, trainer
from miniai.activations import set_seed
from miniai.assembly import augmenting
from miniai.augment import standard
from miniai.callbacks.base import Callback
from miniai.callbacks.transform import BatchTransformCB
from miniai.catalog import load
from miniai.config import RunConfig, read_config
from miniai.datasets import DataLoaders
from miniai.fitting import Fitting
from miniai.learner import Learner, TrainCB
from miniai.loader import MemoryLoader
from miniai.run import events as ev
from miniai.run.control import RunControl
from miniai.run.directory import RunDir, create_run
from miniai.run.reporter import Reporter
from tests.miniai.test_fitting import cache, journal, new_run

__all__ = ["cache"]  # a fixture


class SeenCB(Callback):
    """Keeps the images that the model gets, by half."""

    order = 90

    def __init__(self) -> None:
        self.seen: dict[bool, list[Tensor]] = {True: [], False: []}

    def after_predict(self, learn: Learner, /) -> None:
        self.seen[learn.training].append(learn.batch[0].clone())


def fitted(run: RunDir) -> tuple[Learner, SeenCB]:
    fitting = Fitting(run, read_config(run.config_file), RunControl(), Reporter([]))
    learn, seen = fitting.prepare(), SeenCB()
    learn.fit(fitting.config.epochs, cbs=[seen])
    return learn, seen


def weights(run: RunDir) -> list[Tensor]:
    return [p.detach().clone() for p in fitted(run)[0].model.parameters()]


def same(a: list[Tensor], b: list[Tensor]) -> bool:
    return len(a) == len(b) and all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("size", [(28, 28), (32, 32), (10, 7), (84, 56)])
def test_the_standard_changes_keep_shape_and_range(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    images = torch.rand(16, 3, *size)
    change = standard(*size)
    changed = change(images)
    assert changed.shape == images.shape
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert not torch.equal(changed, images)
    assert change[0].padding == max(round(max(size) / 28), 1)


def test_without_it_nothing_is_added() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    assert augmenting(RunConfig(), None) == []  # type: ignore[arg-type]  # the data are not looked at
    assert torch.equal(torch.get_rng_state(), before)


def test_only_training_images_are_changed(tmp_path: Path, data_dir: Path) -> None:
    options: dict[str, Any] = {"model": "mlp", "epochs": 2}
    _, plain = fitted(new_run(tmp_path / "a", data_dir, **options))
    learn, changed = fitted(new_run(tmp_path / "b", data_dir, augment=True, **options))
    assert same(plain.seen[False], changed.seen[False])
    assert not any(torch.equal(a, b) for a, b in zip(plain.seen[True], changed.seen[True], strict=True))
    assert [cb.on_val for cb in learn.cbs if isinstance(cb, BatchTransformCB)] == [False]


@pytest.mark.parametrize("options", [{"model": "conv"}, {"model": "mlp", "from_scratch": True}, {"amp": True}])
def test_the_same_seed_gives_the_same_weights_watched_or_not(
    tmp_path: Path, data_dir: Path, options: dict[str, Any]
) -> None:
    options = {"epochs": 1, "augment": True, **options}
    plain = weights(new_run(tmp_path / "plain", data_dir, stats=False, **options))
    assert same(plain, weights(new_run(tmp_path / "watched", data_dir, stats_every=1, **options)))
    assert not same(plain, weights(new_run(tmp_path / "other", data_dir, seed=1, **options)))
    assert not same(plain, weights(new_run(tmp_path / "without", data_dir, **{**options, "augment": False})))


def test_the_weights_are_those_of_a_bare_learner(tmp_path: Path, data_dir: Path) -> None:
    watched = weights(new_run(tmp_path, data_dir, model="mlp", epochs=1, augment=True, stats_every=1))
    data = load("fashion", data_dir=data_dir)
    set_seed(42)
    net = models.build("mlp", data.shape, len(data.classes))
    dls = DataLoaders(
        MemoryLoader(data.train_x, data.train_y, 64, shuffle=True), MemoryLoader(data.valid_x, data.valid_y, 128)
    )
    change = standard(28, 28)
    defaults = models.defaults("mlp")
    cbs = [TrainCB(), BatchTransformCB(lambda batch: (change(batch[0]), batch[1]), on_val=False)]
    opt = optimizers.get(defaults.opt)
    Learner(net, dls, loss_func=F.cross_entropy, lr=defaults.lr, cbs=cbs, opt_func=opt).fit(1)
    assert same(watched, [p.detach() for p in net.parameters()])


def test_the_preview_has_the_images_before_and_after(tmp_path: Path, data_dir: Path) -> None:
    run = new_run(tmp_path, data_dir, epochs=1, augment=True)
    trainer.host(run, RunControl())
    saved = [f for f in journal(run) if isinstance(f, ev.PreviewSaved) and f.kind == "batch"]
    train = [f for f in saved if f.phase == "train"][-1]
    tensors = load_file(run.path / train.file)
    assert tensors["before"].shape == tensors["pixels"].shape
    differ = (tensors["before"] != tensors["pixels"]).any(axis=(1, 2, 3))
    assert np.mean(differ) > 0.9
    valid = [f for f in saved if f.phase == "valid"][-1]
    assert "before" not in load_file(run.path / valid.file)


def test_lr_find_knows_it_too(tmp_path: Path, data_dir: Path) -> None:
    run = create_run(
        tmp_path, RunConfig(job="lr-find", data_dir=str(data_dir), bs=64, device="cpu", augment=True, lr_factor=3.0)
    )
    assert trainer.host(run, RunControl()).reason == "done"
